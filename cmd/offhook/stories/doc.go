// Package stories drives the real program the way its users do: its own
// process, real sockets, a real data directory, a real kill. It holds tests
// only.
package stories
