package overload

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

const mega = 1 << 20

// storeMemory is what the store takes at most, whatever happens: its cache, and
// as many memtables as may wait for the disk before writes do, of 64 MB each.
const storeMemory = (1 + 4) * 64 * mega

// knob reads a number from the environment.
func knob(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	require.NoError(t, err, name)
	return n
}

// seconds is how long ten times as much is offered.
func seconds(t *testing.T) time.Duration {
	t.Helper()
	return time.Duration(knob(t, "OFFHOOK_OVERLOAD_SECONDS", 5)) * time.Second
}

// begin starts a platform and an offhook with an app for all its phones, which
// are followed when it returns: before, what is asked for is confirmed by
// asking the platform again, which is slower. tuning is how the platform is
// treated, in YAML.
func begin(t *testing.T, l *rig.Ledger, phones int, tuning string, env ...string) *rig.Apart {
	t.Helper()
	w := rig.Plain.Platform(t, phones)
	w.Env = env
	text, err := os.ReadFile(w.Config)
	require.NoError(t, err)
	const at = "    broadworks:\n"
	require.Contains(t, string(text), at)
	tuned := strings.Replace(string(text), at, at+"      tuning: { subscriptions_per_second: 1000, "+tuning+" }\n", 1)
	require.NoError(t, os.WriteFile(w.Config, []byte(tuned), 0o600))
	w.Begin(t, l, phones)
	for range rig.Poll(30 * time.Second) {
		if metric(w, "offhook_broadworks_users", `kind="subscribed"`) >= float64(phones) {
			return w
		}
	}
	t.Fatal("not all phones are followed")
	return nil
}

// addApp registers another app that follows some of the subscribers, with a
// webhook if there is a URL.
func addApp(w *rig.Apart, name, url string, subs []map[string]any) (app, key string) {
	w.T.Helper()
	asked := map[string]any{"name": name}
	if url != "" {
		asked["calls_webhook"] = map[string]string{"url": url}
	}
	body, err := json.Marshal(asked)
	require.NoError(w.T, err)
	made := rig.Must(w.T, 201, "POST", w.Admin("/admin/apps"), rig.Operator, string(body)).JSON(w.T)
	app, key = made["app_id"].(string), made["api_key"].(string)
	for _, sub := range subs {
		rig.Must(w.T, 204, "PUT", w.Admin("/admin/apps/"+app+"/subscribers/"+sub["subscriber_id"].(string)), rig.Operator, "")
	}
	return app, key
}

// metric sums what /metrics says of a name, for the labels that are given.
func metric(w *rig.Apart, name string, labels ...string) (sum float64) {
	w.T.Helper()
	for row := range bytes.Lines(rig.Must(w.T, 200, "GET", w.Admin("/metrics"), "", "").Body) {
		series, value, _ := strings.Cut(strings.TrimSpace(string(row)), " ")
		if had, _, _ := strings.Cut(series, "{"); had != name {
			continue
		}
		fits := true
		for _, label := range labels {
			fits = fits && strings.Contains(series, label)
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil && fits {
			sum += v
		}
	}
	return sum
}

// phones sets how all phones and far ends behave.
func phones(w *rig.Apart, behave string) {
	w.T.Helper()
	l := newLine(w.SimAddr, "127.0.0.1", "")
	defer l.hangUp()
	for _, sub := range w.Subscribers {
		a, err := l.ask("PUT", "/simulator/phones/"+sub["subscriber_id"].(string), behave)
		require.NoError(w.T, err)
		require.Equal(w.T, 200, a.status, "%s", a.body)
	}
}

// live is how much of the heap is in use, after a collection.
func live(w *rig.Apart) int64 {
	w.T.Helper()
	rig.Must(w.T, 200, "GET", w.Admin("/debug/pprof/heap?gc=1"), rig.Operator, "")
	return int64(metric(w, "go_memstats_heap_alloc_bytes"))
}

// memory watches the resident memory of offhook.
type memory struct {
	idle, most int64
	stop       chan struct{}
	done       sync.WaitGroup
}

// watch begins with what is used now, after a collection.
func watch(w *rig.Apart) *memory {
	w.T.Helper()
	live(w)
	m := &memory{idle: resident(w), stop: make(chan struct{})}
	m.most = m.idle
	m.done.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-m.stop:
				return
			case <-tick.C:
				m.most = max(m.most, resident(w))
			}
		}
	})
	return m
}

// grew is by how much memory had grown at its worst.
func (m *memory) grew() int64 {
	close(m.stop)
	m.done.Wait()
	return m.most - m.idle
}

// resident is the resident memory of offhook; 0 if it is gone.
func resident(w *rig.Apart) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.PID()))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
