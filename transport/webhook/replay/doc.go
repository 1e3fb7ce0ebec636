// Package replay sends a range of past events once more, as a task with
// progress.
//
// It promises: events that were queued for the webhook leave in the order of
// the log, each stream strictly in the order of its numbers, through the lane
// the stream has anyway: never two events of a stream at a time, and never an
// event before its turn in normal delivery. What the receiver refuses is tried
// a few times and then counted as failed: a poison event does not stop a task.
// A task survives a restart. It goes on where everything before was settled,
// so some events may be sent twice; they carry the webhook-id they always had.
//
// A task reads the log as it goes. In memory is a bounded window of events
// that are not settled, whatever the range.
package replay
