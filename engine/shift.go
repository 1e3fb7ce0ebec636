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
	}
	move(&s.compare.coming)
	move(&s.compare.retryAt)
	for i := range s.Ended {
		move(&s.Ended[i].ReleasedAt) // how long late news of a call are known for what they are
	}
	for i := range s.Intents {
		move(&s.Intents[i].SettledAt)
	}
}
