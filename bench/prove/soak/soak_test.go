package soak

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// knob reads a number from the environment.
func knob(t *testing.T, name string, otherwise float64) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(cmp.Or(os.Getenv(name), fmt.Sprint(otherwise)), 64)
	require.NoError(t, err, name)
	return v
}

const (
	warmUp    = 5 * time.Second // connections, pools and the first calls
	retention = time.Hour       // the shortest there is
	sweeps    = 5 * time.Minute // between two looks of the program at what is old
)

// run is one soak.
type run struct {
	t       *testing.T
	w       *rig.Apart
	l       *rig.Ledger
	began   time.Time
	ended   atomic.Int64 // calls that were told to be over
	samples []sample
}

// Steady traffic of calls leaves nothing behind: what the program uses does
// not grow with the calls that went through it.
func TestNothingGrowsWithTheCalls(t *testing.T) {
	long := time.Duration(knob(t, "OFFHOOK_SOAK_MINUTES", 1.0/3) * float64(time.Minute))
	rate := knob(t, "OFFHOOK_SOAK_RATE", 60)
	seed := uint64(knob(t, "OFFHOOK_SOAK_SEED", 3))
	flat := report.Attack(t, report.Flat, "a soak of the real program", "calls")
	ordered := report.Attack(t, report.Ordered, "a soak of the real program", "events")

	r := &run{t: t, l: rig.NewLeanLedger(t)}
	r.l.Heard(func(d rig.Delivery) {
		if d.State == "released" {
			r.ended.Add(1)
		}
	})
	phones := max(200, int(rate*8)) // a call takes about three seconds
	// The platform's story ends by itself; offhook is made ready meanwhile, on a
	// busy machine too.
	total := long + 10*time.Second + time.Duration(phones)*8*time.Millisecond
	story := filepath.Join(t.TempDir(), "traffic.txt")
	require.NoError(t, os.WriteFile(story, fmt.Appendf(nil, "call-duration 1500ms\n\n0s traffic %g\n+%v traffic 0\n", rate, total.Round(time.Second)), 0o600))
	over, told := context.WithTimeout(context.Background(), total)
	defer told()
	r.w = rig.Plain.Platform(t, phones, "--seed", fmt.Sprint(seed), "--scenario", story)
	r.w.Env = []string{"OFFHOOK_RETENTION=" + retention.String(), "OFFHOOK_RETENTION_HISTORY=" + retention.String()}
	r.w.Begin(t, r.l, phones)
	followers := []*rig.Follower{}
	for range 2 {
		followers = append(followers, rig.Follow(t, func() string { return r.w.API("/events") }, r.w.Key, nil))
	}
	stop := r.apps()
	r.watch(over, long)
	stop()
	<-over.Done()
	r.l.Wait(t, "the end of every call", func() bool { return len(r.l.Open()) == 0 })
	for _, f := range followers {
		r.l.Wait(t, "as many events on the stream as on the webhook", func() bool { return f.Count() == r.l.Count() })
		require.Empty(t, f.Problems())
	}
	r.l.Audit(t)
	r.w.Drain()

	ordered.Add(r.l.Count())
	ordered.Note("as webhooks and on %d streams; %d came again", len(followers), r.l.Repeats())
	flat.Add(int(r.ended.Load()))
	flat.Note("%s; %.0f calls/s, %d subscribers, %v; seed %d", r.judge(), rate, phones, long.Round(time.Second), seed)
	if path := os.Getenv("OFFHOOK_SOAK_PLOT"); path != "" {
		title := fmt.Sprintf("%d calls in %v, %d events, %d subscribers", r.ended.Load(), long.Round(time.Second), r.l.Count(), phones)
		require.NoError(t, os.WriteFile(path, []byte(draw(title, r.samples)), 0o600))
	}
}

