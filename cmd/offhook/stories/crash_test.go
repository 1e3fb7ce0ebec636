package stories

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// kill -9 during traffic, again and again, on one data directory.
func TestKilledDuringTrafficEveryReportedCallEndsOnce(t *testing.T) {
	l := newLedger(t)
	data := t.TempDir()
	random := rand.New(rand.NewPCG(7, 7))
	p := run(t, anywhere("demo"), "serve", "--data-dir", data)
	s := connect(t, p, l, 20)
	const cycles = 4
	for cycle := range cycles {
		before := l.count()
		rung := make(chan struct{})
		go func() {
			defer close(rung)
			s.ring(s.subscribers[1:]) // besides what chance has people do
		}()
		l.wait(t, "traffic", func() bool { return l.count() >= before+25 })
		placed, err := s.place(s.subscribers[0], "+15129104114")
		if err == nil {
			require.Contains(t, []int{201, 503, 504}, placed.status, "%s", placed.body)
		}
		<-time.After(time.Duration(random.IntN(400)) * time.Millisecond)
		p.kill()
		<-rung
		traffic := "demo"
		if cycle == cycles-1 {
			traffic = "none"
		}
		p = run(t, anywhere(traffic), "serve", "--data-dir", data)
		s.process = p
	}
	l.wait(t, "the end of every call", func() bool { return len(l.open()) == 0 })
	l.audit(t)
	require.Empty(t, must(t, 200, "GET", s.api("/calls"), s.key, "").list(t))
	p.drain()
}

// twoProcesses starts a simulator of its own and an offhook that uses it.
type twoProcesses struct {
	*site
	simArgs []string
	simAddr string
	config  string
	data    string

	stopSimulator, restartSimulator func()
}

func apart(t *testing.T, l *ledger, n int) *twoProcesses {
	t.Helper()
	dir := t.TempDir()
	w := &twoProcesses{config: filepath.Join(dir, "offhook.yaml"), data: filepath.Join(dir, "data")}
	sim := run(t, nil, "simulate", "--listen", "127.0.0.1:0", "--subscribers", "8", "--calls-per-second", "0", "--write-config", w.config)
	w.simAddr = sim.addr("simulator")
	w.simArgs = []string{"simulate", "--listen", w.simAddr, "--subscribers", "8", "--calls-per-second", "0"}
	p := w.serve(t)
	lines, err := os.ReadFile(sim.addr("subscribers"))
	require.NoError(t, err)
	sum := must(t, 200, "POST", "http://"+p.addr("admin")+"/admin/subscribers", operator, string(lines)).json(t)
	require.EqualValues(t, 8, sum["created"], "%v", sum)
	w.site = connect(t, p, l, n)
	t.Cleanup(func() { sim.kill() })
	w.t = t
	w.stopSimulator = sim.kill
	w.restartSimulator = func() {
		sim.kill()
		sim = run(t, nil, w.simArgs...)
	}
	return w
}

func (w *twoProcesses) serve(t *testing.T) *process {
	return run(t, []string{"OFFHOOK_LISTEN=127.0.0.1:0", "OFFHOOK_ADMIN_LISTEN=127.0.0.1:0"}, "serve", "--config", w.config, "--data-dir", w.data)
}

func (w *twoProcesses) url(path string) string { return "http://" + w.simAddr + path }

func TestSimulatorKilledAndRestarted(t *testing.T) {
	l := newLedger(t)
	w := apart(t, l, 3)
	placed, err := w.place(w.subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.status, "%s", placed.body)
	call := placed.json(t)["call_id"].(string)
	w.until(call, "active")
	w.restartSimulator()
	w.until(call, "released")
	l.wait(t, "its end", func() bool { return len(l.open()) == 0 })
	for range poll(30 * time.Second) {
		if placed, err = w.place(w.subscribers[1], "+15129104114"); err == nil && placed.status == 201 {
			break
		}
	}
	require.Equal(t, 201, placed.status, "calls are placed again: %s", placed.body)
	w.until(placed.json(t)["call_id"].(string), "active")
	l.audit(t)
	w.drain()
}

// offhook is killed at any moment of an originate, and the app repeats its
// request with the same key until it is answered: one call is dialled.
func TestKilledDuringOriginateDialsOnce(t *testing.T) {
	l := newLedger(t)
	w := apart(t, l, 8)
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 12 {
		sub := w.subscribers[round%len(w.subscribers)]
		key := fmt.Sprint("round-", round)
		before := w.dials(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = w.place(sub, "+15129104114", "Idempotency-Key", key)
		}()
		<-time.After(time.Duration(random.IntN(25)) * time.Millisecond)
		w.kill()
		<-done
		w.process = w.serve(t)
		var settled answer
		for range poll(30 * time.Second) {
			var err error
			settled, err = w.place(sub, "+15129104114", "Idempotency-Key", key)
			if err == nil && settled.status != 504 && settled.status != 503 {
				break
			}
		}
		require.Contains(t, []int{201, 502}, settled.status, "%s", settled.body)
		dialled := w.dials(t) - before
		require.LessOrEqual(t, dialled, 1, "round %d", round)
		if settled.status == 201 {
			require.Equal(t, 1, dialled, "round %d: a 201 is a call", round)
			w.end(settled.json(t)["call_id"].(string))
		}
	}
	l.wait(t, "the end of every call", func() bool { return len(l.open()) == 0 })
	l.audit(t)
}

// end hangs up, and comes back while the provider is not reachable yet.
func (w *twoProcesses) end(call string) {
	w.t.Helper()
	for range poll(20 * time.Second) {
		ended, err := ask("DELETE", w.api("/calls/"+call), w.key, "")
		require.NoError(w.t, err)
		if ended.status != 503 {
			require.Equal(w.t, 204, ended.status, "%s", ended.body)
			return
		}
	}
}

func (w *twoProcesses) dials(t *testing.T) int {
	return int(must(t, 200, "GET", w.url("/simulator/stats"), "", "").json(t)["dials"].(float64))
}
