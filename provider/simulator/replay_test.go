package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onlooker is a client that asks for one thing at a time and writes down all it
// is told. Its moments are odd, so that none is the switch's.
type onlooker struct {
	w       *world
	users   []string
	streams []*stream // by XSP; nil while there is none
	subs    map[string]string
	story   []string
	docs    []string
	// perDoc, if not nil, sees each document with its place: which channel, of
	// those that were ever opened.
	perDoc func(ch *stream, doc string)
}

const oddMoment = 97*time.Millisecond + 13*time.Nanosecond

// settle opens what channels are missing and subscribes to what is not
// subscribed to. Renewals bring snapshots after a loss.
func (o *onlooker) settle() {
	w := o.w
	opened := false
	for i, st := range o.streams {
		if st == nil && w.sim.Reachable(i) {
			began := time.Now()
			st, err := w.tryOpenAt(i+1, "set", "<expires>2147483647</expires>")
			if time.Since(began) > 0 {
				w.pass(1009)
			}
			if err != nil {
				continue // a fault struck meanwhile
			}
			st.mute = true
			o.streams[i] = st
			o.story = append(o.story, fmt.Sprintf("channel at xsp%d: %s", i+1, o.streams[i].id))
			opened = true
		}
	}
	at1 := slices.IndexFunc(o.streams, func(st *stream) bool { return st != nil }) + 1
	if at1 == 0 || !opened {
		return
	}
	for _, user := range o.users {
		w.pass(time.Millisecond)
		path := "/user/" + user
		if strings.HasPrefix(user, "/") {
			path = user
		}
		if id := o.subs[user]; id != "" {
			if got := o.ask("PUT", at1, "/subscription/"+id, subscriptionBody("set")); got.status == 200 {
				continue
			}
		}
		got := o.ask("POST", at1, path, subscriptionBody("set"))
		if got.status != 200 {
			continue // a fault struck meanwhile
		}
		o.subs[user] = got.field("subscriptionId")
		o.story = append(o.story, user+" "+got.body)
	}
}

// ask is a request. One that was kept waiting ended at a moment of the switch,
// so it is left alone to finish what it does then.
func (o *onlooker) ask(method string, xsp int, path, body string) answer {
	began := time.Now()
	got, _ := o.w.try(method, at(xsp, eventsBase+path), body) // the status is 0 where nobody answers
	if time.Since(began) > 0 {
		o.w.pass(1013)
	}
	return got
}

// look lets a moment pass, reads and acknowledges what came, and sees whether
// the channels still are there.
func (o *onlooker) look() {
	o.w.pass(oddMoment)
	acks := make([][]string, len(o.streams))
	for i, st := range o.streams {
		for st != nil && len(st.docs) > 0 {
			d := <-st.docs
			o.docs = append(o.docs, fmt.Sprintf("xsp%d %s", i+1, d))
			if o.perDoc != nil {
				o.perDoc(st, d)
			}
			if id := field(d, "xsi:eventID"); id != "" {
				acks[i] = append(acks[i], id)
			}
		}
		if st == nil {
			continue
		}
		select {
		case _, open := <-st.docs:
			require.False(o.w, open, "it was read to its end")
			o.streams[i] = nil
		default:
		}
	}
	for i, ids := range acks {
		for _, id := range ids {
			if o.w.sim.Reachable(i) {
				// A 404 where the event moved to another channel meanwhile.
				o.ask("POST", i+1, "/channel/eventresponse", "<EventResponse><eventID>"+id+"</eventID><statusCode>200</statusCode></EventResponse>")
			}
		}
	}
	for i, st := range o.streams {
		if st != nil && o.w.sim.Reachable(i) && o.ask("PUT", i+1, "/channel/"+st.id+"/heartbeat", "").status == 404 && len(st.docs) == 0 {
			st.cancel()
			o.streams[i] = nil
		}
	}
	o.settle()
}

