// Package oci is the provisioning side of the make-believe BroadWorks: an OCI-P
// server, where users are listed, read and changed, and an OCI-Reporting
// server, which tells those who listen of every change. Comments cite the wire
// dossier as "dossier §4.1".
//
// What it promises:
//
//   - The bytes are those of the dossier: ISO-8859-1, framed by the closing tag,
//     one session to a socket, a login in two steps, tables with their headings.
//     What the dossier does not know is a setting, or said to be a guess.
//   - Users are not kept here: People is whose they are. A change is made, and
//     queued for the feed, in one step, so the feed has the order of the changes.
//   - Only accepted writes are reported, each once, under ids that grow with gaps.
//   - Everything is bounded: connections, bytes and depth of a document, the time
//     until somebody is logged in, the queue of a listener that does not read.
//     A document is never waited for, or written, under anybody's lock.
package oci
