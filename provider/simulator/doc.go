// Package simulator is a make-believe Cisco BroadWorks: an Xsi server over HTTP
// with phones and far ends behind it. offhook, and any other Xsi client, talks
// to it as to the real system; nothing here imports offhook.
//
// What it promises:
//
//   - The bytes are those of the wire dossier (docs of the project, "broadworks"):
//     Xsi-Actions, Xsi-Events with streaming channels, acknowledgements, renewals
//     and snapshots. Comments cite its sections as "dossier §3.1".
//   - A 2xx on an action means accepted, not done; the event that follows is the
//     truth, or none follows.
//   - Nothing is reordered within one subscription, and sequence numbers have no
//     gap except where an event was lost, by a fault or for want of a channel.
//   - Where the dossier does not know what BroadWorks does, the behaviour is a
//     setting or a table, never buried in code.
//   - Everything is bounded. A reader that does not read loses its channel and
//     holds up nobody else: no lock is held while bytes are written.
//   - The same Config gives the same subscribers; the same Seed the same choices.
//   - Subscribers come, change and go while it runs, by the control paths and by
//     OCI-P alike. Who is deleted is gone everywhere at once: calls and
//     subscriptions end with their events, then the user is unknown (404).
//
// Beside the Xsi paths the same listener has /simulator/…, through which a
// person or a test makes phones ring, far ends answer and things go wrong.
// /simulator/people is who the subscribers are, /simulator/phones how their
// phones behave. The package oci is how operators' systems provision them.
//
// How phones behave unless told otherwise: a phone lifts itself 800 ms after a
// click-to-dial reaches it, and the far end answers 1,500 ms after it rings. A
// call that comes in from outside rings until somebody answers it, the caller
// gives up, or three minutes pass; only a phone explicitly set to "auto"
// answers such a call by itself. A call between two subscribers is answered as
// the caller's far_end says, unless the called phone was set up itself.
//
// Nothing is left over: a parked call is taken, gives up or comes back to who
// parked it, a transfer nobody answers comes back to who made it, and a
// conference ends when one call is left.
package simulator
