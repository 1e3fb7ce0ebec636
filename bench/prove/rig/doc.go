// Package rig runs the real program for tests: it builds offhook, starts and
// kills processes, provisions an app, and receives its webhooks into a ledger
// that checks every one of them on the way in. Everything is on loopback, and
// only processes it started are ended.
package rig
