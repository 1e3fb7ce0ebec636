// Package oci lists the users of one Cisco BroadWorks platform over its
// provisioning interface, OCI-P, and follows OCI-Reporting, its change feed, as
// a provider.Source. It only reads.
//
// What it promises:
//
//   - A list that is refused, breaks off, moves while it is read or lacks a
//     heading is an error, never a short list.
//   - Whoever the feed names is told of. Whenever the feed may have said something
//     that was not heard (a new connection, a document nobody understood),
//     anything may have changed, since nothing is ever told twice.
//   - A login that was refused is not tried again for minutes, then hours: an
//     account that is locked stays locked while it is asked.
//   - Everything that comes in is bounded in bytes, depth, elements and time.
//   - No name, number or password, and nothing of what the feed carries, reaches
//     a log line, a metric or an error.
//
// What is said about the wire is from the BroadWorks dossier, §4; what it does
// not know is a setting of tenant.OCI.
package oci
