package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
)

// side is the other side of offhook's API: an app with everything it was told,
// over all lives. What arrives is held against the promises when it arrives.
type side struct {
	id      string
	hook    string                // host of its receiver; empty for no webhook
	wordy   bool                  // it wants details too
	subs    func(sub string) bool // linked to it; nil for all
	key     tenant.Key
	token   string // text of its key
	secret  string // its webhook's
	violate func(format string, args ...any)

	mu        sync.Mutex
	lines     map[string]*line    // by folded subscriber
	calls     map[string]*telling // by call id
	index     uint64              // of the log, read so far
	releases  int
	events    int
	synthetic int
	gaps      int
	repeats   int
}

// The ways in which an app is told.
const (
	byLog     = "the log"
	byStream  = "the stream"
	byWebhook = "the webhook"
)

// line is what an app was told of one subscriber.
type line struct {
	digests map[uint64][sha256.Size]byte
	ids     map[uint64]string
	at      map[string]uint64 // by way: the number taken last
	known   uint64            // the highest number that came in order in any way
}

// telling is what an app was told of one call.
type telling struct {
	subscriber string
	state      string
	placed     bool // a 201 of its own left for it
	left       bool // an event of it left
}

// told is an event as an app reads it.
type told struct {
	App        string          `json:"app_id"`
	Subscriber string          `json:"subscriber_id"`
	Call       string          `json:"call_id"`
	Sequence   string          `json:"sequence_number"`
	State      string          `json:"state"`
	ID         string          `json:"event_id"`
	Type       string          `json:"type"`
	Synthetic  bool            `json:"synthetic"`
	GapFrom    json.RawMessage `json:"gap_from"`
}

func newSide(id string, seed uint64) *side {
	random := rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, seed, id)))
	s := &side{id: id, lines: map[string]*line{}, calls: map[string]*telling{}}
	var err error
	if s.key, s.token, err = tenant.NewKey(random, []tenant.Scope{tenant.ScopeRead, tenant.ScopeControl}, time.Unix(0, 0)); err != nil {
		panic(err)
	}
	if s.secret, err = tenant.NewSecret(random); err != nil {
		panic(err)
	}
	return s
}

// quietApp is one that only has a log, of everybody.
func quietApp() *side { return newSide("app", 0) }

// app is the side as offhook keeps it.
func (s *side) app() *tenant.App {
	a := &tenant.App{ID: s.id, Name: s.id, Keys: []tenant.Key{s.key}}
	if s.hook != "" {
		a.Calls = tenant.Receiver{URL: "http://" + s.hook + "/calls", Secrets: []string{s.secret}, Extended: s.wordy}
		a.Subscriber = tenant.Receiver{URL: "http://" + s.hook + "/subscribers", Secrets: []string{s.secret}}
	}
	return a
}

func (s *side) follows(subscriber string) bool { return s.subs == nil || s.subs(subscriber) }

func (s *side) line(subscriber string) *line {
	key := engine.Fold(subscriber)
	l := s.lines[key]
	if l == nil {
		l = &line{digests: map[uint64][sha256.Size]byte{}, ids: map[uint64]string{}, at: map[string]uint64{}}
		s.lines[key] = l
	}
	return l
}

func (s *side) telling(call string) *telling {
	c := s.calls[call]
	if c == nil {
		c = &telling{}
		s.calls[call] = c
	}
	return c
}

