// Package overload asks the real program for far more than it can do: commands
// and facts at ten times the rate it can keep up with, one subscriber or one
// app that asks for a hundred times its share, receivers that are black holes,
// and events that nobody takes. Memory stays bounded, whoever is refused is told
// so at once and when to come back, what is accepted is done in a bounded time,
// and seconds later everything is as before. It holds tests only.
//
//	OFFHOOK_OVERLOAD_SECONDS  how long ten times the rate is offered; without it 5
//	OFFHOOK_OVERLOAD_EVENTS   how many events pile up undelivered; without it 10,000
//
// Offhook is the plain build and the platform a process of its own. The clients
// share the machine with both: where they could not offer as much as they wanted,
// the row says so. Of facts they could never offer ten times as many, so that
// offhook is held still for most of the time there.
package overload
