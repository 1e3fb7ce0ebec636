package overload

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"offhook/bench/prove/rig"
)

// crowd is the people of a platform: their phones ring, they answer, hold, take
// back and hang up, one after the other as fast as they are asked to. Each thing
// they do is a fact that the platform tells.
type crowd struct {
	mu    sync.Mutex
	ready []*person              // those nobody is asking for something
	facts int                    // that the platform has told
	asked map[string][]time.Time // by call, when each fact was asked for; nil if nobody wants to know
}

// person is a phone and what happens there next.
type person struct {
	sub, call string
	done      int // of the steps of this call
}

// steps are those of a call, by the platform's words, after it rang.
var steps = []string{"answer", "hold", "resume", "hold", "resume", "hangup"}

func newCrowd(subs []map[string]any) *crowd {
	c := &crowd{}
	for _, sub := range subs {
		c.ready = append(c.ready, &person{sub: sub["subscriber_id"].(string)})
	}
	return c
}

// next has the next in turn do the next thing.
func (c *crowd) next(l *line) (answer, error) {
	c.mu.Lock()
	p := c.ready[0]
	c.ready = c.ready[1:]
	c.mu.Unlock()
	at, call := time.Now(), p.call
	a, err := p.step(l)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, p)
	if err != nil || a.status >= 300 {
		return a, err
	}
	c.facts++
	if c.asked != nil {
		call = cmp.Or(call, p.call)
		c.asked[call] = append(c.asked[call], at)
	}
	return a, err
}

func (p *person) step(l *line) (answer, error) {
	if p.call == "" {
		a, err := l.ask("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15125550177"}`, p.sub))
		var v struct {
			Call string `json:"call_id"`
		}
		if err == nil && a.status == http.StatusCreated && json.Unmarshal(a.body, &v) == nil {
			p.call, p.done = v.Call, 1
		}
		return a, err
	}
	a, err := l.ask("POST", "/simulator/calls/"+p.call+"/"+steps[p.done-1], "")
	if err == nil && a.status < 300 {
		if p.done++; p.done > len(steps) {
			p.call, p.done = "", 0
		}
	}
	return a, err
}

// goHome hangs up every call.
func (c *crowd) goHome(all []*line) error {
	var failed error
	var ending sync.WaitGroup
	left := make(chan *person, len(c.ready))
	for _, p := range c.ready {
		if p.call != "" {
			left <- p
		}
	}
	close(left)
	for _, l := range all {
		ending.Go(func() {
			defer l.hangUp()
			for p := range left {
				a, err := l.ask("POST", "/simulator/calls/"+p.call+"/hangup", "")
				if err == nil && a.status >= 300 {
					err = fmt.Errorf("hang up: %d %s", a.status, a.body)
				}
				c.mu.Lock()
				if err != nil {
					failed = err
				} else {
					c.facts++
				}
				c.mu.Unlock()
				p.call, p.done = "", 0
			}
		})
	}
	ending.Wait()
	return failed
}

// atPlatform are n connections to the platform.
func atPlatform(w *rig.Apart, n int) []*line {
	all := make([]*line, n)
	for i := range all {
		all[i] = newLine(w.SimAddr, "127.0.2.1", "")
	}
	return all
}
