// Package web is what the public and the admin listener share: a server that
// has its bounds set, and the small things a handler needs to be exact.
//
// It promises that a client gets a problem document for whatever it does
// wrong, before a handler is reached as much as after; that a handler's panic
// harms one request; that path values are decoded once; and that shutting
// down lets requests in flight finish.
package web
