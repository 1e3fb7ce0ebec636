package rig

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Ledger is a webhook receiver that remembers what it was told, and checks on
// the way in what may never happen: a hole, a body that changed between two
// attempts, a state that cannot follow the one before, a second release.
type Ledger struct {
	*httptest.Server
	seed maphash.Seed

	mu       sync.Mutex
	lean     bool
	streams  map[string]*stream // by subscriber
	last     map[string]string  // call -> its last state
	events   int
	repeats  int
	requests int
	refuse   func(n int) bool
	heard    func(Delivery)
	problems []string
}

type stream struct {
	bodies []uint64   // the hash of each body; in a lean ledger of the last few
	base   int        // how many hashes were forgotten
	kept   []Delivery // nothing in a lean ledger
}

// Delivery is an event as it was delivered first.
type Delivery struct {
	Subscriber string `json:"subscriber_id"`
	Sequence   string `json:"sequence_number"`
	EventID    string `json:"event_id"`
	Call       string `json:"call_id"`
	State      string `json:"state"`
	Provider   string `json:"provider_call_id"`
	Body       string `json:"body,omitempty"` // as it came
}

// NewLedger starts a receiver that keeps every event.
func NewLedger(t testing.TB) *Ledger { return newLedger(t, false) }

// NewLeanLedger starts one that checks every event and keeps none, for millions.
// Of ended calls and old bodies it forgets all but what is needed to know them again.
func NewLeanLedger(t testing.TB) *Ledger { return newLedger(t, true) }

func newLedger(t testing.TB, lean bool) *Ledger {
	l := &Ledger{seed: maphash.MakeSeed(), lean: lean, streams: map[string]*stream{}, last: map[string]string{}}
	l.Server = httptest.NewServer(http.HandlerFunc(l.receive))
	t.Cleanup(l.Close)
	return l
}

// Knows has the receiver know events that another one took, so that it expects
// what comes after them.
func (l *Ledger) Knows(streams map[string][]Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, events := range streams {
		for _, d := range events {
			l.take(d)
		}
	}
}

// Refuse has the receiver answer 500 to the requests for which fn says so; n
// counts requests. nil takes everything.
func (l *Ledger) Refuse(fn func(n int) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = fn
}

// Heard has fn called with each event when it comes for the first time. It must not block.
func (l *Ledger) Heard(fn func(Delivery)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard = fn
}

const (
	bodyLimit  = 1 << 20
	leanHashes = 64 // bodies that a lean ledger knows again, for each stream
)

func (l *Ledger) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if l.refuse != nil && l.refuse(l.requests) || err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var d Delivery
	if err := json.Unmarshal(body, &d); err != nil {
		l.problem("not JSON: %v", err)
		return
	}
	if r.Header.Get("webhook-id") != d.EventID {
		l.problem("webhook-id %q of event %q", r.Header.Get("webhook-id"), d.EventID)
	}
	d.Body = string(body)
	l.take(d)
}

func (l *Ledger) take(d Delivery) {
	s := l.streams[d.Subscriber]
	if s == nil {
		s = &stream{}
		l.streams[d.Subscriber] = s
	}
	n, err := strconv.Atoi(d.Sequence)
	have := s.base + len(s.bodies)
	hash := maphash.String(l.seed, d.Body)
	switch {
	case err != nil:
		l.problem("sequence_number %q", d.Sequence)
	case n == have+1:
		s.bodies = append(s.bodies, hash)
		l.events++
		if l.lean {
			if len(s.bodies) > leanHashes {
				s.base += len(s.bodies) - leanHashes/2
				s.bodies = append([]uint64(nil), s.bodies[len(s.bodies)-leanHashes/2:]...)
			}
		} else {
			s.kept = append(s.kept, d)
		}
		l.moved(d)
		if l.heard != nil {
			l.heard(d)
		}
	case n >= 1 && n <= have:
		l.repeats++
		if i := n - 1 - s.base; i >= 0 && s.bodies[i] != hash {
			l.problem("%s #%d came again with another body", d.Subscriber, n)
		}
	default:
		l.problem("%s #%d after #%d", d.Subscriber, n, have)
	}
}

// follows is what the app may be told of a call after what it was told before.
var follows = map[string][]string{
	"":        {"ringing", "active", "held"},
	"ringing": {"active", "released"},
	"active":  {"held", "released"},
	"held":    {"active", "released"},
}

func (l *Ledger) moved(d Delivery) {
	before, ok := l.last[d.Call], false
	for _, state := range follows[before] {
		ok = ok || state == d.State
	}
	if !ok {
		l.problem("%s #%s: %s after %q", d.Subscriber, d.Sequence, d.State, before)
	}
	if l.lean && d.State == "released" {
		delete(l.last, d.Call)
		return
	}
	l.last[d.Call] = d.State
}

// problemsKept bounds the list: the first ones tell the story.
const problemsKept = 100

func (l *Ledger) problem(format string, args ...any) {
	if len(l.problems) < problemsKept {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// States is what a call went through, as the app was told.
func (l *Ledger) States(call string) []string {
	var states []string
	for _, stream := range l.Streams() {
		for _, d := range stream {
			if d.Call == call {
				states = append(states, d.State)
			}
		}
	}
	return states
}

// Streams is every event by subscriber; nothing in a lean ledger.
func (l *Ledger) Streams() map[string][]Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string][]Delivery, len(l.streams))
	for sub, s := range l.streams {
		all[sub] = s.kept[:len(s.kept):len(s.kept)]
	}
	return all
}

// Open lists the calls that were reported and have not ended.
func (l *Ledger) Open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var open []string
	for call, state := range l.last {
		if state != "released" {
			open = append(open, call)
		}
	}
	return open
}

// Count is how many events have come, repeats not counted.
func (l *Ledger) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.events
}

// Repeats is how many events came again.
func (l *Ledger) Repeats() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.repeats
}

// Problems is what may not happen and did; the first hundred.
func (l *Ledger) Problems() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.problems...)
}

// Audit fails t if anything came that may not.
func (l *Ledger) Audit(t testing.TB) {
	t.Helper()
	require.Empty(t, l.Problems())
}

// Wait waits for what the webhooks should bring.
func (l *Ledger) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range Poll(40 * time.Second) {
		if ok() {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("%s did not happen; %d requests, %d events, %d repeats, problems %v", what, l.requests, l.events, l.repeats, l.problems)
}
