// Command prove makes every attack on offhook's promises once, sized for a
// change's tests, and ends with one table: the promise, how it was attacked, how
// often, and how many times it broke. Each folder here is one attacker; each can
// go on for a night by itself (make sim, crash, kill9, soak). docs/reliability.md
// tells what the promises are and what is not covered.
package main
