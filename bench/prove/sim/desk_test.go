package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// desk is a subscriber whose phone only the desk's clients use, for one call at
// a time, since a phone holds one call to talk on another: what happens to its
// calls is in their histories, but for the far end, which answers and hangs up
// as it likes.
type desk struct {
	subscriber, number string
	user               string
	platform           *platform

	mu      sync.Mutex
	wishes  []*wish
	history []porcupine.Operation
}

// wish is one request to place a call, under one key.
type wish struct {
	desk   *desk
	key    string
	remote string
	born   time.Time

	mu    sync.Mutex
	call  string    // of the first 201
	known time.Time // when it came
	ended time.Time // when it was first seen to be over
}

// order numbers what clients do and hear, in the order it happens.
type order struct{ n atomic.Int64 }

func (o *order) next() int64 { return o.n.Add(1) }

// clerk is a client of the app that owns the desks.
type clerk struct {
	w     *world
	id    int
	line  phoneLine
	dice  *rand.Rand
	desks []*desk
}

// work has a clerk do one thing after the other until ctx ends.
func (c *clerk) work(ctx context.Context) {
	defer c.line.hangUp()
	for ctx.Err() == nil {
		d := c.desks[c.dice.IntN(len(c.desks))]
		wish := d.pick(c.w, c.dice)
		switch n := c.dice.IntN(100); {
		case wish.unheard() || n < 16:
			c.place(wish) // again, with its key
		case n < 50:
			c.do(wish, "GET", "", "get")
		case n < 66:
			if c.do(wish, "PUT", "/hold", "hold") == 204 {
				c.do(wish, "GET", "", "get")
			}
		case n < 84:
			c.do(wish, "PUT", "/resume", "resume")
		case n < 88:
			c.do(wish, "PUT", "/answer", "answer")
		case n < 93:
			c.do(wish, "DELETE", "", "end")
		default:
			c.list(d)
		}
		pause(ctx, time.Duration(c.dice.IntN(1500))*time.Millisecond)
	}
}

// keyMemory is for how long clients use a key: offhook remembers it for a day.
const keyMemory = 12 * time.Hour

// pick is the wish that clients are about, or a new one when its call is over.
// Now and then it is one that has just ended.
func (d *desk) pick(w *world, dice *rand.Rand) *wish {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.wishes)
	if n > 0 && time.Since(d.wishes[n-1].born) > keyMemory { // its key may stand for another call
		d.wishes, n = nil, 0
	}
	if n == 0 || d.wishes[n-1].over() {
		d.wishes = d.wishes[max(0, n-1):]
		n := w.wishes.Add(1)
		d.wishes = append(d.wishes, &wish{desk: d, key: fmt.Sprintf("key-%d", n), remote: fmt.Sprintf("+1303555%04d", n%10000), born: time.Now()})
	}
	if dice.IntN(10) == 0 {
		return d.wishes[0]
	}
	return d.wishes[len(d.wishes)-1]
}

// over reports whether nothing can come of a wish any more.
func (is *wish) over() bool {
	is.mu.Lock()
	defer is.mu.Unlock()
	return !is.ended.IsZero()
}

func (is *wish) end() {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.ended.IsZero() {
		is.ended = time.Now()
	}
}

// unheard reports whether no 201 has come for it.
func (is *wish) unheard() bool {
	is.mu.Lock()
	defer is.mu.Unlock()
	return is.call == "" && is.ended.IsZero()
}

// place asks for the call, until there is an answer or too many tries.
func (c *clerk) place(is *wish) {
	body, _ := json.Marshal(map[string]string{"subscriber_id": is.desk.subscriber, "subscriber_number": is.desk.number, "remote_number": is.remote})
	for range 3 {
		call := c.w.order.next()
		r := c.line.ask("POST", "/calls", is.key, string(body))
		out := outcome{status: r.status, code: r.code}
		if r.status == 201 {
			var made struct {
				Call string `json:"call_id"`
			}
			if json.Unmarshal(r.body, &made) != nil || made.Call == "" {
				c.line.s.violate("a 201 without a call_id: %.80q", r.body)
			}
			out.call = made.Call
		}
		is.desk.note(c.id, call, c.w.order.next(), asked{is.key, "place"}, out)
		switch {
		case r.status == 201:
			is.mu.Lock()
			if is.call == "" {
				is.call, is.known = out.call, time.Now()
			}
			is.mu.Unlock()
			return
		case r.status == 502: // refused, and it stays so
			is.end()
			return
		case r.status != 0 && r.status != 408 && r.status != 503 && r.status != 504 && r.code != "key_in_progress": // 408: a wire stood still
			c.line.s.violate("a call is refused with %d %s", r.status, r.code)
			return
		}
		time.Sleep(time.Duration(c.dice.IntN(3000)) * time.Millisecond)
	}
}

