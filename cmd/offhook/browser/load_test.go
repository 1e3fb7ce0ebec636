package browser

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
	"offhook/transport/adminapi"
	"offhook/transport/console"
)

// crowd is a directory of subscribers who do nothing but call: the calls of a
// large installation without the installation, so that the browser has the
// processors to itself.
type crowd struct {
	mu    sync.Mutex
	of    []actor.Shown
	place map[string]int
	board *console.Board
	calls uint64
}

const crowded = 5000

func newCrowd() *crowd {
	c := &crowd{of: make([]actor.Shown, crowded), place: map[string]int{}}
	for i := range c.of {
		id := fmt.Sprintf("user%05d@example.com", i)
		c.of[i] = actor.Shown{Profile: &engine.Profile{ID: id, Number: fmt.Sprintf("+1512%07d", i), Name: fmt.Sprintf("User %05d", i), Network: "n"}, Apps: []string{"a"}}
		c.place[id] = i
	}
	c.board = console.NewBoard(console.Config{Calls: c})
	return c
}

func (c *crowd) Board(part int) (all []actor.Shown) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := part; i < len(c.of); i += actor.BoardParts {
		if len(c.of[i].Calls) > 0 {
			all = append(all, c.of[i])
		}
	}
	return all
}

func (c *crowd) ShownOf(id string) (actor.Shown, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.of[c.place[id]]
	return s, len(s.Calls) > 0
}

// change moves one subscriber's call on, or has him be called.
func (c *crowd) change() {
	c.mu.Lock()
	s := &c.of[rand.IntN(len(c.of))]
	now := time.Now().UnixMilli()
	if len(s.Calls) == 0 {
		c.calls++
		s.Calls = []engine.Call{{ID: engine.CallID(c.calls << 10), State: engine.StateRinging, RemoteNumber: "+442079460000", RemoteName: "Blue Door Bakery", CreatedAt: now}}
	} else {
		call := s.Calls[0]
		switch {
		case call.State == engine.StateRinging:
			call.State, call.AnsweredAt = engine.StateActive, now
		case call.State == engine.StateActive && rand.IntN(3) > 0:
			call.State, call.HeldAt = engine.StateHeld, now
		case call.State == engine.StateHeld && rand.IntN(3) > 0:
			call.State = engine.StateActive
		default:
			call.State = engine.StateReleased
		}
		if s.Calls = []engine.Call{call}; call.State == engine.StateReleased {
			s.Calls = nil
		}
	}
	id := s.Profile.ID
	c.mu.Unlock()
	c.board.Changed(id)
}

// run makes so many changes a second until the time is up.
func (c *crowd) run(rate int, until time.Time) (made int) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for now := range tick.C {
		for ; made < int(now.Sub(began).Seconds()*float64(rate)); made++ {
			c.change()
		}
		if now.After(until) {
			return made
		}
	}
	return made
}

func (c *crowd) states() (n map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n = map[string]int{}
	for i := range c.of {
		for _, call := range c.of[i].Calls {
			n[call.State.String()]++
		}
	}
	return n
}

// nobody is provisioned.
type nobody struct{ adminapi.Tenants }

func (nobody) Apps() []*tenant.App { return nil }

// serve is the admin listener with the crowd behind it.
func (c *crowd) serve(t *testing.T) (addr string) {
	pages, err := console.NewPages()
	require.NoError(t, err)
	s, err := adminapi.New(adminapi.Config{
		Tenants: nobody{}, Token: rig.Operator, Console: &adminapi.Console{Pages: pages, Board: c.board, Calls: c, Version: "crowded"},
	})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		<-served
	})
	return ln.Addr().String()
}

// Of thousands of changes a second the page shows the latest and stays quick:
// long tasks are counted, and the memory it takes does not grow. A minute of it
// is "make console-load".
func TestTheBoardKeepsUpWithTwoThousandChangesASecond(t *testing.T) {
	const rate = 2000
	seconds, _ := measured(t)
	c := newCrowd()
	for range crowded * 3 { // as it is on a busy morning
		c.change()
	}
	w := in(t, c.serve(t))
	w.until("the calls", `document.querySelectorAll(".rows .row:not([hidden])").length > 10`)
	w.watch()

	half := time.Duration(seconds) * time.Second / 2
	made := c.run(rate, time.Now().Add(half))
	first := w.heap()
	made += c.run(rate, time.Now().Add(half))
	last := w.heap()

	stood, frames := w.stood()
	t.Logf("%d changes in %d s: %v; %d frames; heap %.1f MB, then %.1f MB", made, seconds, stood, frames, first, last)

	require.Greater(t, made, rate*seconds*8/10, "the crowd is as busy as it should be")
	require.Less(t, stood.total, float64(seconds)*1000/2, "the page stands still")
	require.Greater(t, frames, seconds*5, "frames are drawn")
	require.Less(t, last, first*1.25+4, "the heap grows")
	for state, n := range c.states() {
		w.until(fmt.Sprintf("%d %s", n, state), fmt.Sprintf(`document.querySelector('.tile[data-state="%s"] b').innerText.replaceAll(",", "") === "%d"`, state, n))
	}
	w.shot("busy")

	// What is filtered, sorted and scrolled is right, too.
	js[bool](w, `(document.querySelector('.tile[data-state="ringing"]').click(), true)`)
	w.until("ringing calls alone", `[...document.querySelectorAll(".rows .row:not([hidden]) .chip")].every((n) => n.innerText === "ringing")`)
	js[bool](w, `(document.querySelector(".grid").scrollTop = 1e9, true)`)
	w.until("the last of them", fmt.Sprintf(`[...document.querySelectorAll(".rows .row:not([hidden])")].some((n) => n.getAttribute("aria-rowindex") === "%d")`, c.states()["ringing"]+1))
}
