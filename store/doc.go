// Package store keeps everything offhook must not forget, in one Pebble
// database in one directory.
//
// It is the actors' Journal and Store, the tenants' tables, the outbox that
// webhooks are delivered from, the event log, and what providers remember
// across restarts.
//
// What it promises:
//
//   - The records and notifications of one submission are one unit: after a
//     crash all of them are there or none.
//   - A submission completes once it is synced to disk, in the order of
//     submission, and never before those ahead of it.
//   - Visible in Pebble is not durable: a committed batch can be read before
//     its sync returns. Nothing that leaves the process is read past the
//     durable index.
//   - A failed write ends the store: no later submission succeeds, and the
//     process is asked to exit.
//   - What was synced is there at the next start, or the start is refused: a
//     witness beside Pebble's files knows how much that was.
//
// What waits for delivery is in memory too for a moment, as long as there is room
// (fresh.go).
//
// The keyspace is drawn in keys.go; how records are written is in codec.go.
package store
