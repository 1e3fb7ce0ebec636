package stories

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// What was done to a call, by whom, and who was told of it, is read when it is
// over: also after a crash.
func TestWhatHappenedToACallIsReadLater(t *testing.T) {
	l := rig.NewLedger(t)
	dir := t.TempDir()
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", dir)
	s := rig.Connect(t, p, l, 1)
	s.Followed(len(s.Subscribers))
	placed, err := s.Place(s.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	s.Until(call, "active")
	for range 2 {
		rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/hold"), s.Key, "", "Idempotency-Key", "hold it")
	}
	kinds := func() map[string]int {
		n := map[string]int{}
		last := float64(0)
		for _, m := range rig.Must(t, 200, "GET", s.API("/calls/"+call+"/timeline"), s.Key, "").List(t) {
			n[m["kind"].(string)]++
			require.GreaterOrEqual(t, m["at"].(float64), last)
			last = m["at"].(float64)
		}
		return n
	}
	live := kinds()
	require.Positive(t, live["fact"])
	require.Positive(t, live["transition"])
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	l.Wait(t, "the story of the call", func() bool { return len(l.States(call)) == 4 })
	p.Kill()

	s.Process = rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", dir)
	past := rig.Must(t, 200, "GET", s.API("/call-history?answered=true&direction=outgoing&limit=10"), s.Key, "").List(t)
	require.Len(t, past, 1)
	require.Equal(t, call, past[0]["call_id"])
	require.Equal(t, "released", past[0]["state"])
	require.Empty(t, rig.Must(t, 200, "GET", s.API("/call-history?answered=false"), s.Key, "").List(t))
	over := kinds()
	for _, kind := range []string{"fact", "command", "asked", "outcome", "reply", "transition", "event"} {
		require.Positive(t, over[kind], "%s in %v", kind, over)
	}
	require.Equal(t, 4, over["event"])
	require.GreaterOrEqual(t, over["transition"], 4)
	rig.Must(t, 404, "GET", s.API("/calls/callhalf-1:0/timeline"), s.Key, "")
	s.Drain()
}
