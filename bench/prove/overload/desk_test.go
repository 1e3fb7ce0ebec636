package overload

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// desk is the clients of an app, who place calls of its subscribers one after
// the other and end them again.
type desk struct {
	app   string
	subs  []map[string]any
	turns atomic.Int64

	mu     sync.Mutex
	live   []*talk
	placed map[string]bool // calls that were answered 201, and whether their end was answered 204
	doubts int             // dials whose outcome nobody knows
}

// talk is a call that an app has to end.
type talk struct {
	call  string
	doubt bool // its end was sent, and not confirmed in time
}

func newDesk(app string, subs []map[string]any) *desk {
	return &desk{app: app, subs: subs, placed: map[string]bool{}}
}

// next places a call, and every second time ends the oldest.
func (d *desk) next(l *line) (answer, error) {
	n := d.turns.Add(1)
	if n%2 == 0 {
		if t := d.oldest(); t != nil {
			return d.end(l, t)
		}
	}
	return d.place(l, d.subs[int(n)%len(d.subs)], int(n))
}

func (d *desk) place(l *line, sub map[string]any, n int) (answer, error) {
	body := fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":"+1512%07d","remote_name":"Zilkr LLC"}`, sub["subscriber_id"], sub["subscriber_number"], 2_000_000+n%7_000_000)
	a, err := l.ask("POST", "/apps/"+d.app+"/calls", body)
	d.mu.Lock()
	defer d.mu.Unlock()
	var v struct {
		Call string `json:"call_id"`
	}
	switch {
	case err != nil || a.status == 504:
		d.doubts++
	case a.status == 502 && bytes.Contains(a.body, []byte("error 110605")): // the phone has as many calls as it can
		a.expected = true
	case a.status == 201 && json.Unmarshal(a.body, &v) == nil && v.Call != "":
		d.placed[v.Call] = false
		d.live = append(d.live, &talk{call: v.Call})
	}
	return a, err
}

func (d *desk) oldest() *talk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.live) == 0 {
		return nil
	}
	t := d.live[0]
	d.live = d.live[1:]
	return t
}

func (d *desk) end(l *line, t *talk) (answer, error) {
	a, err := l.ask("DELETE", "/apps/"+d.app+"/calls/"+t.call, "")
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil && a.status < 300:
		d.placed[t.call] = true
		return a, nil
	case t.doubt && a.status == 404: // it took effect after all
		a.expected = true
		return a, err
	case t.doubt && a.status == 502: // it did, and its event is still to come
		a.expected = true
	case a.status == 504:
		t.doubt = true
	}
	d.live = append(d.live, t)
	return a, err
}

// finish ends what is left.
func (d *desk) finish(all []*line) {
	var ending sync.WaitGroup
	for _, l := range all {
		ending.Go(func() {
			defer l.hangUp()
			for range rig.Poll(deadline) {
				t := d.oldest()
				if t == nil {
					return
				}
				_, _ = d.end(l, t)
			}
		})
	}
	ending.Wait()
}

// settle compares what was answered with what the platform and the webhooks
// know: what was accepted was done, once, and what was refused was not.
func (d *desk) settle(t *testing.T, w *rig.Apart, before int) {
	t.Helper()
	d.finish(lines(w, 16))
	w.Ledger.Wait(t, "the end of every call", func() bool { return len(w.Ledger.Open()) == 0 })
	w.Ledger.Audit(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	states := map[string]string{}
	for _, stream := range w.Ledger.Streams() {
		for _, e := range stream {
			states[e.Call] = e.State
		}
	}
	for call := range d.placed {
		require.Equal(t, "released", states[call], "the webhooks of call %s", call)
	}
	dials := w.Dials() - before
	require.GreaterOrEqual(t, dials, len(d.placed), "calls that were accepted are placed")
	require.LessOrEqual(t, dials, len(d.placed)+d.doubts, "what was refused is not done")
	ours, theirs := w.Picture()
	require.Empty(t, ours)
	require.Empty(t, theirs)
}