// hear takes one event that came one way. announced is the first number that
// was said to be given up, 0 for none; take says that it counts as had.
func (s *side) hear(way string, body []byte, announced uint64, take bool) (ev told, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal(body, &ev); err != nil {
		s.violate("%s of %s tells what is no event: %v", way, s.id, err)
		return ev, false
	}
	if ev.App != s.id || !s.follows(ev.Subscriber) {
		s.violate("%s of %s tells of a subscriber of somebody else", way, s.id)
		return ev, false
	}
	if ev.Type == "subscriber.provisioned" {
		return ev, true
	}
	n, err := strconv.ParseUint(ev.Sequence, 10, 64)
	if err != nil || n == 0 {
		s.violate("%s of %s tells an event of %s without a number", way, s.id, ev.Subscriber)
		return ev, false
	}
	l := s.line(ev.Subscriber)
	gap, _ := strconv.ParseUint(strings.Trim(string(ev.GapFrom), `"`), 10, 64)
	from := n
	for _, g := range []uint64{gap, announced} {
		if g > 0 {
			from = min(from, g)
			s.gaps++
		}
	}
	if gap == 0 { // the notice of a gap has the number of the last that it stands for
		digest := sha256.Sum256(body)
		if was, before := l.digests[n]; before && (was != digest || l.ids[n] != ev.ID) {
			s.violate("%s of %s tells number %d of %s as something else", way, s.id, n, ev.Subscriber)
		}
		l.digests[n], l.ids[n] = digest, ev.ID
	}
	switch had := l.at[way]; {
	case n <= had && way != byWebhook:
		s.violate("%s of %s tells number %d of %s again, after %d", way, s.id, n, ev.Subscriber, had)
	case n <= had:
		s.repeats++
	case from > had+1:
		s.violate("%s of %s tells number %d of %s after %d", way, s.id, n, ev.Subscriber, had)
	case take:
		l.at[way] = n
	}
	if n == l.known+1 {
		l.known = n
		s.follow(way, &ev)
	} else if n > l.known {
		l.known = n // its call is judged by the log
	}
	return ev, true
}

// after is what may come after what, in one call.
var after = map[string]string{
	"":        "ringing active held",
	"ringing": "active released",
	"active":  "held released",
	"held":    "active released",
}

// follow takes an event into its call's life; s.mu is held.
func (s *side) follow(way string, ev *told) {
	s.events++
	if ev.Synthetic {
		s.synthetic++
	}
	if ev.Type != "call.state" {
		return
	}
	c := s.telling(ev.Call)
	if c.subscriber != "" && c.subscriber != ev.Subscriber {
		s.violate("%s tells that %s is of %s, and it was of %s", way, ev.Call, ev.Subscriber, c.subscriber)
	}
	if !strings.Contains(" "+after[c.state]+" ", " "+ev.State+" ") {
		s.violate("%s tells that %s is %s, after %q", way, ev.Call, ev.State, c.state)
	}
	c.subscriber, c.state = ev.Subscriber, ev.State
	if ev.State == "released" {
		s.releases++
	}
}

// open is the calls that it was told of and that have not ended.
func (s *side) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.state != "" && c.state != "released" {
			n++
		}
	}
	return n
}

// met is the calls it was told of.
func (s *side) met() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.state != "" {
			n++
		}
	}
	return n
}

func (s *side) stateOf(call string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.calls[call]; c != nil {
		return c.state
	}
	return ""
}

// sent sees the bytes of a webhook, or of a stream, leave.
func (s *side) sent(b []byte) {
	for {
		i := bytes.Index(b, []byte(`{"app_id":"`+s.id+`"`))
		if i < 0 {
			return
		}
		b = b[i+1:]
		_, rest, found := bytes.Cut(b, []byte(`"call_id":"`))
		call, _, whole := bytes.Cut(rest, []byte(`"`))
		if !found || !whole {
			return
		}
		s.mu.Lock()
		s.telling(string(call)).left = true
		s.mu.Unlock()
	}
}

// placed sees a 201 leave. The first one has the id of the call before any
// event has; those for the same key at the same time, or later, may come after.
func (s *side) placed(call string, replay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.telling(call)
	if c.left && !c.placed && !replay {
		s.violate("an event of %s left for %s before its 201", call, s.id)
	}
	c.placed = true
}

// answered sees what the listener writes.
func (w *world) answered(b []byte) {
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		for _, s := range w.apps {
			s.sent(b)
		}
		return
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 201 ")) {
		return
	}
	replay := bytes.Contains(b, []byte("Idempotency-Replayed"))
	_, rest, found := bytes.Cut(b, []byte("Location: /apps/"))
	place, _, _ := bytes.Cut(rest, []byte("\r\n"))
	app, call, cut := strings.Cut(string(place), "/calls/")
	for _, s := range w.apps {
		if found && cut && s.id == app {
			s.placed(call, replay)
		}
	}
}

// violated notes a broken promise. The driver looks at each step.
func (w *world) violated(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults) < 20 {
		w.faults = append(w.faults, fmt.Sprintf("seed %d, %s: ", w.seed, time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
	}
}

// check ends the story when a promise is broken.
func (w *world) check() {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.faults) > 0 {
		w.Fatalf("%d violations:\n%s", len(w.faults), strings.Join(w.faults, "\n"))
	}
}
