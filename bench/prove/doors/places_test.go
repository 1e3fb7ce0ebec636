package doors

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

const placed = `{"subscriber_id":"{subscriber_id}","subscriber_number":"{subscriber_number}","remote_number":"+15129104114"}`

const retrieved = `{"subscriber_id":"{subscriber_id}","subscriber_number":"{subscriber_number}","extension":"70009"}`

// What goes on from somewhere, or repeats something, is one's own: another
// app's cursor is like one that was made up, and another app's idempotency key
// is a new one.
func TestPlacesAndRepeatsAreOnesOwn(t *testing.T) {
	w := newWorld(t)
	row := report.Attack(t, report.Isolation, "cursors, stream positions and idempotency keys of another app", "requests")
	began := w.sent
	api, own := "http://"+w.p.Addr("api"), w.other.ids
	ask := func(method, path string, header map[string]string) answer {
		a := ask{method: method, target: api + "/apps/" + own["app_id"] + path, token: w.other.key, header: header}
		got := w.send(a)
		w.showsNothing(t, a, got, w.victim.marks)
		return got
	}
	theirs, nobodys := w.victim.ids["cursor"], w.nobodys()["cursor"]
	require.Equal(t, 200, ask("GET", "/events?after="+own["cursor"], nil).status)
	for _, path := range []string{"/events", "/events/stream", "/webhooks/calls/attempts"} {
		foreign, nothing := ask("GET", path+"?after="+theirs, nil), ask("GET", path+"?after="+nobodys, nil)
		require.Equal(t, 422, foreign.status, path)
		require.Equal(t, nothing.plain(nobodys), foreign.plain(theirs), path)
	}
	last := func(cursor string) answer {
		return ask("GET", "/events/stream", map[string]string{"Last-Event-ID": cursor})
	}
	require.Equal(t, 200, last(own["cursor"]).status)
	require.Equal(t, 422, last(theirs).status)
	require.Equal(t, last(nobodys).plain(nobodys), last(theirs).plain(theirs))
	for i := range len(theirs) { // and what is nearly one's own
		changed := own["cursor"][:i] + map[bool]string{true: "B", false: "A"}[own["cursor"][i] == 'A'] + own["cursor"][i+1:]
		require.Equal(t, 422, ask("GET", "/events?after="+changed, nil).status, "a cursor that was changed in one place")
	}

	place := func(of *tenant, key string) answer {
		d := door{method: "POST", path: "/apps/{app_id}/calls", body: placed}
		a := d.ask(api, of.ids, "")
		a.token, a.header = of.key, map[string]string{"Idempotency-Key": key}
		return w.send(a)
	}
	first := place(w.victim, "the key")
	require.Equal(t, 201, first.status, first.body)
	for n := range 3 {
		got := place(w.other, "the key")
		require.Equal(t, 201, got.status, got.body)
		require.Equal(t, n > 0, got.header.Get("Idempotency-Replayed") == "true", "the victim's key means nothing here")
		require.NotEqual(t, first.header.Get("Location"), got.header.Get("Location"))
		for _, mark := range w.victim.marks {
			require.NotContains(t, got.body, mark)
		}
	}
	again := place(w.victim, "the key")
	require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
	require.Equal(t, first.header.Get("Location"), again.header.Get("Location"), "the victim's own repeat is about the same call")

	row.Add(w.sent - began)
}