// watch plays a story in front of an onlooker and returns all that was told.
func watch(t *testing.T, sc *Scenario, seed uint64) (told []string, stats Stats) {
	t.Helper()
	cfg := sc.Config
	cfg.Seed = seed
	inWorld(t, cfg, func(w *world) {
		o := newOnlooker(w, cfg.XSPs)
		over := make(chan error, 1)
		go func() { over <- w.sim.Play(w.Context(), sc, nil) }()
		for len(over) == 0 {
			o.look()
		}
		require.NoError(w, <-over)
		for range 20 {
			o.look()
		}
		told, stats = append(o.story, o.docs...), w.sim.Stats()
	})
	return told, stats
}

func newOnlooker(w *world, xsps int) *onlooker {
	o := &onlooker{w: w, streams: make([]*stream, max(xsps, 1)), subs: map[string]string{}}
	for _, p := range w.sim.Phones()[2:12] {
		o.users = append(o.users, p.SubscriberID)
	}
	o.users = append(o.users, "/enterprise/demo-enterprise")
	w.pass(time.Millisecond + 7)
	o.settle()
	return o
}

const misfortunes = `
subscribers 60
xsps 2
chunks anyhow
granted 5m
granted-spread 0.3
call-duration 5s
ack-timeout 20s
treatment 700ms
0s  traffic 4
+3s fault delay_events probability=0.3 delay=900ms for=15s
+1s fault reorder_events probability=0.5 delay=300ms for=20s
+1s fault duplicate_events probability=0.5 for=20s
+1s fault drop_events probability=0.1 for=30s
+3s ring alice from +442079460001 as a
+1s ?answer a
+1s fault drop_channel probability=0.5
+5s fault end_channel xsp=xsp1 reason=Expired
+5s fault forget_channel probability=0.7
+5s fault slow_reader xsp=xsp2 delay=50ms for=5s
+5s fault xsp_down xsp=xsp2 for=4s
+7s fault stall for=3s
+9s fault restart for=1s
+9s fault restart xsp=xsp1 for=1s
+9s quiet
`

// The same seed and story in front of the same client: every document is the
// same to the byte, ids, numbers, times and all, and so is every count.
// Another seed is another day.
func TestAWholeDayIsReplayable(t *testing.T) {
	sc, err := ParseScenario([]byte(misfortunes))
	require.NoError(t, err)
	first, stats := watch(t, sc, 7)
	require.Greater(t, len(first), 1000)
	for _, kind := range []string{faultDropChannel, faultEndChannel, faultForgetChannel, faultDelayEvents} {
		require.Positive(t, stats.Faults[kind])
	}
	for name, n := range map[string]int64{"dropped": stats.EventsDropped, "doubled": stats.EventsDuplicated, "late": stats.EventsDelayed,
		"overtaken": stats.EventsReordered, "channels": stats.ChannelsEnded, "restarts": stats.Restarts} {
		require.Positive(t, n, name)
	}
	second, again := watch(t, sc, 7)
	for i := range min(len(first), len(second)) {
		require.Equal(t, first[i], second[i], "document %d", i)
	}
	require.Len(t, second, len(first))
	require.Equal(t, stats, again)
	other, _ := watch(t, sc, 8)
	require.NotEqual(t, first, other)
}

// Clients that ask for other things, or in another order, still find the same
// calls at the same times: traffic has a line of chance of its own.
func TestTrafficDoesNotCareWhoWatches(t *testing.T) {
	calls := func(watched bool) (told []string) {
		inWorld(t, Config{Traffic: TrafficDemo, Seed: 5, CallsPerSecond: 3, HeartbeatTimeout: -1}, func(w *world) {
			if watched {
				st := w.open("set")
				go func() {
					for d := range st.docs {
						if id := field(d, "xsi:eventID"); id != "" {
							_, _ = w.try("POST", at(1, eventsBase+"/channel/eventresponse"), "<EventResponse><eventID>"+id+"</eventID><statusCode>200</statusCode></EventResponse>")
						}
					}
				}()
				st.follow("/enterprise/demo-enterprise")
			}
			for range 100 {
				w.pass(time.Second)
				for _, c := range w.sim.truth() {
					told = append(told, fmt.Sprint(c.CallID, c.SubscriberID, c.State, c.AnswerTime))
				}
			}
		})
		return told
	}
	alone := calls(false)
	require.NotEmpty(t, alone)
	require.Equal(t, alone, calls(true))
}