// longest is how long a command takes, however slow disk and platform are.
const longest = 2 * time.Minute

// do asks something of a call.
func (c *clerk) do(is *wish, method, verb, name string) int {
	is.mu.Lock()
	id, known := is.call, is.known
	is.mu.Unlock()
	if id == "" {
		return 0
	}
	call := c.w.order.next()
	began := time.Now()
	r := c.line.ask(method, "/calls/"+id+verb, "", "")
	out := outcome{status: r.status, code: r.code}
	var doc struct {
		State string `json:"state"`
		Call  string `json:"call_id"`
	}
	if len(r.body) > 0 {
		_ = json.Unmarshal(r.body, &doc)
		out.state = doc.State
	}
	switch took := time.Since(began); {
	case took > longest:
		c.line.s.violate("%s of %s is answered with %d %s after %s", name, id, r.status, r.code, took)
	case r.status == 200 && doc.Call != id:
		c.line.s.violate("%s is asked for and %q shown", id, doc.Call)
	case r.status == 404 && !c.w.forgot.Load() && began.Sub(known) < 9*time.Minute:
		// "A call is gone ten minutes after its release" (docs/errors.md).
		c.line.s.violate("%s is not found %s after its 201", id, began.Sub(known))
	}
	if out.state == "released" || r.status == 404 || r.status == 204 && name == "end" {
		is.end()
	}
	is.desk.note(c.id, call, c.w.order.next(), asked{is.key, name}, out)
	return r.status
}

// list reads the calls of the desk's subscriber: it is an answer to each of its wishes.
func (c *clerk) list(d *desk) {
	type known struct {
		wish *wish
		call string
	}
	var before []known
	d.mu.Lock()
	for _, is := range d.wishes {
		is.mu.Lock()
		if is.call != "" {
			before = append(before, known{is, is.call})
		}
		is.mu.Unlock()
	}
	d.mu.Unlock()
	call := c.w.order.next()
	r := c.line.ask("GET", "/subscribers/"+d.subscriber+"/calls", "", "")
	if r.status != 200 {
		return
	}
	ret := c.w.order.next()
	var all []struct {
		Call  string `json:"call_id"`
		State string `json:"state"`
	}
	if err := json.Unmarshal(r.body, &all); err != nil {
		c.line.s.violate("a list that is none: %v", err)
		return
	}
	for _, k := range before {
		out := outcome{status: 200, state: "released"} // or not known any more
		for _, is := range all {
			if is.Call == k.call {
				out.state = is.State
			}
		}
		d.note(c.id, call, ret, asked{k.wish.key, "list"}, out)
	}
}

func (d *desk) note(client int, call, ret int64, in asked, out outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out.at = time.Now()
	d.history = append(d.history, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: ret})
}

// latest is the wish of now, if any.
func (d *desk) latest() *wish {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.wishes); n > 0 {
		return d.wishes[n-1]
	}
	return nil
}

// stranger is an app that is not linked to the desks, and tries them.
func (w *world) stranger(ctx context.Context, s *side, desks []*desk) {
	l := &phoneLine{w: w, s: s}
	defer l.hangUp()
	dice := rand.New(rand.NewPCG(w.seed, 6))
	for ctx.Err() == nil {
		d := desks[dice.IntN(len(desks))]
		is := d.latest()
		path, method := "/subscribers/"+d.subscriber+"/calls", "GET"
		if is != nil {
			is.mu.Lock()
			if id := is.call; id != "" {
				path = "/calls/" + id + []string{"", "/hold", "/resume", "/answer", ""}[dice.IntN(5)]
				if method = "PUT"; path == "/calls/"+id {
					method = []string{"GET", "DELETE"}[dice.IntN(2)]
				}
			}
			is.mu.Unlock()
		}
		if r := l.ask(method, path, "", ""); r.status != 0 && r.status != 404 && r.status != 408 && r.status != 503 {
			s.violate("%s of somebody else's is answered with %d", method, r.status)
		}
		if r := l.ask("GET", "/calls", "", ""); r.status == 200 {
			var all []struct {
				Subscriber string `json:"subscriber_id"`
			}
			_ = json.Unmarshal(r.body, &all)
			for _, c := range all {
				if !s.follows(c.Subscriber) {
					s.violate("%s is shown a call of %s", s.id, c.Subscriber)
				}
			}
		}
		pause(ctx, time.Duration(dice.IntN(5000))*time.Millisecond)
		if w.asleep.Load() {
			pause(ctx, 5*time.Minute)
		}
	}
}
