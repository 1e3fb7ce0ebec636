// Package e2e measures the whole of offhook from outside, with real processes:
// what it takes from the bytes of an Xsi event on the wire to the bytes of its
// webhook on another, and from a request of the API to what it changed being
// durable.
//
//	platform ──events──▶ offhook serve ──webhooks──▶ receiver
//	   │  ◀──acks, actions──   ▲                        │
//	   └── when each was due ──┼─────── when it came ───┘
//	                           │
//	                        this process: commands, profiles
//
// What it promises:
//
//   - The offhook that is measured is the program itself, with a data directory
//     of its own and real syncs, set up by its config file and its admin API as
//     an operator would.
//
//   - The platform speaks as BroadWorks does: subscriptions, a channel, heartbeats,
//     acknowledgements, actions, HTTP contacts. It is not the simulator of
//     “offhook simulate”, which keeps a switch for people and takes more of the
//     processor for an event than offhook does: it would be what is measured.
//
//   - An open loop has events due at even distances whatever became of those
//     before; an event's time begins when it was due.
//
//   - A number counts only if everything was right: every stream arrived as
//     1, 2, 3, …, each webhook the one that its event makes, every event was
//     acknowledged, nothing came twice or was left. Else there is an error, and
//     no number.
//
//   - Loopback only, and nothing left behind: neither a file nor a process.
package e2e
