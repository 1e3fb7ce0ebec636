// Package clock tells how long ago something was, whoever has set the clock of
// the machine meanwhile.
//
// What is waited for within a process needs none of this: timers, and times
// that time.Now gave, go by a reading nobody can set. But an event, an ended
// call or an idempotency key carries the time that the clock showed, as apps
// were told it and the disk has it. Set the clock an hour ahead, and all of
// them seem an hour older; a year, and a week's log is too old to keep.
//
// So a process has one Clock, which notices when the clock was set, and knows
// what it showed before. It believes the clock as it finds it when the process
// begins: how long nobody was there, nothing else can tell.
package clock

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is a clock that somebody may set. Its methods may be called from any
// goroutine.
type Clock struct {
	now     func() int64 // ms since the epoch
	elapsed func() int64 // ms, whatever the clock is set to

	base atomic.Int64 // of the last era
	mu   sync.Mutex
	eras []era // the first reaches back for ever
}

// era is a time in which nobody set the clock.
type era struct {
	base int64 // what the clock shows less what has elapsed
	from int64 // what had elapsed when it began
}

const (
	// setBy is by how many ms a clock differs from what has elapsed if somebody
	// set it. What is less is adjustment.
	setBy = 1000
	// maxEras bounds what is known of a clock that is set all the time.
	maxEras = 256
)

// New returns a clock that shows now, in ms since the epoch. elapsed is ms since
// any moment, and nobody sets it; nil means now, which nobody sets then. The
// system's clock is New(nil, nil).
func New(now, elapsed func() int64) *Clock {
	switch {
	case now == nil:
		born := time.Now()
		now = func() int64 { return time.Now().UnixMilli() }
		elapsed = func() int64 { return time.Since(born).Milliseconds() }
	case elapsed == nil:
		elapsed = now
	}
	c := &Clock{now: now, elapsed: elapsed}
	from := elapsed()
	c.base.Store(now() - from)
	c.eras = []era{{c.base.Load(), from}}
	return c
}

// Now is what the clock shows, in ms since the epoch.
func (c *Clock) Now() int64 {
	now, _ := c.Look()
	return now
}

// Look is Now and a number that differs from an earlier one by as many ms as the
// clock was set in between.
func (c *Clock) Look() (now, base int64) {
	now, base = c.now(), c.base.Load()
	if off := now - c.elapsed() - base; -setBy < off && off < setBy {
		return now, base
	}
	return c.noticed()
}

// noticed begins an era, unless somebody else was faster, or whoever looked was
// without a CPU between the one reading and the other.
func (c *Clock) noticed() (now, base int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		before := c.elapsed()
		now = c.now()
		gone := c.elapsed()
		if gone-before >= setBy/2 {
			continue
		}
		base = c.base.Load()
		if off := now - gone - base; -setBy < off && off < setBy {
			return now, base
		}
		base = now - gone
		c.base.Store(base)
		c.eras = append(c.eras, era{base, gone})
		if len(c.eras) > maxEras {
			// The two oldest become one, in which nothing is older than in either.
			c.eras[1].base = min(c.eras[0].base, c.eras[1].base)
			c.eras = append(c.eras[:0], c.eras[1:]...)
		}
		return now, base
	}
}

// Since is how many ms ago the clock showed a time. A time it never showed, and
// one that it showed twice, counts as young: zero at least.
func (c *Clock) Since(at int64) int64 {
	c.Look()
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := c.elapsed()
	end := gone
	for i := len(c.eras) - 1; i >= 0; i-- {
		e := c.eras[i]
		if then := at - e.base; (i == 0 || then >= e.from-setBy) && then <= end+setBy {
			return max(gone-then, 0)
		}
		end = e.from
	}
	return 0
}

// Cutoff is the earliest time that the clock showed within an age: what carries
// an earlier one is older than that. Something old may carry a later one, if the
// clock was wrong when it was written; that is kept for longer.
func (c *Clock) Cutoff(age time.Duration) int64 {
	c.Look()
	c.mu.Lock()
	defer c.mu.Unlock()
	then := c.elapsed() - age.Milliseconds()
	earliest := int64(math.MaxInt64)
	for i := len(c.eras) - 1; i >= 0; i-- {
		e := c.eras[i]
		if i == 0 || e.from <= then {
			return min(earliest, then+e.base)
		}
		earliest = min(earliest, e.from+e.base)
	}
	return earliest
}
