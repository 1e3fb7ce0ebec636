// Package provision keeps the subscribers of a network as a source says: the
// platform's directory, or its provisioning interface.
//
// The Reconciler lists everybody the source has, compares the list with what it
// provisioned before, and carries out the difference; what a change feed names
// is read back and compared by itself. Rules say who becomes a subscriber, and
// of which apps.
//
// Promises:
//
//   - What an administrator provisioned by hand is never touched. A subscriber
//     is the source's only as long as it reads as the source wrote it last: who
//     changes one by hand takes it over, who deletes it gives it back.
//   - Nobody is deleted for an error. A list that failed deletes nobody; who is
//     missing from a good one is looked for once more; and when more than a
//     share would go, nothing is carried out until the operator confirms.
//   - It may die anywhere. Before each change its record says what was and what
//     will be (record.go); the next start goes on from there, and nobody is
//     provisioned twice.
//   - A subscriber keeps its id for life: a user whose number, name or user id
//     changes goes on with the same streams and numbers.
package provision
