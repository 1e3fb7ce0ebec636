package actor

import (
	"context"
	"errors"
	"slices"
	"sync"

	"offhook/engine"
)

// memory is a journal and a store that keep everything in maps: what Submit
// was given becomes readable when its turn comes, and not before.
type memory struct {
	mu      sync.Mutex
	subs    map[string]engine.Subscriber
	calls   map[engine.CallID]engine.Call
	owners  map[engine.CallID]string
	intents map[string]engine.Intent
	hosts   map[engine.ConferenceID]string
	users   map[engine.User]string
	marks   map[string]int

	conferences map[engine.ConferenceID]engine.Conference

	events   []engine.Notification
	queue    []entryOf
	more     chan struct{}
	gate     chan struct{} // closed: the disk works; nil: it always does
	failing  error
	loading  chan struct{} // when not nil, Load waits for it
	stop     chan struct{}
	stopped  chan struct{}
	received int
}

type entryOf struct {
	apply func()
	done  Completion
}

var errDisk = errors.New("disk on fire")

func newMemory() *memory {
	m := &memory{
		subs: map[string]engine.Subscriber{}, calls: map[engine.CallID]engine.Call{}, owners: map[engine.CallID]string{},
		intents: map[string]engine.Intent{}, users: map[engine.User]string{}, marks: map[string]int{},
		hosts: map[engine.ConferenceID]string{}, conferences: map[engine.ConferenceID]engine.Conference{},
		more: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go m.commit()
	return m
}

func (m *memory) close() {
	close(m.stop)
	<-m.stopped
}

// block makes the disk stand still until the returned func is called.
func (m *memory) block() func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	gate := make(chan struct{})
	m.gate = gate
	return sync.OnceFunc(func() { close(gate) })
}

func (m *memory) commit() {
	defer close(m.stopped)
	for {
		m.mu.Lock()
		queue, gate := m.queue, m.gate
		m.queue = nil
		m.mu.Unlock()
		if len(queue) == 0 {
			select {
			case <-m.more:
				continue
			case <-m.stop:
				return
			}
		}
		if gate != nil {
			select {
			case <-gate:
			case <-m.stop:
				return
			}
		}
		m.mu.Lock()
		err := m.failing
		if err == nil {
			for _, e := range queue {
				e.apply()
			}
		}
		m.mu.Unlock()
		for _, e := range queue {
			e.done.Done(0, err)
		}
	}
}

func (m *memory) push(e entryOf) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.received++
	m.queue = append(m.queue, e)
	select {
	case m.more <- struct{}{}:
	default:
	}
}

func (m *memory) Submit(_ uint32, _ uint64, put []engine.Record, emit []engine.Notification, done Completion) {
	put = slices.Clone(put)
	for i := range put {
		put[i].Call, put[i].Intent, put[i].Was = kept(put[i].Call), kept(put[i].Intent), kept(put[i].Was)
	}
	subs := map[string]engine.Subscriber{}
	for _, r := range put {
		switch r.Kind {
		case engine.RecordSubscriber, engine.RecordNoSubscriber, engine.RecordProgress:
			subs[engine.Fold(r.Subscriber.ID)] = stored(r.Subscriber)
		}
	}
	ids := make([]string, len(put))
	profiles := make([]engine.Profile, len(put))
	for i, r := range put {
		ids[i], profiles[i] = engine.Fold(r.Subscriber.ID), r.Subscriber.Profile
	}
	emit = slices.Clone(emit)
	for i := range emit {
		emit[i].Write()
	}
	m.push(entryOf{done: done, apply: func() {
		for i, r := range put {
			switch r.Kind {
			case engine.RecordCall:
				m.owners[r.Call.ID], m.calls[r.Call.ID] = ids[i], *r.Call
			case engine.RecordConference:
				m.hosts[r.Conference.ID], m.conferences[r.Conference.ID] = ids[i], *r.Conference
			case engine.RecordIntent:
				m.intents[r.Intent.App+"/"+ids[i]+"/"+r.Intent.Key] = *r.Intent
			case engine.RecordNoIntent:
				delete(m.intents, r.Intent.App+"/"+ids[i]+"/"+r.Intent.Key)
			case engine.RecordResynced:
				delete(m.marks, ids[i])
			case engine.RecordProfile:
				if r.Was != nil {
					delete(m.users, user(r.Was.Network, r.Was.ProviderUser))
				}
				m.users[user(profiles[i].Network, profiles[i].ProviderUser)] = ids[i]
			case engine.RecordNoSubscriber:
				delete(m.users, user(profiles[i].Network, profiles[i].ProviderUser))
			}
		}
		for id, s := range subs {
			m.subs[id] = s
		}
		m.events = append(m.events, emit...)
	}})
}

