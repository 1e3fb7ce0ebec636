// Package engine is the rules of calls: what each thing a provider tells and
// each thing an app asks does to a subscriber's calls, and what the world must
// be asked or told because of it.
//
// It is pure: standard library only, no I/O, no clock, no goroutine. Step takes
// one input and gives the new state and Effects; the same arguments always give
// the same results, so a recorded story replays the same every time.
//
// The call machine is a table (transitions.go), drawn in docs/states.md. Facts
// from the provider are absorbed, never argued with; requests may be refused.
//
// Effects of a step leave in this order: its records and notifications become
// durable in one batch; then its replies are given, its notifications may be
// delivered and its asks go to the provider.
package engine
