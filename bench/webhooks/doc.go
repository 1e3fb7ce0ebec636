// Package webhooks measures delivery: how many events a second leave the
// store for a receiver, how long one takes from its journal to the receiver,
// and what a receiver that never answers costs the others.
//
// What it promises:
//
//   - The real parts: subscribers stepped by the engine, the store on a real
//     directory with real syncs, the dispatcher and its client over real HTTP
//     to a receiver in a process of its own.
//
//   - A number counts only if delivery was right: every stream arrived as
//     1, 2, 3, … and nothing was left. Otherwise it ends with exit code 1.
//
//   - What is compared is measured side by side: the rounds of the bare client
//     and those of the dispatcher, of the healthy and of the disturbed, take
//     turns in one run.
//
//   - Loopback only, a bounded number of events, and nothing left behind:
//     neither a file nor a process, also after Ctrl-C.
//
//     phones ─Step─▶ store.Submit ─Done─▶ dispatcher ─POST─▶ receiver
//     │                                                      │
//     └── when it was due ──────── latency ─── when it came ─┘
package webhooks
