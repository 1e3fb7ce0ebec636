package sim

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine"
	"offhook/engine/clock"
	"offhook/provider/simulator"
)

// machine is what offhook runs on.
type machine struct {
	clock    atomic.Int64 // by how much the wall clock is off, in ms
	restless bool         // it is set all the time
	jumps    int          // how often it was
	stepped  atomic.Bool  // it was
	forgot   atomic.Bool  // and the process ended after that: nobody knows how long ago anything was
	watch    *clock.Clock // of one life
}

// wall is the time on the wall, which somebody may set.
func (m *machine) wall() time.Time {
	return time.Now().Add(time.Duration(m.clock.Load()) * time.Millisecond)
}

func (m *machine) now() int64 { return m.wall().UnixMilli() }

// boot gives a life of offhook its clock.
func (m *machine) boot() {
	born := time.Now()
	m.watch = clock.New(m.now, func() int64 { return time.Since(born).Milliseconds() })
}

// setClock is somebody who sets the clock of offhook's machine: by seconds, by
// an hour, by years, and right again.
func (w *world) setClock() {
	const year = 365 * 24 * time.Hour
	off := []time.Duration{0, 0, 3 * time.Second, time.Minute, time.Hour, 25 * time.Hour, year, 10 * year}[w.random.IntN(8)]
	if w.random.IntN(2) == 0 {
		off = -off
	}
	w.setTo(off)
}

// rightClock is somebody who puts it right.
func (w *world) rightClock() { w.setTo(0) }

func (w *world) setTo(off time.Duration) {
	if w.clock.Swap(off.Milliseconds()) != off.Milliseconds() {
		w.stepped.Store(true)
		w.jumps++
	}
}

// takesItsTime sets the clock while a phone ignores a command, after a call has
// ended, and after one was placed with a key; then everything old is swept. It
// returns how often the clock was set.
func takesItsTime(t *testing.T, off time.Duration) (jumps int) {
	t.Helper()
	inVirtualTime(t, 1, []simulator.Config{{Subscribers: 3, Seed: 1}}, func(w *world) {
		p, app := w.platforms[0], w.apps[0].id
		phone := p.sim.Phones()[0]
		w.after(10 * time.Second) // everybody is subscribed to
		ring := func() (at string) {
			var made struct {
				ID string `json:"call_id"`
			}
			p.control(http.MethodPost, "/calls", map[string]string{"subscriber_id": phone.SubscriberID, "remote_number": "+15125550177"}, &made)
			return made.ID
		}
		do := func(v engine.Verb, call engine.CallID) engine.Reply {
			return w.directory.DoCall(w.Context(), engine.Command{Verb: v, App: app, Call: call})
		}
		key := engine.Command{Verb: engine.VerbOriginate, App: app, Originate: &engine.Originate{
			Key: "once", SubscriberNumber: phone.SubscriberNumber, RemoteNumber: "+15125550188",
		}}
		placed := w.directory.Do(w.Context(), p.subscriber(phone.SubscriberID), key)
		require.Nil(w, placed.Err)
		w.directory.Lift(placed.Call.ID)
		w.after(time.Second)
		for _, c := range p.truth() {
			p.control(http.MethodPost, "/calls/"+c.ID+"/hangup", nil, nil)
		}
		at := ring()
		p.control(http.MethodPost, "/calls/"+at+"/answer", nil, nil)
		w.after(time.Second)
		live := w.directory.Live(app)
		require.Len(w, live, 1)
		call := live[0].Call.ID

		require.True(w, p.fault(map[string]any{"kind": "ignore_actions", "probability": 1, "duration_ms": 60_000}))
		began, replied := time.Now(), make(chan engine.Reply)
		go func() { replied <- do(engine.VerbHold, call) }()
		w.after(time.Second)
		w.setTo(off)
		p.control(http.MethodPost, "/calls/"+ring()+"/hangup", nil, nil) // the owner looks
		r := <-replied
		require.NotNil(w, r.Err)
		require.Equal(w, engine.CodeUnconfirmed, r.Err.Code)
		require.GreaterOrEqual(w, time.Since(began), 2*time.Second)
		require.Less(w, time.Since(began), 4*time.Second)
		p.control(http.MethodDelete, "/faults", nil, nil)

		require.NoError(w, w.store.Sweep())
		require.Equal(w, engine.StateReleased, do(engine.VerbGet, placed.Call.ID).Call.State, "known for ten minutes")
		again := w.directory.Do(w.Context(), p.subscriber(phone.SubscriberID), key)
		require.True(w, again.Replay, "a key is remembered for a day")
		require.Equal(w, placed.Call.ID, again.Call.ID)
		w.rightClock()
		require.NoError(w, w.store.Sweep())
		p.control(http.MethodPost, "/calls/"+at+"/hangup", nil, nil)
		w.after(time.Minute)
		w.compare("the end")
		w.ended()
		jumps = w.jumps
	})
	return jumps
}

// A morning in which somebody sets the clock every other second, under calls,
// commands, webhooks and faults of every kind: every call ends, no command ends
// early or hangs, every stream is numbered and delivered, and at quiet points
// all know what the platforms know.
func TestTheClockIsSet(t *testing.T) {
	row := report.Attack(t, report.EveryCallEnds, "the clock is set back and forth, by seconds to years", "jumps")
	for _, off := range []time.Duration{3 * time.Second, time.Hour, 25 * time.Hour, 365 * 24 * time.Hour} {
		row.Add(takesItsTime(t, off) + takesItsTime(t, -off))
	}
	sum := runWith(t, uint64(knob(t, "OFFHOOK_SIM_SEED", 1)), func(w *world) { w.restless, w.bursts = true, 1 })
	require.Greater(t, sum.jumps, 100)
	row.Add(sum.jumps)
	row.Note("%d calls in %d events, %d operations, %d crashes", sum.calls, sum.events, sum.operations, sum.crashes)
	t.Logf("%+v", sum)
}
