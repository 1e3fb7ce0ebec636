package replay

import (
	"context"
	"slices"
	"sync"
	"time"

	"offhook/engine"
)

const (
	// maxWindow is how many events of a task are known and not settled, or
	// settled before one that is not.
	maxWindow = 1024
	saveEvery = time.Second
)

// item is one event to send.
type item struct {
	place    uint64 // in the source
	stream   engine.StreamID
	sequence uint64

	flying  bool
	verdict verdict
}

// run is a task that is running. loop owns what is not guarded.
type run struct {
	r      *Replayer
	ctx    context.Context
	cancel context.CancelFunc
	share  *share
	source source

	window  []*item // in order; the first is not settled
	flying  int
	looked  uint64 // place up to which the source was read
	more    bool   // there may be events behind it
	settled chan *item

	mu    sync.Mutex
	task  Task // as it is shown; what is settled is counted
	solid Task // as it is stored: counts only what is before Through
	dirty bool // solid is not stored
}

func (r *Replayer) newRun(t Task, s *share) *run {
	w := &run{
		r: r, share: s, task: t, solid: t, more: true, looked: t.Through,
		source:  source{log: r.cfg.Log, r: t.Range, end: t.End},
		settled: make(chan *item, r.cfg.Streams),
	}
	w.ctx, w.cancel = context.WithCancel(r.ctx)
	return w
}

// loop runs the task until it is done, canceled, or the Replayer stops.
func (t *run) loop() {
	defer t.r.ended(t)
	save := time.NewTicker(saveEvery)
	defer save.Stop()
	for t.ctx.Err() == nil && !t.begin() {
		t.stumble()
	}
	for t.ctx.Err() == nil {
		if t.more && len(t.window) < maxWindow && !t.fill() {
			t.stumble()
			continue
		}
		t.launch()
		if t.more && len(t.window) < maxWindow/2 {
			select { // do not wait, there is more to read
			case it := <-t.settled:
				t.settle(it)
			case <-save.C:
				t.save(false)
			default:
			}
			continue
		}
		if !t.more && len(t.window) == 0 {
			t.finish()
			break
		}
		select {
		case it := <-t.settled:
			t.settle(it)
		case <-save.C:
			t.save(false)
		case <-t.ctx.Done():
		}
	}
	for t.flying > 0 {
		t.settle(<-t.settled)
	}
	t.save(true)
}

// begin finds the first place and counts what is to be done, once.
func (t *run) begin() bool {
	if t.task.Through > 0 || t.task.Total > 0 {
		return true // a restart
	}
	place, err := t.source.start()
	if err != nil {
		return t.trouble(err)
	}
	total, more, err := t.source.count(place, t.r.cfg.Count)
	if err != nil {
		return t.trouble(err)
	}
	t.looked = place
	t.mu.Lock()
	defer t.mu.Unlock()
	t.task.Total, t.task.More, t.task.Through = total, more, place
	t.solid.Total, t.solid.More, t.solid.Through = total, more, place
	t.dirty = true
	return true
}

// fill reads a page into the window.
func (t *run) fill() bool {
	through, _, more, err := t.source.page(t.looked, func(it item) { t.window = append(t.window, &it) })
	if err != nil {
		return t.trouble(err)
	}
	t.looked, t.more = through, more
	t.advance()
	return true
}

// launch sends what may leave: of each stream the first that is not settled.
func (t *run) launch() {
	if t.flying == t.r.cfg.Streams {
		return
	}
	busy := map[string]bool{}
	for _, it := range t.window {
		sub := it.stream.Subscriber
		if it.verdict != unsettled || busy[sub] {
			continue
		}
		busy[sub] = true
		if it.flying {
			continue
		}
		it.flying = true
		t.flying++
		go func() {
			v := t.send(*it)
			t.settled <- &item{place: it.place, verdict: v}
		}()
		if t.flying == t.r.cfg.Streams {
			return
		}
	}
}

// settle takes note of what became of an event.
func (t *run) settle(got *item) {
	t.flying--
	i, found := slices.BinarySearchFunc(t.window, got.place, func(it *item, place uint64) int {
		switch {
		case it.place < place:
			return -1
		case it.place > place:
			return 1
		}
		return 0
	})
	if !found {
		panic("replay: settled an event that was not sent")
	}
	it := t.window[i]
	it.flying, it.verdict = false, got.verdict
	if got.verdict == unsettled {
		return // the task is ending
	}
	t.r.cfg.Metrics.settled(got.verdict)
	t.mu.Lock()
	tally(&t.task, got.verdict)
	t.task.UpdatedAt = t.r.now()
	t.mu.Unlock()
	t.advance()
}

// tally counts one event that is settled.
func tally(t *Task, v verdict) {
	t.Done++
	t.Total = max(t.Total, t.Done)
	switch v {
	case delivered:
		t.Delivered++
	case failed:
		t.Failed++
	}
}

// advance lets go of what is settled with everything before it.
func (t *run) advance() {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for n < len(t.window) && t.window[n].verdict != unsettled {
		tally(&t.solid, t.window[n].verdict)
		t.solid.Through = t.window[n].place
		n++
	}
	clear(t.window[:n])
	t.window = t.window[n:]
	if len(t.window) == 0 {
		t.window, t.solid.Through = nil, t.looked
	}
	if t.task.Through != t.solid.Through {
		t.task.Through, t.dirty = t.solid.Through, true
		t.solid.UpdatedAt = t.r.now()
	}
}

// finish ends a task that has come to the end of its range.
func (t *run) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task.State != Running {
		return // canceled in the same moment
	}
	t.task.State, t.task.Error = Done, ""
	t.task.Total, t.task.More = t.task.Done, false // what was not kept until its turn came is not of the range any more
	t.task.UpdatedAt = t.r.now()
	t.solid, t.dirty = t.task, true
}

// quit cancels the task; false if it is over already. That is on disk when it
// returns.
func (t *run) quit(why string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task.State != Running {
		return false
	}
	t.task.State, t.task.Error, t.task.UpdatedAt = Canceled, why, t.r.now()
	t.put(&t.task, true)
	t.cancel()
	return true
}

// save stores how far the task has come.
func (t *run) save(durable bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task.State == Canceled {
		t.solid, t.dirty = t.task, true // nobody goes on with it: all that is known counts
	}
	if t.dirty {
		t.put(&t.solid, durable)
	}
}

// put stores a task; mu is held.
func (t *run) put(task *Task, durable bool) {
	if err := t.r.cfg.Tasks.PutTask(task, durable); err != nil {
		t.r.log.Error("how far a redelivery task has come is not noted", "app", task.Range.App, "task", task.ID, "error", err)
		return
	}
	t.dirty = false
}

// waits notes what the task waits for, in fixed words.
func (t *run) waits(note string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.task.State == Running {
		t.task.Error = note
	}
}

// trouble notes that the log could not be read.
func (t *run) trouble(err error) bool {
	t.waits(noteTrouble)
	t.r.log.Error("event log cannot be read", "app", t.task.Range.App, "task", t.task.ID, "error", err)
	return false
}

// stumble waits a moment, then looks whether anything came of it.
func (t *run) stumble() {
	t.sleep(t.jitter(minRest))
	for {
		select {
		case it := <-t.settled:
			t.settle(it)
		default:
			t.save(false)
			return
		}
	}
}

func (t *run) view() Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.task
}
