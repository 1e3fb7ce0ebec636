// Package broadworks drives one Cisco BroadWorks platform over its Xsi-Actions
// and Xsi-Events interfaces, as a provider.Provider.
//
// What it promises:
//
//   - An originate is sent at most once, whatever times out or breaks.
//   - An event is acknowledged after its receipt was settled, and not before.
//   - Events of one user are handed over in the order they were received.
//   - Whenever events may have been lost (a new connection, a subscription that
//     ended, a document nobody understood) the user is compared: its
//     subscription is renewed, which makes the platform send an exact snapshot,
//     or the sink is asked for a resync.
//   - The first 401 stops every request of the network, since BroadWorks locks
//     accounts; see gate.
//   - No number, name or password reaches a log line, a metric or an error.
//
// Everything said about the wire here is from the BroadWorks dossier; comments
// name its sections. BroadWorks words stop at translate.go.
package broadworks
