package rig

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/port"
)

// Apart is an offhook whose platform is a process of its own, which outlives it.
type Apart struct {
	*Site
	SimAddr string
	SimArgs []string // to start the simulator once more
	Config  string   // the file
	Data    string   // the directory
	Env     []string // of offhook, beside its addresses
	Limits  string   // of the shell (ulimit) that starts offhook; empty for none

	program *Program
	sim     *Process
}

// TwoProcesses starts a simulator with so many phones and an offhook that uses
// it, with an app for the first n of them. more are flags of the simulator.
func (prog *Program) TwoProcesses(t testing.TB, l *Ledger, phones, n int, more ...string) *Apart {
	t.Helper()
	w := prog.Platform(t, phones, more...)
	w.Begin(t, l, n)
	return w
}

// Platform starts a simulator, with the config for an offhook that uses it. Begin starts that.
func (prog *Program) Platform(t testing.TB, phones int, more ...string) *Apart {
	t.Helper()
	dir := t.TempDir()
	w := &Apart{program: prog, Config: filepath.Join(dir, "offhook.yaml"), Data: filepath.Join(dir, "data")}
	args := append([]string{"--subscribers", strconv.Itoa(phones), "--calls-per-second", "0"}, more...)
	listen, err := port.Free() // for RestartSimulator
	require.NoError(t, err)
	w.sim = prog.Run(t, nil, append([]string{"simulate", "--listen", listen, "--write-config", w.Config}, args...)...)
	w.SimAddr = w.sim.Addr("simulator")
	w.SimArgs = append([]string{"simulate", "--listen", w.SimAddr}, args...)
	return w
}

// Begin starts the offhook, provisions the platform's phones, and an app for the first n.
func (w *Apart) Begin(t testing.TB, l *Ledger, n int) {
	t.Helper()
	p := w.Serve(t)
	lines, err := os.ReadFile(w.sim.Addr("subscribers"))
	require.NoError(t, err)
	sum := Must(t, 200, "POST", "http://"+p.Addr("admin")+"/admin/subscribers", Operator, string(lines)).JSON(t)
	require.EqualValues(t, 0, len(sum["failed"].([]any)), "%v", sum)
	w.Site = Connect(t, p, l, n)
}

// Serve starts another offhook on the same data directory; assign it to Process.
func (w *Apart) Serve(t testing.TB) *Process {
	t.Helper()
	if w.Limits != "" {
		return w.program.Limited(t, w.Limits, w.env(), w.args()...).Await(t)
	}
	return w.program.Run(t, w.env(), w.args()...)
}

// Launch is Serve for one that need not come up.
func (w *Apart) Launch(t testing.TB) *Process {
	t.Helper()
	return w.program.Launch(t, w.env(), w.args()...)
}

func (w *Apart) env() []string {
	return append([]string{"OFFHOOK_LISTEN=127.0.0.1:0", "OFFHOOK_ADMIN_LISTEN=127.0.0.1:0"}, w.Env...)
}

func (w *Apart) args() []string {
	return []string{"serve", "--config", w.Config, "--data-dir", w.Data}
}

// StopSimulator kills the platform.
func (w *Apart) StopSimulator() { w.sim.Kill() }

// RestartSimulator kills the platform and starts it anew, without its calls.
func (w *Apart) RestartSimulator() {
	w.T.Helper()
	w.sim.Kill()
	w.sim = w.program.Run(w.T, nil, w.SimArgs...)
}

// URL is a path on the simulator's listener.
func (w *Apart) URL(path string) string { return "http://" + w.SimAddr + path }

// Truth is what the platform knows of calls.
func (w *Apart) Truth() []map[string]any {
	a, err := Ask("GET", w.URL("/simulator/calls"), "", "")
	if err != nil || a.Status != 200 {
		return nil
	}
	return a.List(w.T)
}

// Picture is every live call by the platform's id, as offhook and as the
// platform see it.
func (w *Apart) Picture() (ours, theirs map[string]string) {
	ours, theirs = map[string]string{}, map[string]string{}
	for _, c := range Must(w.T, 200, "GET", w.API("/calls"), w.Key, "").List(w.T) {
		ours[c["provider_call_id"].(string)] = fmt.Sprint(c["subscriber_id"], " ", c["state"])
	}
	for _, c := range w.Truth() {
		if s := c["state"].(string); s != "released" {
			theirs[c["call_id"].(string)] = fmt.Sprint(c["subscriber_id"], " ", s)
		}
	}
	return ours, theirs
}

// End hangs up, and comes back while the provider is not reachable yet.
func (w *Apart) End(call string) {
	w.T.Helper()
	for range Poll(20 * time.Second) {
		ended, err := Ask("DELETE", w.API("/calls/"+call), w.Key, "")
		require.NoError(w.T, err)
		if ended.Status != 503 {
			require.Equal(w.T, 204, ended.Status, "%s", ended.Body)
			return
		}
	}
}

// Dials is how many calls the platform was asked to place.
func (w *Apart) Dials() int {
	return int(Must(w.T, 200, "GET", w.URL("/simulator/stats"), "", "").JSON(w.T)["dials"].(float64))
}
