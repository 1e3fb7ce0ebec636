package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine/maybe"
)

// maxSpare bounds the queues that are kept to be used again: one is filled, one
// is written, one is synced.
const maxSpare = 3

// written is a group whose rows can be read, and whose sync is under way; or one
// that was refused; or, to the teller, one of the last two fields alone.
type written struct {
	batch   *pebble.Batch // nil: there is nothing to sync
	group   []*submission
	err     error // why it is not written
	refused bool  // err concerns nobody else
	before  uint64
	last    uint64 // its last event; before is the last one before it
	queued  int    // how many of its events wait for delivery
	size    int    // bytes
	since   time.Time

	queue []*submission   // of which all groups were handed over
	then  chan<- struct{} // who asks to be told when it is the turn of this
}

// teller tells of the groups it is given, in the order in which they were written.
func (j *journal) teller() {
	defer close(j.told)
	for w := range j.syncing {
		switch {
		case w.then != nil:
			w.then <- struct{}{}
		case w.queue != nil:
			j.reuse(w.queue)
		default:
			j.tell(&w)
		}
	}
}

// tell waits until a group is durable and tells those who wait, in order. What
// fails does so in its turn, and with it all that comes after.
func (j *journal) tell(w *written) {
	err := w.err
	if !w.refused {
		err = j.settle(w)
	}
	if err != nil {
		j.answer(w.group, 0, err)
		return
	}
	maybe.Delay("store: after a group is durable, before anybody is told", time.Second) // who waits may wait for longer
	j.fresh.add(w.group, w.before)
	j.durable.Store(w.last)
	j.waiting.Add(int64(w.queued))
	j.metrics.appended(len(w.group), w.since)
	j.wrote(w.size)
	j.answer(w.group, w.before, nil)
}

// settle waits until a group is durable.
func (j *journal) settle(w *written) error {
	err := w.err
	if err == nil && w.batch != nil {
		if err = w.batch.SyncWait(); err != nil {
			j.ends(fmt.Errorf("sync of the log: %w", err)) // which Pebble says by itself only to who waits as it writes
		}
	}
	if err == nil {
		err = j.failure() // of a failed write Pebble tells its logger and not us
	}
	if err != nil {
		if w.batch != nil {
			j.metrics.failed()
			err = fmt.Errorf("append %d submissions: %w", len(w.group), err)
		}
		j.poison(err)
		return j.failure()
	}
	if w.batch != nil {
		j.finish()
		_ = w.batch.Close() // gives its memory back; there is nothing it could fail at
	}
	return nil
}

// reuse keeps a queue to be filled again.
func (j *journal) reuse(queue []*submission) {
	clear(queue)
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.spare) < maxSpare {
		j.spare = append(j.spare, queue[:0])
	}
}

// answer completes a group. index is the last event before it.
func (j *journal) answer(group []*submission, index uint64, err error) {
	for _, s := range group {
		if err == nil {
			index += uint64(s.events) // #nosec G115 -- a count
		}
		s.done.Done(index, err)
		s.free()
	}
}

func (j *journal) begin() {
	j.syncMu.Lock()
	if j.started.Load() == j.finished.Load() {
		j.began = time.Now()
	}
	j.syncMu.Unlock()
	j.started.Add(1)
}

func (j *journal) finish() {
	j.syncMu.Lock()
	defer j.syncMu.Unlock()
	j.finished.Add(1)
	j.began = time.Now() // of the next one, if there is one
	j.wakeReaders()
}

// wakeReaders lets those go on who wait in settled. syncMu is held.
func (j *journal) wakeReaders() {
	if j.synced != nil {
		close(j.synced)
		j.synced = nil
	}
}
