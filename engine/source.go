package engine

const maxSequence = 1<<31 - 1 // sequence numbers wrap to 1 after it (dossier §3.6)

// hear decides what an event is worth by its id and number, and remembers
// both. Repeats and events older than what we know are dropped: in between, a
// snapshot may have told more.
func (st *step) hear(ev *Event) EventVerdict {
	if st.Deleted {
		return EventIgnored
	}
	src := &st.Source
	var id uint64
	if ev.ID != "" {
		id = hash(ev.ID)
		for _, h := range src.Recent {
			if h == id {
				return EventDuplicate
			}
		}
	}
	verdict := EventApplied
	switch {
	case ev.Subscription == "" || ev.Sequence == 0:
	case ev.Subscription != src.Subscription:
		// Numbers of another subscription say nothing about ours. A snapshot
		// starts a new line; so does the first event ever heard.
		if ev.Kind != EventSnapshot && src.Subscription != "" {
			st.wantSnapshot()
			return EventIgnored
		}
		if ev.Kind != EventSnapshot && ev.Sequence != 1 {
			verdict = EventGap
		}
		src.Subscription, src.Sequence = ev.Subscription, ev.Sequence
		st.rewrite()
		st.hush()
	default:
		ahead := distance(src.Sequence, ev.Sequence)
		if ahead <= 0 {
			return EventDuplicate
		}
		if ahead > 1 {
			st.hush()
			if ev.Kind != EventSnapshot {
				verdict = EventGap
			}
		}
		src.Sequence = ev.Sequence
	}
	if id != 0 {
		src.Recent[src.Next%uint8(len(src.Recent))] = id
		src.Next = (src.Next + 1) % uint8(len(src.Recent))
		st.heard = true
	}
	st.changed = true
	return verdict
}

// distance is how far b is ahead of a on the wrapping line of numbers.
func distance(a, b uint32) int64 {
	d := int64(b) - int64(a)
	switch {
	case d > maxSequence/2:
		d -= maxSequence
	case d < -maxSequence/2:
		d += maxSequence
	}
	return d
}

// hash is never zero. It takes eight bytes at a time; what differs in one such
// word alone, as most ids of a provider do, has another hash for certain. Hashes
// of ids are stored, with what was heard and as sessions: they stay as they are.
func hash(s string) uint64 { return max(hashed(0, s), 1) }

// hashed goes on from the hash of what is before s.
func hashed(h uint64, s string) uint64 {
	h += uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		h = mixed(h, word(s))
	}
	var rest uint64
	for i := 0; i < len(s); i++ {
		rest = rest<<8 | uint64(s[i])
	}
	return mixed(h, rest)
}

func mixed(h, w uint64) uint64 {
	h = (h ^ w) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}
