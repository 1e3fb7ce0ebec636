// Package hookapi lets apps and operators look after webhooks: set and change
// them, rotate their secrets, pause and resume, see what was tried, and have
// it sent again. Both listeners mount the same routes, with the same bodies.
//
// It promises that a change leaves everything else of the app as it is,
// whoever else is changing it; that a secret is shown once, in the answer that
// makes it, and is in no other answer and in no log; and that each change is
// one line in the log that says what was changed and by whom.
package hookapi
