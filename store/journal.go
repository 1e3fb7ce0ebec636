package store

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/maybe"
)

var _ actor.Journal = (*Store)(nil)

// maxGroup bounds what is synced at once, in bytes. More would not be faster:
// the cost of a sync is spread thin long before.
const maxGroup = 1 << 20

// maxLast bounds a map that is used again for each group.
const maxLast = 4096

// journal makes submissions durable. One goroutine, the committer, takes
// whatever is waiting, writes it as one batch, syncs, and tells. While it
// syncs, the next group gathers: nobody is made to wait on purpose, and a
// thousand submitters share one sync.
type journal struct {
	db      *pebble.DB
	metrics *Metrics
	fresh   *fresh
	wrote   func(bytes int)
	fail    func(error) // told once

	mu      sync.Mutex
	queue   []*submission
	since   time.Time // when the first of queue came
	closed  bool      // Close was called: what comes now is late
	stopped bool      // the committer is gone
	refuser bool      // a goroutine answers what came after it

	wake    chan struct{}
	done    chan struct{}
	err     atomic.Pointer[error] // the first failure
	durable atomic.Uint64         // index of the last event that is synced

	// How far batches got. Rows of a batch become readable after started was
	// counted up and are durable when finished is.
	started  atomic.Uint64
	finished atomic.Uint64
	syncMu   sync.Mutex
	began    time.Time     // of the sync under way
	synced   chan struct{} // closed when finished or err changes; nil while nobody waits for that
	waiting  atomic.Int64

	// The rest belongs to the committer.
	next     uint64              // index of the next event
	live     map[string]struct{} // folded ids that have a row in live/
	last     map[string]bool     // of each subscriber of a group that was come to: whether its record is whole
	spare    []*submission
	keySpace []byte
}

func newJournal(db *pebble.DB, metrics *Metrics, fresh *fresh, last uint64, live map[string]struct{}, wrote func(int), fail func(error)) *journal {
	j := &journal{
		db: db, metrics: metrics, fresh: fresh, wrote: wrote, fail: fail,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
		next: last + 1, live: live, last: map[string]bool{},
	}
	j.durable.Store(last)
	go j.run()
	return j
}

// Submit is actor.Journal's. On one node there is one group, and one owner: the
// directory is locked, so the fence never changes.
func (s *Store) Submit(group uint32, _ uint64, put []engine.Record, emit []engine.Notification, done actor.Completion) {
	sub := newSubmission(s.opts.Clock, done)
	sub.keep = s.fresh.room > 0
	if sub.encode(put, emit); group != theGroup {
		sub.err = fmt.Errorf("%w: group %d", errNoGroup, group)
	}
	s.journal.enqueue(sub)
}

// Mark is actor.Journal's.
func (s *Store) Mark(group uint32, _ uint64, subscriber string, done actor.Completion) {
	sub := newSubmission(s.opts.Clock, done)
	if sub.mark(subscriber); group != theGroup {
		sub.err = fmt.Errorf("%w: group %d", errNoGroup, group)
	}
	s.journal.enqueue(sub)
}

var errNoGroup = errors.New("store: no such group on this node")

func (j *journal) enqueue(s *submission) {
	j.mu.Lock()
	first := len(j.queue) == 0
	if first && j.metrics != nil {
		j.since = time.Now()
	}
	if j.closed {
		s.err = ErrClosed
	}
	j.queue = append(j.queue, s)
	if j.stopped && !j.refuser {
		j.refuser = true
		go j.refuse()
	}
	j.mu.Unlock()
	if first {
		select {
		case j.wake <- struct{}{}:
		default:
		}
	}
}

// refuse answers what came when the committer was gone already. The caller of
// Submit may hold locks that Done wants, so it cannot be answered there.
func (j *journal) refuse() {
	for {
		j.mu.Lock()
		queue := j.queue
		j.queue = nil
		if len(queue) == 0 {
			j.refuser = false
			j.mu.Unlock()
			return
		}
		j.mu.Unlock()
		for _, s := range queue {
			s.done.Done(0, ErrClosed)
			s.free()
		}
	}
}

func (j *journal) run() {
	defer close(j.done)
	for {
		queue, since, ok := j.take()
		if !ok {
			return
		}
		for rest := queue; len(rest) > 0; {
			n, size := 1, rest[0].size()
			for n < len(rest) && size+rest[n].size() <= maxGroup {
				size += rest[n].size()
				n++
			}
			j.commit(rest[:n], size, since)
			rest = rest[n:]
		}
		crowd := len(queue) > 1
		clear(queue)
		j.spare = queue[:0]
		if crowd {
			// Those who were just told have more to store, and are about to run.
			// To let them costs nothing when there is nobody.
			runtime.Gosched()
		}
	}
}

