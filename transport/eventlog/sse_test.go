package eventlog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/transport/eventlog/eventlogtest"
)

func snapshotCalls(t *testing.T, data string) []map[string]any {
	t.Helper()
	var s struct {
		Calls []map[string]any `json:"calls"`
	}
	require.NoError(t, json.Unmarshal([]byte(data), &s), data)
	require.NotNil(t, s.Calls, "an empty list is a list")
	return s.Calls
}

func TestTheTypeOfABody(t *testing.T) {
	for body, want := range map[string]string{
		`{"type":"call.state"}`:                              "call.state",
		`{"a":1,"b":[{"type":"no"}],"type":"call.gap"}`:      "call.gap",
		`{"a":{"type":"no"},"type" : "call.detail", "z":""}`: "call.detail",
		`{"name":"\"type\":\"no\"","type":"call.state"}`:     "call.state",
		`{"name":"type","other":"no"}`:                       "",
		`{"name":"type","type":"yes"}`:                       "yes",
		`{"type":1,"x":"no"}`:                                "",
		`{"type":"with space"}`:                              "",
		`{"type":"line\nend"}`:                               "",
		`{"\\":"\\","type":"call.state"}`:                    "call.state",
		`{"type":"cut`:                                       "",
		`[{"type":"no"}]`:                                    "",
		``:                                                   "",
	} {
		require.Equal(t, want, string(typeOf([]byte(body))), body)
	}
}

func FuzzTypeOf(f *testing.F) {
	f.Add(`{"name":"\"type\":\"no\"","type":"call.state"}`)
	f.Add(`{"a":[{"type":"no"},"type","b"],"type":"call.gap"}`)
	f.Fuzz(func(t *testing.T, body string) {
		got := string(typeOf([]byte(body)))
		var all map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &all) != nil || strings.Count(body, "type") != 1 {
			return // what nobody stores, or where two members share a name
		}
		var want string
		if raw, ok := all["type"]; ok {
			_ = json.Unmarshal(raw, &want)
		}
		if got != want && isWord([]byte(want)) && !strings.Contains(body, `\u`) {
			t.Fatalf("%s: type %q, read as %q", body, want, got)
		}
	})
}

func TestABodyComesOutAsItWentIn(t *testing.T) {
	c := newCursors(testKey, testLog).of("ours")
	p := engine.Profile{ID: "alice", Name: "line\nend, \"quote\", \r\x00\u2028 and : colon"}
	body := engine.AppendCall(nil, &p, &engine.Call{ID: 5, State: engine.StateActive})
	r := eventlogtest.NewReader(strings.NewReader(string(appendEvent(nil, c, 3, body))+string(appendEvent(nil, c, 4, []byte(`{"x":1}`)))), "")
	ev, err := r.Next()
	require.NoError(t, err)
	require.Equal(t, eventlogtest.Event{Type: "message", Data: string(body), ID: string(c.Append(nil, 3))}, ev)
	ev, err = r.Next()
	require.NoError(t, err)
	require.Equal(t, eventlogtest.Event{Type: "message", Data: `{"x":1}`, ID: string(c.Append(nil, 4))}, ev)
}

// callsOf are live calls, as many as there may be in a big house.
func callsOf(subscriber string, n int) (all []actor.CallView) {
	p := &engine.Profile{ID: subscriber, Name: "Tommy Tutone"}
	for i := range n {
		all = append(all, actor.CallView{Profile: p, Call: engine.Call{ID: engine.CallID(n - i), State: engine.StateActive}})
	}
	return all
}

func TestASnapshotIsOneEventHoweverLong(t *testing.T) {
	for _, n := range []int{0, 1, snapshotStep, snapshotStep + 1, 20 * snapshotStep} {
		d := newDesk()
		d.live = callsOf("alice", n)
		c := d.listen(t, Ask{App: "ours"})
		ev := c.next()
		require.Equal(t, "snapshot", ev.Type)
		calls := snapshotCalls(t, ev.Data)
		require.Len(t, calls, n)
		for i := range calls[min(1, n):] {
			require.NotEqual(t, calls[i]["call_id"], calls[i+1]["call_id"])
		}
		require.LessOrEqual(t, cap(c.stream.buf), maxBuffer, "made a piece at a time")
	}
}
