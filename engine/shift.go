package engine

// shift moves what is counted from now by as much as the clock was set, so that
// it takes as long as if nobody had. What was told to anybody stays as it is.
func (s *Subscriber) shift(by int64) {
	move := func(t *int64) {
		if *t != 0 {
			*t = max(*t+by, 1) // zero means never
		}
	}
	for i := range s.waiters {
		move(&s.waiters[i].deadline)
	}
	for i := range s.barriers {
		move(&s.barriers[i].deadline)
	}
	for i := range s.Calls {
		move(&s.Calls[i].checkAt)
		move(&s.Calls[i].echoed)
	}
	move(&s.compare.coming)
	move(&s.compare.retryAt)
	for i := range s.Ended {
		s.Ended[i].set += by
	}
	for i := range s.Intents {
		s.Intents[i].set += by
	}
}

// Loaded says of a subscriber that comes from the store by how many ms the clock
// was set since the times it remembers.
func (s *Subscriber) Loaded(setSince func(at int64) int64) {
	for i := range s.Calls {
		if c := &s.Calls[i]; c.Session == 0 { // older records do not have it
			c.Session = sessionOf(s.Network, c.TrackingID, c.ID)
		}
	}
	for i := range s.Ended {
		s.Ended[i].set = setSince(s.Ended[i].ReleasedAt)
	}
	for i := range s.Intents {
		if in := &s.Intents[i]; !in.Open() {
			in.set = setSince(in.SettledAt)
		}
	}
}

// age is for how long late news of the call are known for what they are.
func (e *Ended) age(now int64) int64 { return now - e.ReleasedAt - e.set }

// age is for how long the outcome is known.
func (i *Intent) age(now int64) int64 { return now - i.SettledAt - i.set }
