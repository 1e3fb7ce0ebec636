//go:build race

package sim

// With the race detector an hour takes as long as many without.
const hoursInTests = 1
