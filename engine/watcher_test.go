package engine

import (
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"
)

// watcher holds what the apps are told and answered against the promises.
type watcher struct {
	t      *rapid.T
	last   map[string]uint64           // by app: the last number
	at     map[string]map[CallID]State // by app: where each call was said to be, since the app was linked
	asked  map[uint64]bool             // tokens that wait for an answer
	secret map[CallID]int64            // calls app1 must not be told of yet: until when, 0 for while the answer, or the disk, is awaited
	dials  map[uint64]CallID           // ids of dial requests, by token of the request
}

func newWatcher(t *rapid.T) *watcher {
	return &watcher{
		t: t, last: map[string]uint64{}, at: map[string]map[CallID]State{}, asked: map[uint64]bool{},
		secret: map[CallID]int64{}, dials: map[uint64]CallID{},
	}
}

// see takes the effects of one step.
func (w *watcher) see(in *Input, out *Effects, now int64) {
	if in.Restart {
		clear(w.asked)
		clear(w.secret)
	}
	delete(w.secret, in.Lift)
	if until, ok := w.secret[in.Handed]; ok && until == 0 {
		w.secret[in.Handed] = now + 5000
	}
	for id, until := range w.secret {
		if until != 0 && now >= until {
			delete(w.secret, id)
		}
	}
	for _, r := range out.Put {
		if r.Kind == RecordIntent && r.Intent.Open() && in.Command != nil {
			w.secret[r.Intent.Call] = 0
			w.dials[in.Command.Token] = r.Intent.Call
		}
	}
	for _, r := range out.Reply {
		if !w.asked[r.Token] {
			w.t.Fatalf("answer to %d, which nobody waits for", r.Token)
		}
		delete(w.asked, r.Token)
		if id, ok := w.dials[r.Token]; ok {
			delete(w.secret, id) // there will be no 201 any more, or it names another id
			if r.Err == nil {
				w.secret[r.Call.ID] = 0
			}
		}
	}
	for i := range out.Emit {
		n := out.Emit[i]
		n.Write()
		w.told(&n)
	}
}

func (w *watcher) told(n *Notification) {
	if n.Kind == StreamSubscriber {
		w.at[n.App] = map[CallID]State{} // live calls are seen for the first time, again
		return
	}
	if n.Sequence != w.last[n.App]+1 {
		w.t.Fatalf("%s: #%d after #%d", n.App, n.Sequence, w.last[n.App])
	}
	w.last[n.App] = n.Sequence
	if _, ok := w.secret[n.Call]; ok && n.App == "app1" {
		w.t.Fatalf("%s was told of before its 201", n.Call)
	}
	body := w.body(n)
	was, is := w.at[n.App][n.Call], n.State
	switch {
	case was == StateReleased:
		w.t.Fatalf("%s: %s after released", n.App, is)
	case was == is:
		w.t.Fatalf("%s: %s twice", n.App, is)
	case was == StateRinging && is == StateHeld:
		w.t.Fatalf("%s: held before active", n.App)
	case is == StateRinging && was != StateNone:
		w.t.Fatalf("%s: ringing after %s", n.App, was)
	case was == StateNone && is == StateReleased:
		w.t.Fatalf("%s: the end of a call that was never reported", n.App)
	case was == StateNone && is != StateRinging && body["synthetic"] != true:
		w.t.Fatalf("%s: %s at first sight, and not marked", n.App, is)
	case is == StateReleased && body["cause"] == "":
		w.t.Fatalf("%s: released, and nobody says why", n.App)
	}
	w.at[n.App][n.Call] = is
}

// body holds a webhook against the specification: its fields, always, and of
// their own type.
func (w *watcher) body(n *Notification) map[string]any {
	var body map[string]any
	if err := json.Unmarshal(n.Body, &body); err != nil {
		w.t.Fatalf("%v: %s", err, n.Body)
	}
	for _, field := range []string{
		"app_id", "subscriber_id", "subscriber_number", "subscriber_name", "subscriber_account_id",
		"remote_number", "remote_name", "call_id", "sequence_number", "direction", "state",
	} {
		if _, ok := body[field].(string); !ok {
			w.t.Fatalf("%s is no string: %s", field, n.Body)
		}
	}
	if at, ok := body["timestamp"].(float64); !ok || int64(at) != n.Time {
		w.t.Fatalf("the timestamp is not %d: %s", n.Time, n.Body)
	}
	if body["sequence_number"] != fmt.Sprint(n.Sequence) || body["call_id"] != n.Call.String() ||
		body["state"] != n.State.String() || body["event_id"] != n.EventID || body["app_id"] != n.App {
		w.t.Fatalf("the body is about something else: %s", n.Body)
	}
	return body
}
