// Package eventlog shows an app its event log: page by page, and as a stream
// of server-sent events (WHATWG HTML §9.2).
//
// It promises that what it shows is durable, and is the body of the webhook to
// the byte; that a reader who goes on from a cursor misses nothing and is told
// nothing twice; that events which are no longer kept are named as a gap
// before anything behind them is shown; and that a cursor says nothing to an
// app and works for no other.
//
// A stream reads the store when it is told that there is more, at the speed
// of its reader: nothing is queued for it, so a slow one costs the others
// nothing. At rest it has one goroutine, its connection's, and no buffer.
package eventlog
