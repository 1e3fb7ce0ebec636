// Package webhook delivers: it drains the outbox to the receivers of apps.
//
// It promises, for each stream (app, subscriber, kind):
//
//   - Order. One event is in flight at a time (in batch mode: one batch); the
//     next leaves only after a 2xx for the one before. An event that fails for
//     too long parks its stream. What waits for longer than it is kept is given
//     up, and a gap takes its place that says so: nothing is skipped in silence.
//   - At least once. A retry carries the same webhook-id and the same body.
//     Within one process nothing is sent again that was acknowledged; after a
//     crash the events whose acknowledgement was not yet on disk may be.
//   - Isolation. What fails stalls one stream. A receiver that is down costs one
//     timer and one request at a time, and at most a quarter of all slots before
//     that is noticed.
//
// The obvious way, a queue of jobs for a pool of workers, keeps neither order
// nor isolation: the jobs of one dead receiver fill the pool. Here the backlog
// stays in the store. In memory there is a bounded number of lanes per
// receiver; a lane stands for one stream and remembers a few numbers. Whoever
// else has to do with a stream, to send an event again or to give some up,
// borrows its lane (guest.go). A lane is
// made when the journal says that a stream has something (Ready), or by reading
// on in the store's list of waiting streams (scan.go). A goroutine exists only
// while an attempt is under way.
//
//	journal ──Ready──▶ endpoint ▸ lanes ─ready──▶ worker ──Next──▶ outbox
//	                      ▲         │                 │──Post──▶ receiver
//	scan ──Waiting────────┘      waiting ◀──failure───┤
//	                            (one timer)           └─2xx─▶ outbox.Delivered
package webhook
