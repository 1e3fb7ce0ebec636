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
// the cost of a sync is spread thin long before, and Pebble does not use the
// memory of a larger batch again.
const maxGroup = 700 << 10

// overlapped is from how many bytes on, of all that waited at a time, the committer
// goes ahead. Of less it would be worse off: a group would leave without those
// who are told a moment later.
const overlapped = 256 << 10

// maxLast bounds a map that is used again for each group.
const maxLast = 4096

// journal makes submissions durable. One goroutine, the committer, takes
// whatever is waiting, writes it as one batch, syncs, and tells. While it syncs,
// the next group gathers: nobody is made to wait on purpose, and a thousand
// submitters share one sync. Where much waits, the committer goes ahead: it writes
// the next group while another goroutine, the teller, waits for the one before (told.go).
type journal struct {
	db      *pebble.DB
	metrics *Metrics
	fresh   *fresh
	wrote   func(bytes int)
	fail    func(error) // told once
	ends    func(error) // the process, with last words
	overlap int         // bytes; see Options.Ahead

	mu      sync.Mutex
	queue   []*submission
	since   time.Time       // when the first of queue came
	closed  bool            // Close was called: what comes now is late
	spare   [][]*submission // queues to use again
	stopped bool            // committer and teller are gone
	refuser bool            // a goroutine answers what came after it

	wake    chan struct{}
	syncing chan written  // from the committer to the teller
	idle    chan struct{} // from the teller: it has nothing left to tell
	told    chan struct{} // closed: the teller is gone
	done    chan struct{}
	err     atomic.Pointer[error] // the first failure
	durable atomic.Uint64         // index of the last event that is synced

	// How far batches got. Rows of a batch become readable after started was
	// counted up and are durable when finished is.
	started  atomic.Uint64
	finished atomic.Uint64
	syncMu   sync.Mutex
	began    time.Time     // when the oldest sync under way became that
	synced   chan struct{} // closed when finished or err changes; nil while nobody waits for that
	waiting  atomic.Int64

	// The rest belongs to the committer.
	next     uint64              // index of the next event
	live     map[string]struct{} // folded ids that have a row in live/
	last     map[string]bool     // of each subscriber of a group that was come to: whether its record is whole
	ahead    bool                // groups are given to the teller
	broken   error               // why nothing can be written any more; told when it is its turn
	keySpace []byte
	events   []row // of a group
}

func newJournal(db *pebble.DB, metrics *Metrics, fresh *fresh, last uint64, live map[string]struct{}, overlap int, wrote func(int), fail, ends func(error)) *journal {
	j := &journal{
		db: db, metrics: metrics, fresh: fresh, wrote: wrote, fail: fail, ends: ends, overlap: overlap,
		wake: make(chan struct{}, 1), syncing: make(chan written, 1), told: make(chan struct{}), idle: make(chan struct{}, 1), done: make(chan struct{}),
		next: last + 1, live: live, last: map[string]bool{},
	}
	j.durable.Store(last)
	go j.run()
	go j.teller()
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
			break
		}
		if j.choose(queue); j.ahead {
			j.commitAll(queue, since)
			j.syncing <- written{queue: queue}
			continue
		}
		j.commitAll(queue, since)
		crowd := len(queue) > 1
		if j.reuse(queue); crowd {
			// Those who were just told have more to store, and are about to run.
			// To let them costs nothing when there is nobody.
			runtime.Gosched()
		}
	}
	close(j.syncing)
	<-j.told
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.stopped = true; len(j.queue) > 0 {
		j.refuser = true
		go j.refuse()
	}
}

// choose decides who tells of what waited: the teller, or the committer, when
// the teller has nothing left to tell.
func (j *journal) choose(queue []*submission) {
	size := 0
	if maybe.Now("store: little is much") {
		size = j.overlap
	}
	for _, s := range queue {
		if size += s.size(); size >= j.overlap {
			j.ahead = true
			return
		}
	}
	if j.ahead {
		j.syncing <- written{then: j.idle}
		<-j.idle
		j.ahead = false
	}
}

// commitAll writes all that waited, in groups.
func (j *journal) commitAll(queue []*submission, since time.Time) {
	for len(queue) > 0 {
		n, size := 1, queue[0].size()
		for n < len(queue) && size+queue[n].size() <= maxGroup {
			size += queue[n].size()
			n++
		}
		j.commit(queue[:n], size, since)
		queue = queue[n:]
	}
}

// take waits for submissions. It reports false when there will be none.
func (j *journal) take() (queue []*submission, since time.Time, ok bool) {
	for {
		j.mu.Lock()
		if len(j.queue) > 0 {
			queue, since = j.queue, j.since
			j.queue = nil
			if n := len(j.spare); n > 0 {
				j.queue, j.spare = j.spare[n-1], j.spare[:n-1]
			}
			j.mu.Unlock()
			return queue, since, true
		}
		closed := j.closed
		j.mu.Unlock()
		if closed {
			return nil, since, false
		}
		<-j.wake
	}
}

// close lets what was submitted before be stored and told, and waits for it.
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

// commit writes one group. What came too late, or cannot be stored, is refused in
// its turn.
func (j *journal) commit(group []*submission, size int, since time.Time) {
	for len(group) > 0 {
		n := 0
		for n < len(group) && group[n].err == nil {
			n++
		}
		if n > 0 {
			j.hand(j.append(group[:n], size, since))
		}
		if group = group[n:]; len(group) == 0 {
			return
		}
		w := written{group: group[:1], err: group[0].err}
		if w.refused = errors.Is(w.err, ErrClosed) || errors.Is(w.err, errNoGroup); !w.refused {
			j.broken = w.err // its owner's memory is ahead of the store now
		}
		j.hand(w)
		group = group[1:]
	}
}

// hand gives a group to whoever tells.
func (j *journal) hand(w written) {
	if j.ahead {
		j.syncing <- w
	} else {
		j.tell(&w)
	}
}

// append writes a group as one batch, whose sync is under way then. Nothing is
// written after a failure.
func (j *journal) append(group []*submission, size int, since time.Time) written {
	w := written{group: group, before: j.next - 1, size: size, since: since}
	if w.err = j.failure(); w.err == nil {
		w.err = j.broken
	}
	if w.err != nil {
		return w
	}
	w.batch = j.db.NewBatchWithSize(size + size/4 + 64)
	w.queued, w.err = j.write(w.batch, group)
	if w.last = j.next - 1; w.err == nil && w.batch.Empty() {
		w.batch = nil
		return w
	}
	if w.err == nil {
		maybe.Delay("store: before a group is committed", time.Second) // the disk may be as slow
		j.begin()
		w.err = j.db.ApplyNoSyncWait(w.batch, pebble.Sync)
	}
	j.broken = w.err
	return w
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

// failedStore is why nothing is stored any more. To who asks it is a reason to ask
// again: offhook ends, and another one takes its place.
type failedStore struct{ error }

func (f failedStore) Unwrap() []error { return []error{f.error, errEnds} }

var errEnds = &engine.Error{Code: engine.CodeBusy, Message: "the store has failed, and offhook ends"}

// poison makes everything fail from now on.
func (j *journal) poison(err error) {
	wrapped := error(failedStore{fmt.Errorf("store: failed, nothing more is stored: %w", err)})
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