// take waits for submissions. It reports false when there will be none.
func (j *journal) take() (queue []*submission, since time.Time, ok bool) {
	for {
		j.mu.Lock()
		if len(j.queue) > 0 {
			queue, since = j.queue, j.since
			j.queue, j.spare = j.spare, nil
			j.mu.Unlock()
			return queue, since, true
		}
		if j.closed {
			j.stopped = true
			j.mu.Unlock()
			return nil, since, false
		}
		j.mu.Unlock()
		<-j.wake
	}
}

// close lets the committer finish what was submitted before and waits for it.
func (j *journal) close() {
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
	<-j.done
}

// commit makes one group durable and tells those who wait, in order. What came
// too late, or cannot be stored, is refused in its turn.
func (j *journal) commit(group []*submission, size int, since time.Time) {
	for len(group) > 0 {
		n := 0
		for n < len(group) && group[n].err == nil {
			n++
		}
		j.append(group[:n], size, since)
		if group = group[n:]; len(group) == 0 {
			return
		}
		err := group[0].err
		if !errors.Is(err, ErrClosed) && !errors.Is(err, errNoGroup) {
			// Its owner's memory is ahead of the store now.
			j.poison(err)
			err = j.failure()
		}
		j.answer(group[:1], 0, err)
		group = group[1:]
	}
}

// append stores a group in one synced batch. Nothing succeeds after a failure.
func (j *journal) append(group []*submission, size int, since time.Time) {
	if len(group) == 0 {
		return
	}
	if err := j.failure(); err != nil {
		j.answer(group, 0, err)
		return
	}
	batch := j.db.NewBatchWithSize(size + size/4 + 64)
	first := j.next
	queued, err := j.write(batch, group)
	if err == nil && !batch.Empty() {
		maybe.Delay("store: before a group is committed", time.Second) // the disk may be as slow
		j.begin()
		err = j.db.Apply(batch, pebble.Sync)
		// Pebble reports a failed sync to its logger and not to us.
		if err == nil {
			err = j.failure()
		}
		if err == nil {
			j.finish()
		}
	}
	if err != nil {
		j.metrics.failed()
		j.poison(fmt.Errorf("append %d submissions: %w", len(group), err))
		j.answer(group, 0, j.failure())
		return
	}
	_ = batch.Close()                                                                   // gives its memory back; there is nothing it could fail at
	maybe.Delay("store: after a group is durable, before anybody is told", time.Second) // who waits may wait for longer
	j.fresh.add(group, first-1)
	j.durable.Store(j.next - 1)
	j.waiting.Add(int64(queued))
	j.metrics.appended(len(group), since)
	j.wrote(size)
	j.answer(group, first-1, nil)
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
	j.began = time.Now()
	j.syncMu.Unlock()
	j.started.Add(1)
}

func (j *journal) finish() {
	j.syncMu.Lock()
	defer j.syncMu.Unlock()
	j.finished.Add(1)
	j.wakeReaders()
}

// wakeReaders lets those go on who wait in settled. syncMu is held.
func (j *journal) wakeReaders() {
	if j.synced != nil {
		close(j.synced)
		j.synced = nil
	}
}

// standsStill is how long a sync takes before nobody waits for it any more who
// only reads: their number has no bound.
const standsStill = time.Second

var errStandsStill = &engine.Error{Code: engine.CodeBusy, Message: "the disk of the data directory stands still"}

// settled returns once everything that could be read when it was called is
// durable, or an error if it never will be, or not for long.
func (j *journal) settled() error {
	n := j.started.Load()
	if j.finished.Load() >= n {
		return nil
	}
	j.syncMu.Lock()
	defer j.syncMu.Unlock()
	for j.finished.Load() < n {
		if err := j.failure(); err != nil {
			return err
		}
		left := standsStill - time.Since(j.began)
		if left <= 0 {
			return errStandsStill
		}
		if j.synced == nil {
			j.synced = make(chan struct{})
		}
		j.await(j.synced, left)
	}
	return nil
}

// await lets go of syncMu until something changes or the time is up.
func (j *journal) await(change <-chan struct{}, most time.Duration) {
	j.syncMu.Unlock()
	defer j.syncMu.Lock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-change:
	case <-timer.C:
	}
}

// poison makes everything fail from now on.
func (j *journal) poison(err error) {
	wrapped := fmt.Errorf("store: failed, nothing more is stored: %w", err)
	if !j.err.CompareAndSwap(nil, &wrapped) {
		return
	}
	j.syncMu.Lock()
	j.wakeReaders()
	j.syncMu.Unlock()
	j.fail(wrapped)
}

func (j *journal) failure() error {
	if err := j.err.Load(); err != nil {
		return *err
	}
	return nil
}
