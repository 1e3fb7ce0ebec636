package oci

import (
	"fmt"
	"time"
)

// gate keeps us from trying again too soon what failed.
type gate struct {
	first, most time.Duration
	failures    int
	until       time.Time
	last        error
}

// closed is why nothing is tried now; nil when it may be.
func (g *gate) closed() error {
	if left := time.Until(g.until); g.failures > 0 && left > 0 {
		return fmt.Errorf("not tried for another %v: %w", left.Round(time.Second), g.last)
	}
	return nil
}

// fail closes the gate, twice as long each time. A part of it is chance, since
// others failed in the same moment.
func (g *gate) fail(err error, random float64) {
	wait := g.most
	if g.failures < 20 {
		wait = min(wait, g.first<<g.failures)
	}
	g.failures++
	g.until, g.last = time.Now().Add(time.Duration(float64(wait)*(0.75+0.25*random))), err
}

func (g *gate) open() { g.failures, g.last = 0, nil }
