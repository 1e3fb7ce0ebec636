package kill9

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// caller is a client of the API that does not give up: what is not answered is
// asked again, with the same key.
type caller struct {
	*attack
	name   string
	random *rand.Rand
	subs   []map[string]any
	past   []*placing // the last ones that were settled
}

// remotes gives each call a number of its own, by which it is known again.
var remotes atomic.Int64

func (c *caller) place(ctx context.Context) {
	for n := 0; pause(ctx, time.Duration(c.random.IntN(20))*time.Millisecond); n++ {
		sub := c.subs[c.random.IntN(len(c.subs))]
		p := &placing{key: fmt.Sprintf("%s-%d", c.name, n), remote: fmt.Sprintf("+1512%07d", 2_000_000+remotes.Add(1))}
		p.body = fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":%q,"remote_name":"Zilkr LLC"}`, sub["subscriber_id"], sub["subscriber_number"], p.remote)
		if len(c.past) > 0 && c.random.IntN(4) == 0 {
			c.settle(ctx, c.past[c.random.IntN(len(c.past))]) // an app that is not sure either
		}
		if !c.settle(ctx, p) || p.call == "" {
			continue
		}
		if c.past = append(c.past, p); len(c.past) > 50 {
			c.past = c.past[25:]
		}
		c.talk(ctx, p.call)
	}
}

// settle asks for a call until somebody says what became of it; false if ctx ended before.
func (c *caller) settle(ctx context.Context, p *placing) bool {
	for pause(ctx, 5*time.Millisecond) {
		if c.tryPlace(p) {
			return true
		}
	}
	return false
}

// tryPlace asks for a call once; it reports whether that settled it.
func (a *attack) tryPlace(p *placing) bool {
	a.gate.RLock()
	defer a.gate.RUnlock()
	a.book.wants(p)
	got, err := a.ask("POST", "/calls", p.body, "Idempotency-Key", p.key)
	if err != nil {
		return false
	}
	switch got.Status {
	case 201:
		var v struct {
			Call string `json:"call_id"`
		}
		if json.Unmarshal(got.Body, &v) != nil || v.Call == "" {
			a.book.problem(report.NeverTwice, "a 201 without a call: %s", got.Body)
		}
		a.times.command()
		a.book.placed(p, v.Call)
		return true
	case 502:
		a.book.refused(p)
		return true
	case 409, 429, 503, 504: // in progress, or not known yet
	default:
		a.book.problem(report.Refusals, "a call that is placed is answered with %d: %s", got.Status, got.Body)
	}
	return false
}

// answer takes calls that ring, most of them.
func (c *caller) answer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case call := <-c.waiting:
			if c.random.IntN(4) > 0 && c.command(call, "answer") == "active" {
				c.talk(ctx, call)
			}
		}
	}
}

// talk waits until a call is answered, holds and resumes it, and most often ends it.
func (c *caller) talk(ctx context.Context, call string) {
	state := c.state(call)
	for i := 0; i < 100 && state != "active"; i++ {
		if state == "released" || state == "gone" || !pause(ctx, 20*time.Millisecond) {
			return
		}
		state = c.state(call)
	}
	for range c.random.IntN(3) {
		if c.command(call, "hold") != "held" || !pause(ctx, time.Duration(c.random.IntN(50))*time.Millisecond) {
			break
		}
		c.command(call, "resume")
	}
	if c.random.IntN(5) == 0 {
		return // the platform, or the end of it all
	}
	for state = c.state(call); state != "released" && state != "gone"; state = c.command(call, "end") {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
	}
}

var requests = map[string]string{"answer": "PUT", "hold": "PUT", "resume": "PUT", "end": "DELETE"}

// after is the state a command leads to.
var after = map[string]string{"answer": "active", "hold": "held", "resume": "active", "end": "released"}

// command asks once and says what the call is then, as far as it can be known.
func (c *caller) command(call, verb string) string {
	c.gate.RLock()
	defer c.gate.RUnlock()
	path := "/calls/" + call
	if verb != "end" {
		path += "/" + verb
	}
	c.book.starts(call, verb)
	got, err := c.ask(requests[verb], path, "")
	switch {
	case err != nil:
		return "unknown"
	case got.Status/100 == 2:
		c.times.command()
		c.book.did(call, verb)
		return after[verb]
	}
	switch got.Status {
	case 404:
		c.book.problem(report.Durable, "the call %s was told of, and is not there", call)
		return "gone"
	case 409, 429, 502, 503, 504:
	default:
		c.book.problem(report.Refusals, "%s is answered with %d: %s", verb, got.Status, got.Body)
	}
	return "unknown"
}

// state is what GET shows.
func (c *caller) state(call string) string {
	c.gate.RLock()
	defer c.gate.RUnlock()
	got, err := c.ask("GET", "/calls/"+call, "")
	switch {
	case err != nil:
		return "unknown"
	case got.Status == 404:
		c.book.problem(report.Durable, "the call %s was told of, and is not there", call)
		return "gone"
	case got.Status != 200:
		return "unknown"
	}
	return stateOf(got)
}

func stateOf(got rig.Answer) string {
	var v struct {
		State string `json:"state"`
	}
	_ = json.Unmarshal(got.Body, &v) // nothing is no state
	return v.State
}
