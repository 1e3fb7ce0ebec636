package store

import (
	"encoding/binary"
	"slices"

	"offhook/engine"
)

func appendSubscriber(b []byte, s *engine.Subscriber) []byte {
	b = append(b, version2)
	b = appendProfile(b, &s.Profile)
	b = appendFlags(b, s.Deleted)
	b = appendEach(b, s.Streams, appendStream)
	b = appendEach(b, s.Calls, appendCall)
	b = appendEach(b, s.Ended, appendEnded)
	b = appendEach(b, s.Intents, appendIntentFields)
	b = appendSource(b, &s.Source)
	b = appendFlags(b, s.Conference != nil)
	if s.Conference != nil {
		b = appendConference(b, s.Conference)
	}
	return b
}

// decodeSubscriber reads a row of sub/: the record, and what is behind it.
func decodeSubscriber(b []byte) (*engine.Subscriber, error) {
	d := decode2(b)
	s := &engine.Subscriber{}
	d.subscriber(s)
	d.behind(s)
	if err := d.done("subscriber"); err != nil {
		return nil, err
	}
	return s, nil
}

// subscriber reads the record, and leaves what is behind it.
func (d *decoder) subscriber(s *engine.Subscriber) {
	d.profile(&s.Profile)
	d.flags(&s.Deleted)
	if n := d.count(5); n > 0 {
		s.Streams = make([]engine.Stream, n)
		for i := range s.Streams {
			d.stream(&s.Streams[i])
		}
	}
	if n := d.count(minCall); n > 0 {
		s.Calls = make([]engine.Call, n)
		for i := range s.Calls {
			d.call(&s.Calls[i])
		}
	}
	if n := d.count(minEnded); n > 0 {
		s.Ended = make([]engine.Ended, n)
		for i := range s.Ended {
			d.ended(&s.Ended[i])
		}
	}
	if n := d.count(minIntent); n > 0 {
		s.Intents = make([]engine.Intent, n)
		for i := range s.Intents {
			d.intent(&s.Intents[i])
		}
	}
	d.source(&s.Source)
	if d.old {
		return
	}
	var confers bool
	if d.flags(&confers); confers {
		s.Conference = &engine.Conference{}
		d.conference(s.Conference)
	}
}

func appendProfile(b []byte, p *engine.Profile) []byte {
	b = appendString(b, p.ID)
	b = appendString(b, p.Number)
	b = appendString(b, p.Extension)
	b = appendString(b, p.Name)
	b = appendString(b, p.AccountID)
	b = appendString(b, p.Network)
	return appendString(b, p.ProviderUser)
}

func (d *decoder) profile(p *engine.Profile) {
	p.ID = d.string()
	p.Number = d.string()
	p.Extension = d.string()
	p.Name = d.string()
	p.AccountID = d.string()
	p.Network = d.string()
	p.ProviderUser = d.string()
}

func appendStream(b []byte, t *engine.Stream) []byte {
	b = appendString(b, t.App)
	typed := slices.ContainsFunc(t.Deferred, func(d engine.Deferred) bool { return d.Type != "" })
	b = appendFlags(b, t.Linked, typed)
	b = binary.AppendUvarint(b, t.Calls)
	b = binary.AppendUvarint(b, t.Subscriber)
	b = binary.AppendUvarint(b, uint64(len(t.Deferred)))
	for i := range t.Deferred {
		b = appendCall(b, &t.Deferred[i].Call)
		b = binary.AppendVarint(b, t.Deferred[i].Time)
		if typed {
			b = appendString(b, t.Deferred[i].Type)
		}
	}
	return b
}

func (d *decoder) stream(t *engine.Stream) {
	t.App = d.string()
	var typed bool // a flag and no new version: nearly every record is without, as all were
	d.flags(&t.Linked, &typed)
	t.Calls = d.uint()
	t.Subscriber = d.uint()
	if n := d.count(minCall + 1); n > 0 {
		t.Deferred = make([]engine.Deferred, n)
		for i := range t.Deferred {
			d.call(&t.Deferred[i].Call)
			t.Deferred[i].Time = d.int()
			if typed {
				t.Deferred[i].Type = d.string()
			}
		}
	}
}

func appendEnded(b []byte, e *engine.Ended) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(e.ID))
	b = appendString(b, e.ProviderID)
	b = appendString(b, e.TrackingID)
	b = append(b, byte(e.Direction))
	b = binary.AppendVarint(b, e.StartTime)
	b = binary.AppendVarint(b, e.EndTime)
	b = binary.AppendVarint(b, e.ReleasedAt)
	return binary.BigEndian.AppendUint64(b, uint64(e.Session))
}

func (d *decoder) ended(e *engine.Ended) {
	e.ID = engine.CallID(d.fixed64())
	e.ProviderID = d.string()
	e.TrackingID = d.string()
	e.Direction = engine.Direction(d.byte())
	e.StartTime = d.int()
	e.EndTime = d.int()
	e.ReleasedAt = d.int()
	if !d.old {
		e.Session = engine.Session(d.fixed64())
	}
}

func appendSource(b []byte, s *engine.Source) []byte {
	b = appendString(b, s.Subscription)
	b = binary.AppendUvarint(b, uint64(s.Sequence))
	for _, h := range s.Recent {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return append(b, s.Next)
}

func (d *decoder) source(s *engine.Source) {
	s.Subscription = d.string()
	s.Sequence = d.uint32()
	for i := range s.Recent {
		s.Recent[i] = d.fixed64()
	}
	s.Next = d.byte()
}

// unsettled reports whether a restart must look at the subscriber: a call is
// live, an originate is open, or a body waits for its 201.
func unsettled(s *engine.Subscriber) bool {
	if len(s.Calls) > 0 {
		return true
	}
	for i := range s.Intents {
		if s.Intents[i].Open() {
			return true
		}
	}
	for i := range s.Streams {
		if len(s.Streams[i].Deferred) > 0 {
			return true
		}
	}
	return false
}
