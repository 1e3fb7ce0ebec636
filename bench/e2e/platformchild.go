package e2e

import (
	"context"
	"fmt"
	"time"

	"offhook/bench/child"
)

// Platform is what the parent of a platform's process may ask for.
type Platform struct{ p *platform }

// Begin listens, with so many lines, and tells the URL. A platform that there
// was before is no more.
func (s *Platform) Begin(lines int, url *string) (err error) {
	if s.p != nil {
		_ = s.p.close()
	}
	if s.p, err = newPlatform(lines); err != nil {
		return err
	}
	*url = "http://" + s.p.ln.Addr().String()
	return nil
}

// Followed waits until every line is subscribed to, and every event so far is
// acknowledged. It reports whether that came in time.
func (s *Platform) Followed(_ int, yes *bool) error {
	*yes = s.await(func() bool { return int(s.p.subscribed.Load()) == len(s.p.lines) && s.p.open() == 0 })
	return nil
}

// Settled waits until every event is acknowledged.
func (s *Platform) Settled(_ int, yes *bool) error {
	*yes = s.await(func() bool { return s.p.open() == 0 })
	return nil
}

func (s *Platform) await(ok func() bool) bool {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.NewTimer(child.Patience)
	defer late.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-late.C:
			return false
		}
	}
	return true
}

// Pace is an open loop.
type Pace struct {
	Rate   int
	Length time.Duration
	Seed   uint64
}

// Played is when events were due, and how late each left.
type Played struct {
	Due  []Due
	Late []int64 // ns
}

// Play tells events at a pace.
func (s *Platform) Play(p Pace, out *Played) (err error) {
	out.Due, out.Late, err = s.p.play(context.Background(), p.Rate, p.Length, p.Seed)
	return err
}

// Rush is a closed loop: over the channel, or with To POSTed.
type Rush struct {
	Window int // events that are not acknowledged; of POSTs one on each connection
	Length time.Duration
	To     string // where events are POSTed; empty for the channel
}

// Rushed is what came of it.
type Rushed struct {
	Events int
	Began  int64 // ns since the epoch
}

// Rush tells events as fast as they are acknowledged.
func (s *Platform) Rush(r Rush, out *Rushed) (err error) {
	var began time.Time
	if r.To != "" {
		out.Events, began, err = s.p.post(context.Background(), r.To, r.Window, r.Length)
	} else {
		out.Events, began, err = s.p.rush(context.Background(), r.Window, r.Length)
	}
	out.Began = began.UnixNano()
	return err
}

// Answer leaves every line with a call that is answered.
func (s *Platform) Answer(int, *int) error {
	s.p.answer()
	return nil
}

// Contact tells where events are to be POSTed.
func (s *Platform) Contact(_ int, to *string) error {
	*to = s.p.contactURL()
	return nil
}

// Tally is the platform's side of the books.
type Tally struct {
	Steps    []int // by line: events of calls so far
	Acked    int   // events, snapshots among them
	Open     int   // not acknowledged
	Repeats  int   // acknowledgements of what was acknowledged
	Requests int   // for them
}

// Count returns it. What nobody expected is an error.
func (s *Platform) Count(_ int, t *Tally) error {
	p := s.p
	for _, l := range p.lines {
		l.mu.Lock()
		t.Steps = append(t.Steps, l.steps)
		l.mu.Unlock()
	}
	t.Acked, t.Open, t.Repeats, t.Requests = int(p.acked.Load()), p.open(), int(p.repeats.Load()), int(p.requests.Load())
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.strange) > 0 {
		return fmt.Errorf("asked for what nobody should: %q", p.strange)
	}
	return nil
}
