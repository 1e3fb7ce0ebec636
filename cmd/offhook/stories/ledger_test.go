package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ledger is a webhook receiver that remembers everything, and checks on the
// way what may never happen.
type ledger struct {
	*httptest.Server
	mu       sync.Mutex
	streams  map[string][]delivery // by subscriber
	repeats  int
	problems []string
	refuse   func(n int) bool // answers 500 when true; n counts requests
	requests int
}

type delivery struct {
	Sequence string `json:"sequence_number"`
	EventID  string `json:"event_id"`
	Call     string `json:"call_id"`
	State    string `json:"state"`
	Provider string `json:"provider_call_id"`
	body     string
}

func newLedger(t *testing.T) *ledger {
	l := &ledger{streams: map[string][]delivery{}}
	l.Server = httptest.NewServer(http.HandlerFunc(l.receive))
	t.Cleanup(l.Close)
	return l
}

func (l *ledger) receive(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	if l.refuse != nil && l.refuse(l.requests) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var v struct {
		Subscriber string `json:"subscriber_id"`
		delivery
	}
	if err := json.Unmarshal(body, &v); err != nil {
		l.problem("not JSON: %v", err)
		return
	}
	v.body = string(body)
	if r.Header.Get("webhook-id") != v.EventID {
		l.problem("webhook-id %q of event %q", r.Header.Get("webhook-id"), v.EventID)
	}
	have := l.streams[v.Subscriber]
	n, err := strconv.Atoi(v.Sequence)
	switch {
	case err != nil:
		l.problem("sequence_number %q", v.Sequence)
	case n == len(have)+1:
		l.streams[v.Subscriber] = append(have, v.delivery)
	case n >= 1 && n <= len(have):
		l.repeats++
		if have[n-1].body != v.body {
			l.problem("%s #%d came again with another body:\n%s\n%s", v.Subscriber, n, have[n-1].body, v.body)
		}
	default:
		l.problem("%s #%d after #%d", v.Subscriber, n, len(have))
	}
}

func (l *ledger) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// states returns what a call went through, as the app was told.
func (l *ledger) states(call string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var states []string
	for _, stream := range l.streams {
		for _, d := range stream {
			if d.Call == call {
				states = append(states, d.State)
			}
		}
	}
	return states
}

// open returns the calls that were reported and have not ended.
func (l *ledger) open() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[string]string{}
	for _, stream := range l.streams {
		for _, d := range stream {
			last[d.Call] = d.State
		}
	}
	var open []string
	for call, state := range last {
		if state != "released" {
			open = append(open, call)
		}
	}
	return open
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.streams {
		n += len(s)
	}
	return n
}

// audit holds the record against the promises: order, no gap, nothing after
// released, one released each.
func (l *ledger) audit(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.problems)
	follows := map[string][]string{
		"":        {"ringing", "active", "held"},
		"ringing": {"active", "released"},
		"active":  {"held", "released"},
		"held":    {"active", "released"},
	}
	last := map[string]string{}
	for sub, stream := range l.streams {
		for i, d := range stream {
			require.Contains(t, follows[last[d.Call]], d.State, "%s #%d: %s after %q", sub, i+1, d.State, last[d.Call])
			last[d.Call] = d.State
		}
	}
}

func (l *ledger) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range poll(40 * time.Second) {
		if ok() {
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("%s did not happen; %d requests, %d repeats, problems %v, streams %+v", what, l.requests, l.repeats, l.problems, l.streams)
}
