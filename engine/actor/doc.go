// Package actor owns subscribers: at any time at most one goroutine changes a
// subscriber's state, and the subscriber has it only while there is work. An
// input that finds no work under way is carried out by whoever brings it; what
// comes in between has an owner woken, of whom a few wait for the next subscriber.
//
// It is the only place with concurrency rules:
//
//   - Commands and facts wait in bounded queues of their own. A command over the
//     bound is refused. A fact never is: over the bound, or when it waits too
//     long, a durable mark says that the subscriber must be compared with its
//     provider, and the facts it makes up for are settled.
//   - An owner never waits for the disk or the network. It steps the next input
//     while earlier records are being synced. Every effect of a step is released
//     in order, once its records and those of all earlier steps are durable:
//     replies, refusals, reads, receipts, notifications and asks alike.
//   - Asks are carried out outside of the owner, at most once, and their outcome
//     comes back through the inbox.
//   - A subscriber without live calls and without anything awaited is forgotten
//     (parked) and loaded again when something happens to it. Enqueueing and the
//     decision to park are made under one lock, so no input is lost between.
package actor
