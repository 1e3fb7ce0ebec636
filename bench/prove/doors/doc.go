// Package doors tries every door of a running offhook with every wrong key, and
// with every right key the things of somebody else. What is tried comes from
// the route tables of the two listeners: a route added later is tried by
// itself, and one nobody has said of what a success looks like fails. It holds
// tests only.
//
// Two apps live in one offhook, each with subscribers, calls, webhooks,
// redeliveries and keys of its own. What an app names of the other must look to
// the byte like what is not there, and must leave the other as it was.
package doors
