package simulator

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Demo traffic is a handful of calls at a time, leaves the first three
// subscribers alone, and every kind of event turns up in an hour of it: those of
// a transfer, a park and a recording too, though not often.
func TestDemoTraffic(t *testing.T) {
	inWorld(t, Config{Traffic: TrafficDemo, HeartbeatTimeout: -1, HeartbeatEvery: -1, AckTimeout: time.Hour * 24}, func(w *world) {
		st := w.open("set", "<expires>2147483647</expires>")
		st.mute = true
		st.follow("/enterprise/demo-enterprise")
		most, sum := 0, 0
		for range 240 {
			w.pass(15 * time.Second)
			n := w.sim.Stats().Live.Calls
			most, sum = max(most, n), sum+n
			for _, p := range w.sim.phoneViews()[:quietPhones] {
				require.Zero(w, p.Calls)
			}
		}
		w.Logf("calls at a time: %d on average, %d at most", sum/240, most)
		require.Greater(w, sum, 240*2)
		require.Less(w, most, 20)
		seen := map[string]int{}
		for len(st.docs) > 0 {
			ev := st.event()
			seen[ev.Data.Type]++
		}
		for _, kind := range []eventKind{evOriginated, evReceived, evAnswered, evHeld, evRetrieved, evReleased, evUpdated, evHookStatus, evRedirected} {
			require.Positive(w, seen["xsi:"+kind.name], kind.name)
		}
		answered := seen["xsi:"+evAnswered.name]
		for _, kind := range []eventKind{evParkRetrieved, evRecordingStarted, evRecordingStopped} {
			n := seen["xsi:"+kind.name]
			require.Positive(w, n, kind.name)
			require.Less(w, n, answered/10, kind.name)
		}
		require.Less(w, w.sim.Stats().Live.Parked, 3)
	})
}

// Rate traffic keeps its rate and its memory.
func TestRateTraffic(t *testing.T) {
	cfg := Config{Subscribers: 5000, CallsPerSecond: 200, CallDuration: 5 * time.Second}
	inWorld(t, cfg, func(w *world) {
		w.pass(20 * time.Second)
		st := w.sim.Stats()
		require.InDelta(w, 4000, st.CallsStarted, 50)
		require.InDelta(w, 200*6, st.Live.Calls, 400)
		require.Zero(w, st.CallsSkipped)
		require.Less(w, st.Live.Planned, 4*st.Live.Calls+100)
	})
}

// More calls than phones: what finds no free phone is skipped, not queued.
func TestRateTrafficIsBounded(t *testing.T) {
	cfg := Config{Subscribers: 10, CallsPerSecond: 100}
	inWorld(t, cfg, func(w *world) {
		w.pass(20 * time.Second)
		st := w.sim.Stats()
		require.LessOrEqual(w, st.Live.Calls, 7)
		require.Positive(w, st.CallsSkipped)
	})
}

// The same seed makes the same calls.
func TestSeed(t *testing.T) {
	run := func(seed uint64) (s Stats) {
		inWorld(t, Config{Traffic: TrafficDemo, Seed: seed}, func(w *world) {
			w.pass(5 * time.Minute)
			s = w.sim.Stats()
		})
		return s
	}
	require.Equal(t, run(3), run(3))
	require.NotEqual(t, run(3), run(4))
}

// Thousands of subscribers, each followed by itself, and hundreds of calls a
// second over four channels at two XSPs: all that is said conforms, every event
// is acknowledged, and no channel ends.
func TestThousandsOfSubscribers(t *testing.T) {
	cfg := Config{Subscribers: 3000, XSPs: 2, HeartbeatTimeout: -1, CallDuration: 2 * time.Second}
	inWorld(t, cfg, func(w *world) {
		var streams []*stream
		for i := range 4 {
			streams = append(streams, w.openAt(1+i%2, fmt.Sprint("set-", i)))
		}
		var mu sync.Mutex
		a := newAuditor(w, true)
		for _, st := range streams {
			go func() {
				for d := range st.docs {
					mu.Lock()
					a.hear(st, d)
					mu.Unlock()
					if id := field(d, "xsi:eventID"); id != "" {
						_, _ = w.try("POST", at(st.xsp, eventsBase+"/channel/eventresponse"), "<EventResponse><eventID>"+id+"</eventID><statusCode>200</statusCode></EventResponse>")
					}
				}
			}()
		}
		for i, p := range w.sim.Phones() {
			streams[i%4].follow("/user/" + p.SubscriberID)
		}
		w.pass(time.Second)
		require.EqualValues(w, 3000, w.sim.Stats().EventsAcked)
		w.sim.mu.Lock()
		w.sim.setRate(300)
		w.sim.mu.Unlock()
		w.pass(4 * time.Second)
		w.sim.mu.Lock()
		w.sim.setRate(0)
		w.sim.mu.Unlock()
		w.pass(time.Minute)
		st := w.sim.Stats()
		require.InDelta(w, 1200, st.CallsStarted, 20)
		require.Zero(w, st.Live.Calls)
		require.Equal(w, st.EventsSent, st.EventsAcked)
		require.Zero(w, st.ChannelsEnded)
		require.Greater(w, st.EventsSent, int64(3000+1200*4))
	})
}
