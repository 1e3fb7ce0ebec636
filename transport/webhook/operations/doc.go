// Package operations tells people about the webhooks themselves: an endpoint
// is failing, disabled, recovered; streams are parked. It does so by webhooks
// of its own, to the app's receiver for them and to the operator's.
//
// It promises that what is true now is told at least once, and not what was
// true in between: a newer state of an endpoint takes the place of an older one
// that nobody took yet. It is no log. After a restart the present states are
// told again as they are found. Memory is bounded by the number of webhooks:
// of each, one state is kept, what each receiver knows of it, and a count of
// parked streams with some of their ids.
//
// The dispatcher tells it under a lock, so Tell waits for nobody. Sending has
// one goroutine, and one more for each POST under way: one per receiver.
package operations