func kept[T any](p *T) *T {
	if p == nil {
		return nil
	}
	is := *p
	return &is
}

func (m *memory) Mark(_ uint32, _ uint64, subscriber string, done Completion) {
	m.push(entryOf{done: done, apply: func() { m.marks[subscriber]++ }})
}

// stored is what a codec would keep: everything exported.
func stored(s *engine.Subscriber) engine.Subscriber {
	c := engine.Subscriber{
		Profile: s.Profile, Calls: slices.Clone(s.Calls), Ended: slices.Clone(s.Ended),
		Intents: slices.Clone(s.Intents), Source: s.Source, Deleted: s.Deleted, Conference: s.Conference,
	}
	for _, t := range s.Streams {
		t.Deferred = slices.Clone(t.Deferred)
		c.Streams = append(c.Streams, t)
	}
	return c
}

func (m *memory) Load(id string) (*engine.Subscriber, error) {
	if m.loading != nil {
		<-m.loading
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.subs[engine.Fold(id)]
	if !ok {
		return nil, nil
	}
	c := stored(&s)
	return &c, nil
}

func (m *memory) Owner(call engine.CallID) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.owners[call], nil
}

func (m *memory) Ended(call engine.CallID) (*engine.Call, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.calls[call]; ok && c.State == engine.StateReleased {
		return &c, nil
	}
	return nil, nil
}

func (m *memory) Conference(id engine.ConferenceID) (string, *engine.Conference, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conferences[id]
	if !ok {
		return "", nil, nil
	}
	return m.hosts[id], &c, nil
}

func (m *memory) Intent(app, subscriber, key string) (*engine.Intent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in, ok := m.intents[app+"/"+engine.Fold(subscriber)+"/"+key]; ok {
		return &in, nil
	}
	return nil, nil
}

func (m *memory) UserOf(network, providerUser string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.users[user(network, providerUser)], nil
}

func (m *memory) Unsettled(fn func(string, bool) error) error {
	m.mu.Lock()
	var ids []string
	for id, s := range m.subs {
		if len(s.Calls) > 0 || len(s.Intents) > 0 || m.marks[id] > 0 {
			ids = append(ids, id)
		}
	}
	m.mu.Unlock()
	for _, id := range ids {
		if err := fn(id, m.marks[id] > 0); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) marked(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.marks[id] > 0
}

// stream returns the numbers of an app's calls stream, as they became durable.
func (m *memory) stream(app, subscriber string) (states []string, numbers []uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.events {
		if n.App == app && n.Subscriber == subscriber && n.Kind == engine.StreamCalls {
			states, numbers = append(states, n.State.String()), append(numbers, n.Sequence)
		}
	}
	return states, numbers
}

// outbox takes note of what may leave.
type outbox struct {
	mu    sync.Mutex
	ready []uint64
}

func (o *outbox) Wanted(string, engine.StreamKind) bool { return true }

func (o *outbox) Wants(string) *engine.Wants { return nil }

func (o *outbox) Logged(string) {}

func (o *outbox) Ready(_, _ string, kind engine.StreamKind, sequence uint64) {
	if kind != engine.StreamCalls {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ready = append(o.ready, sequence)
}

func (o *outbox) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.ready)
}

// platform is a provider whose answers the test writes.
type platform struct {
	mu       sync.Mutex
	asked    []engine.Ask
	answer   func(engine.Ask) engine.Outcome
	followed []string
	able     *engine.Platform
}

func (p *platform) Ask(_ context.Context, _ string, a engine.Ask) engine.Outcome {
	p.mu.Lock()
	p.asked = append(p.asked, a)
	answer := p.answer
	p.mu.Unlock()
	if answer == nil {
		return engine.Outcome{Kind: engine.OutcomeAccepted}
	}
	return answer(a)
}

func (p *platform) Platform(string) *engine.Platform {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.able
}

func (p *platform) becomes(able engine.Platform) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.able = &able
}

func (p *platform) Follow(_, u string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.followed = append(p.followed, u)
}

func (p *platform) Unfollow(string, string) {}

func (p *platform) verbs() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var v []string
	for _, a := range p.asked {
		v = append(v, a.Verb.String())
	}
	return v
}

// receipts counts what was settled.
type receipts struct {
	mu sync.Mutex
	n  int
}

func (r *receipts) Settle() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
}

func (r *receipts) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}