// watch takes samples, and says every ten seconds how it goes.
func (r *run) watch(ctx context.Context, long time.Duration) {
	ctx, stop := context.WithTimeout(ctx, long)
	defer stop()
	r.began = time.Now()
	every := max(long/2000, time.Second/2)
	tick := time.NewTicker(every)
	defer tick.Stop()
	said, before := r.began, int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.w.Ended():
			r.t.Fatal("offhook ended")
		case <-tick.C:
		}
		ended := r.ended.Load()
		s := take(r.w, r.began, int(ended))
		if s.at > min(warmUp, long/4) {
			r.samples = append(r.samples, s)
		}
		if passed := time.Since(said); passed > 10*time.Second {
			r.t.Logf("%v: %d calls, %.0f/s, %.0f goroutines, %.0f descriptors, heap %.1f MB, disk %.0f MB, %d waiting, %d again", s.at.Round(time.Second), ended,
				float64(ended-before)/passed.Seconds(), s.use[goroutines], s.use[descriptors], s.use[heap], s.use[disk], len(r.l.Open()), r.l.Repeats())
			said, before = time.Now(), ended
		}
	}
}

// judge compares, prints the table and says it in one line.
func (r *run) judge() string {
	r.t.Helper()
	require.GreaterOrEqual(r.t, len(r.samples), 16, "enough to judge by")
	var table, line strings.Builder
	fmt.Fprintf(&table, "%-24s %12s %12s %12s\n", "", "2nd quarter", "last quarter", "most")
	for i, f := range figures {
		samples, name := r.samples, f.name+" "+f.unit
		scale, slack := func(sample) float64 { return 1 }, f.slack
		if i == disk {
			name, samples, scale, slack = r.disk()
		}
		var values []float64
		most := 0.0
		for _, s := range samples {
			values = append(values, s.use[i]*scale(s))
			most = max(most, values[len(values)-1])
		}
		before, after := drift(values)
		fmt.Fprintf(&table, "%-24s %12.1f %12.1f %12.1f\n", name, before, after, most)
		fmt.Fprintf(&line, "%s %.4g → %.4g, ", strings.TrimSpace(name), before, after)
		if err := grows(values, slack); err != nil {
			r.t.Errorf("%s grows: %v", name, err)
		}
	}
	r.t.Logf("%d calls, %d events\n%s", r.ended.Load(), r.l.Count(), &table)
	return strings.TrimSuffix(line.String(), ", ")
}

// disk is how the directory is judged: by its size once as much is forgotten as
// is written, and by what a call takes before that.
func (r *run) disk() (name string, samples []sample, scale func(sample) float64, slack float64) {
	var settled []sample
	for _, s := range r.samples {
		if s.at > retention+3*sweeps {
			settled = append(settled, s)
		}
	}
	if len(settled) >= len(r.samples)/3 {
		return "disk MB", settled, func(sample) float64 { return 1 }, figures[disk].slack
	}
	return "disk KB a call", r.samples, func(s sample) float64 { return 1024 / max(s.calls, 1) }, 1 + figures[disk].slack*1024/max(1, float64(r.ended.Load()))
}

// apps places calls through the API, with and without keys, holds, resumes and
// ends them; the platform's own traffic leaves the first three phones alone.
func (r *run) apps() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, sub := range r.w.Subscribers[:3] {
		rig.Must(r.t, 200, "PUT", r.w.URL("/simulator/phones/"+sub["subscriber_id"].(string)), "", `{"answer_after_ms":50,"far_end_after_ms":50}`)
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r.talk(ctx, sub, fmt.Sprintf("app-%d-%d", i, n), n%5 == 0)
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

func (r *run) talk(ctx context.Context, sub map[string]any, key string, keyed bool) {
	var header []string
	if keyed {
		header = []string{"Idempotency-Key", key}
	}
	placed, err := r.w.Place(sub, "+15129104114", header...)
	pause(ctx, 100*time.Millisecond)
	if err != nil || placed.Status != 201 {
		return // busy, or the platform is
	}
	call := r.w.API("/calls/" + placed.JSON(r.t)["call_id"].(string))
	for range 100 {
		got, err := rig.Ask("GET", call, r.w.Key, "")
		if err != nil || got.Status != 200 || got.JSON(r.t)["state"] == "active" || !pause(ctx, 50*time.Millisecond) {
			break
		}
	}
	_, _ = rig.Ask("PUT", call+"/hold", r.w.Key, "")
	_, _ = rig.Ask("PUT", call+"/resume", r.w.Key, "")
	_, _ = rig.Ask("DELETE", call, r.w.Key, "")
}

// pause waits; it is false if there is nothing to wait for any more.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
