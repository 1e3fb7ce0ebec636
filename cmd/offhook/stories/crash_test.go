package stories

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// kill -9 during traffic, again and again, on one data directory.
func TestKilledDuringTrafficEveryReportedCallEndsOnce(t *testing.T) {
	l := rig.NewLedger(t)
	data := t.TempDir()
	random := rand.New(rand.NewPCG(7, 7))
	p := rig.Run(t, rig.Anywhere("demo"), "serve", "--data-dir", data)
	s := rig.Connect(t, p, l, 20)
	s.Followed(len(s.Subscribers))
	const cycles = 4
	for cycle := range cycles {
		before := l.Count()
		rung := make(chan struct{})
		go func() {
			defer close(rung)
			s.Ring(s.Subscribers[1:]) // besides what chance has people do
		}()
		l.Wait(t, "traffic", func() bool { return l.Count() >= before+25 })
		placed, err := s.Place(s.Subscribers[0], "+15129104114")
		if err == nil {
			require.Contains(t, []int{201, 503, 504}, placed.Status, "%s", placed.Body)
		}
		<-time.After(time.Duration(random.IntN(400)) * time.Millisecond)
		p.Kill()
		<-rung
		traffic := "demo"
		if cycle == cycles-1 {
			traffic = "none"
		}
		p = rig.Run(t, rig.Anywhere(traffic), "serve", "--data-dir", data)
		s.Process = p
	}
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 })
	l.Audit(t)
	require.Empty(t, rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t))
	p.Drain()
}

func TestSimulatorKilledAndRestarted(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 3)
	placed, err := w.Place(w.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	w.Until(call, "active")
	w.RestartSimulator()
	w.Until(call, "released")
	l.Wait(t, "its end", func() bool { return len(l.Open()) == 0 })
	for range rig.Poll(30 * time.Second) {
		if placed, err = w.Place(w.Subscribers[1], "+15129104114"); err == nil && placed.Status == 201 {
			break
		}
	}
	require.Equal(t, 201, placed.Status, "calls are placed again: %s", placed.Body)
	w.Until(placed.JSON(t)["call_id"].(string), "active")
	l.Audit(t)
	w.Drain()
}

// offhook is killed at any moment of an originate, and the app repeats its
// request with the same key until it is answered: one call is dialled.
func TestKilledDuringOriginateDialsOnce(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 8)
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 12 {
		sub := w.Subscribers[round%len(w.Subscribers)]
		key := fmt.Sprint("round-", round)
		before := w.Dials()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = w.Place(sub, "+15129104114", "Idempotency-Key", key)
		}()
		<-time.After(time.Duration(random.IntN(25)) * time.Millisecond)
		w.Kill()
		<-done
		w.Process = w.Serve(t)
		var settled rig.Answer
		for range rig.Poll(30 * time.Second) {
			var err error
			settled, err = w.Place(sub, "+15129104114", "Idempotency-Key", key)
			if err == nil && settled.Status != 504 && settled.Status != 503 {
				break
			}
		}
		require.Contains(t, []int{201, 502}, settled.Status, "%s", settled.Body)
		dialled := w.Dials() - before
		require.LessOrEqual(t, dialled, 1, "round %d", round)
		if settled.Status == 201 {
			require.Equal(t, 1, dialled, "round %d: a 201 is a call", round)
			w.End(settled.JSON(t)["call_id"].(string))
		}
	}
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 })
	l.Audit(t)
}
