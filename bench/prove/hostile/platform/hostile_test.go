package platform

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine"
	"offhook/provider"
	"offhook/provider/broadworks"
	"offhook/provider/simulator"
)

const (
	hostility = 2 * time.Minute  // how long the platform is another
	itself    = 20 * time.Minute // within which all is well when it is itself again
	mega      = 1 << 20
)

// figures are what the worst of a zoo cost.
type figures struct {
	grown, dials int
	back         time.Duration
}

func (f *figures) worst(g figures) {
	f.grown, f.dials, f.back = max(f.grown, g.grown), max(f.dials, g.dials), max(f.back, g.back)
}

// A platform turns into each of the monsters in the midst of calls: on every
// request, on the event stream alone, on all but the event stream.
func TestAHostilePlatform(t *testing.T) {
	row := report.Attack(t, report.EveryCallEnds, "a hostile platform, and then the good one again", "monsters")
	var worst figures
	for _, p := range []struct {
		name string
		at   place
	}{{"everywhere", everywhere}, {"on the stream", onTheStream}, {"on answers", onAnswers}} {
		for _, b := range anywhere {
			t.Run(p.name+"/"+b.name, func(t *testing.T) { worst.worst(meets(t, b, p.at)) })
			row.Add(1)
		}
	}
	for _, b := range streams(simulator.New(simulator.Config{Subscribers: people}).Phones()[0].SubscriberID) {
		t.Run("on the stream/"+b.name, func(t *testing.T) { worst.worst(meets(t, b, onTheStream)) })
		row.Add(1)
	}
	row.Note("at most %d MB more, %d connections in %v, all known again after %v", worst.grown/mega, worst.dials, hostility, worst.back)
}

// meets has a platform turn hostile and back.
func meets(t *testing.T, b beast, at place) (f figures) {
	inVirtualTime(t, func(*broadworks.Config) {}, func(w *world) {
		w.settles(time.Minute, "at first")
		w.ring(0)
		w.ring(1)
		w.after(time.Second)
		w.settles(time.Minute, "before")
		was, goroutines, dials := heap(), runtime.NumGoroutine(), w.wire.dialled()

		began := time.Now()
		w.wire.turn(b.is, at)
		for _, c := range w.truth()[:1] {
			w.hangUp(c) // nobody hears of it
		}
		w.ring(2)
		asked := w.command()
		down, looks := 0, int(hostility/(5*time.Second))
		for i := range looks {
			w.after(5 * time.Second)
			if i%6 == 5 {
				f.grown = max(f.grown, heap()-was)
			}
			if s := w.provider.Status(); s.Link != provider.LinkUp {
				require.NotEmpty(t, s.Detail)
				down++
			}
		}
		switch {
		case at == everywhere:
			require.Equal(t, looks, down, "the link is told to be down")
		case at == onAnswers:
			require.Less(t, w.wire.taken(), mega, "no answer is read further than it may be long")
		case at == onTheStream && !b.well && down == 0:
			// It went down and up between two looks. Only a dead stream that is
			// believed in stays up.
			require.Greater(t, w.provider.Status().Since, began.Add(hostility/2).UnixMilli(), "the link is told to be down")
		}
		select {
		case <-asked:
		default:
			t.Error("a command is answered in its time, whatever the platform does")
		}
		f.dials = w.wire.dialled() - dials
		require.Less(t, f.grown, 24*mega, "memory is bounded")
		require.Less(t, f.dials, 2000, "it does not hammer")
		require.Less(t, runtime.NumGoroutine(), goroutines+200)
		require.Empty(t, w.wire.strayed(), "nobody but the platform is asked")

		w.wire.turn(nil, everywhere)
		f.back = w.settles(itself, "when it is itself again")
		for _, c := range w.truth() {
			w.hangUp(c)
		}
		w.after(10 * time.Second)
		w.settles(time.Minute, "in the end")
		w.everybodyEnds()
	})
	return f
}

// command has the app ask for something; it is closed with the answer.
func (w *world) command() <-chan struct{} {
	answered := make(chan struct{})
	live := w.directory.Live(app)
	require.NotEmpty(w, live)
	c := live[len(live)-1]
	go func() {
		defer close(answered)
		w.directory.DoCall(w.Context(), engine.Command{Verb: engine.VerbHold, App: app, Call: c.Call.ID})
	}()
	return answered
}
