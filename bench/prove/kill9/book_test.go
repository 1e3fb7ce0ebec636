package kill9

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// book has what was acknowledged about calls, by whatever answer or event, and
// what does not fit together.
type book struct {
	seed maphash.Seed

	mu      sync.Mutex
	keys    map[string]*placing // by Idempotency-Key
	remotes map[string]*placing // by the number it dials, which no other does
	calls   map[string]*known
	recent  []string            // calls that an app was answered about, the last ones
	hooks   map[string][]uint64 // by subscriber: the hash of each body, as webhooks
	streams map[string][]uint64 // and as the stream brought it
	acked   map[string]int      // 2xx by what was asked for
	broken  map[report.Promise][]string
}

// placing is a call that an app wants, under one key until it is settled.
type placing struct {
	key, body, remote string
	call              string // as it was acknowledged; "" if it was not
	seen              string // the call that was first told of with this number
	tries             int
	refused           bool // 502: the platform said no
}

// known is a call that an app was answered about, or was told of.
type known struct {
	sure  string // the last command that was acknowledged; "" while another may have been done since
	acked map[string]int
	told  map[string]int // events by state
	story []string       // what was asked and told, the last of it
}

// storyKept bounds what is told of a call that is not as it should be.
const storyKept = 24

func (c *known) note(what string) {
	if c.story = append(c.story, what); len(c.story) > storyKept {
		c.story = c.story[1:]
	}
}

func newBook() *book {
	return &book{
		seed: maphash.MakeSeed(), keys: map[string]*placing{}, remotes: map[string]*placing{}, calls: map[string]*known{},
		hooks: map[string][]uint64{}, streams: map[string][]uint64{}, acked: map[string]int{}, broken: map[report.Promise][]string{},
	}
}

// brokenKept bounds what is told of one promise.
const brokenKept = 50

func (b *book) problem(p report.Promise, format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breaks(p, format, args...)
}

func (b *book) breaks(p report.Promise, format string, args ...any) {
	if len(b.broken[p]) < brokenKept {
		b.broken[p] = append(b.broken[p], fmt.Sprintf(format, args...))
	}
}

func (b *book) call(id string) *known {
	c := b.calls[id]
	if c == nil {
		c = &known{acked: map[string]int{}, told: map[string]int{}}
		b.calls[id] = c
	}
	return c
}

// wants notes that an app asks for a call, before it does.
func (b *book) wants(p *placing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[p.key], b.remotes[p.remote] = p, p
	p.tries++
}

// placed notes a 201.
func (b *book) placed(p *placing, call string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked["placed"]++
	switch {
	case p.refused:
		b.breaks(report.NeverTwice, "the key %s was refused, and is a call later", p.key)
	case p.call != "" && p.call != call:
		b.breaks(report.NeverTwice, "the key %s was answered with the call %s, and later with %s", p.key, p.call, call)
	case p.seen != "" && p.seen != call:
		b.breaks(report.NeverTwice, "the key %s is the call %s, and the app was told of %s", p.key, call, p.seen)
	}
	if p.call == "" {
		p.call = call
		b.answered(call)
	}
}

// answered remembers a call that must be there from now on.
func (b *book) answered(call string) {
	b.call(call)
	if !slices.Contains(b.recent, call) {
		b.recent = append(b.recent, call)
	}
	if len(b.recent) > 100 {
		b.recent = slices.Delete(b.recent, 0, 50)
	}
}

// refused notes a 502. Nothing may come of the key any more.
func (b *book) refused(p *placing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.refused = true; p.call != "" {
		b.breaks(report.Durable, "the key %s was answered with the call %s, and is refused later", p.key, p.call)
	}
}

// starts notes that a command may be done from now on.
func (b *book) starts(call, verb string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.call(call)
	c.sure = ""
	c.note(verb + "?")
}

// did notes a 2xx for a command.
func (b *book) did(call, verb string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked[verb]++
	c := b.call(call)
	c.sure = verb
	c.acked[verb]++
	c.note(verb + "!")
	b.answered(call)
}

// may is what a call can be after a command was acknowledged and before another
// one. Whoever takes another call puts this one on hold.
var may = map[string][]string{
	"":       {"ringing", "active", "held", "released"},
	"answer": {"active", "held", "released"},
	"hold":   {"held", "released"},
	"resume": {"active", "held", "released"},
	"end":    {"released"},
}

// shows holds what GET says of a call against what was acknowledged of it.
func (b *book) shows(call, state, platform string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.call(call); !slices.Contains(may[c.sure], state) {
		b.breaks(report.Durable, "the call %s was acknowledged (%q), GET shows it as %s and the platform has it as %q: %v", call, c.sure, state, platform, c.story)
	}
}

// hook takes an event as the receiver got it.
func (b *book) hook(d rig.Delivery) {
	var v struct {
		Remote string `json:"remote_number"`
	}
	err := json.Unmarshal([]byte(d.Body), &v)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.breaks(report.Ordered, "not JSON: %v", err)
	}
	b.hooks[d.Subscriber] = append(b.hooks[d.Subscriber], maphash.String(b.seed, d.Body))
	c := b.call(d.Call)
	c.told[d.State]++
	c.note("told " + d.State)
	p := b.remotes[v.Remote]
	if p == nil {
		return
	}
	if p.seen == "" {
		p.seen = d.Call
	}
	if p.seen != d.Call || p.call != "" && p.call != d.Call {
		b.breaks(report.NeverTwice, "the key %s is the call %q, and the app was told of %s and %s", p.key, p.call, p.seen, d.Call)
	}
}

// live takes an event as the follower got it.
func (b *book) live(d rig.Delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams[d.Subscriber] = append(b.streams[d.Subscriber], maphash.String(b.seed, d.Body))
}

// settle looks at the whole when all is over.
func (b *book) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, c := range b.calls {
		for verb, state := range after {
			// Once: what is asked for again may be done already.
			if c.acked[verb] > 0 && c.told[state] == 0 {
				b.breaks(report.Durable, "%s of the call %s was acknowledged, and the app was never told of it as %s", verb, id, state)
			}
		}
		if c.told["released"] != 1 {
			b.breaks(report.EveryCallEnds, "the end of the call %s was told %d times", id, c.told["released"])
		}
	}
	for sub, hooks := range b.hooks {
		if streams := b.streams[sub]; !slices.Equal(hooks, streams) {
			b.breaks(report.Ordered, "%s: %d webhooks and %d events on the stream, which are not the same", sub, len(hooks), len(streams))
		}
	}
}

// open is the keys that were not settled.
func (b *book) open() (all []*placing) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.keys {
		if p.call == "" && !p.refused {
			all = append(all, p)
		}
	}
	return all
}

// later is the calls that GET must know.
func (b *book) later() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.recent)
}

// wanted is how many calls were asked for so far, and how many of them may still be dialled.
func (b *book) wanted() (all, open int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.keys {
		if p.call == "" && !p.refused {
			open++
		}
	}
	return len(b.keys), open
}
