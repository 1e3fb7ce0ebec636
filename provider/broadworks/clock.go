package broadworks

import "time"

// now is ms since the epoch as of the provider's start: whoever sets the clock
// of the machine later changes nothing in it. What is due is counted by it.
func (p *Provider) now() int64 { return p.began.UnixMilli() + time.Since(p.began).Milliseconds() }

// wall is a time by now as the clock of the machine would show it: for people,
// and for the next start. own is the way back.
func (p *Provider) wall(at int64) int64 { return at + p.cfg.Now() - p.now() }
func (p *Provider) own(at int64) int64  { return at + p.now() - p.cfg.Now() }

// moment is ns since the provider's start, and never zero.
func (p *Provider) moment(t time.Time) int64 { return max(int64(t.Sub(p.began)), 1) }
