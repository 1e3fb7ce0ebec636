// Package xsicontact is the listener that a BroadWorks platform POSTs its
// events to, where they do not come over channels.
//
// Nothing is known of a signature or a login on that path, so it promises to
// hand a document over only if its peer is in the allow-list, which is looked
// at before a byte is read, and its path is the secret one. Everything a peer
// may send is bounded in size and time. The answer is what the Contact says:
// with 200 the event is durable.
package xsicontact
