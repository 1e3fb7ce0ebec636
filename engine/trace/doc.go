// Package trace follows what an app asked for through offhook: from its request
// to the provider, to the events that come of it, to the webhooks that tell of
// them (W3C Trace Context). Ids travel beside the work, in contexts and in a
// memory of what was caused, and never in what is stored: after a restart
// nobody knows any more what an event came from, and its webhook carries none.
//
// A nil *Tracer makes and passes on ids, and exports nothing.
package trace
