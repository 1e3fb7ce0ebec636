package scarce

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

const mega = 1 << 20

// Somebody else's file eats the disk of the data directory. Before it is full
// offhook refuses what writes and says when to come back, reads go on, what is
// waiting is delivered, and the process lives, also when hardly anything is
// left. When the file is gone all is as before within seconds, and nothing that
// was acknowledged is lost.
func TestAFullDiskRefusesWritesAndKeepsReading(t *testing.T) {
	v, ok := mount(t, "64m")
	if !ok {
		return // TestADiskThatFillsUp attacks there too
	}
	row := report.Attack(t, report.Refusals, "a disk that fills up under the real program", "requests")
	o := openOffice(t, v)
	o.work()
	wait(t, "calls are placed", func() bool { return o.count("end") >= 20 })
	require.Zero(t, o.refused())

	o.l.Refuse(func(n int) bool { return n%2 == 0 }) // so that something waits
	v.fill(t, 4*mega)                                // the low mark of so small a disk is a tenth of it
	began := time.Now()
	wait(t, "what writes is refused", func() bool { return o.refused() > 0 })
	shed := time.Since(began)
	free := v.free(t)
	o.short("4 MiB are left")
	o.l.Refuse(nil)
	wait(t, "what waits is delivered", func() bool { return o.waiting() == 0 })
	refused := o.refused()
	wait(t, "more is refused", func() bool { return o.refused() >= refused+40 })
	used := int64(free) - int64(v.free(t)) // #nosec G115 -- a small disk

	v.fill(t, mega/2) // below a quarter of the mark nothing is written that can wait
	wait(t, "offhook sees it", func() bool { return o.metric("offhook_store_free_bytes") <= mega })
	wait(t, "what was under way is delivered", func() bool { return o.waiting() == 0 })
	placed, told := o.count("placed"), o.l.Count()
	refused = o.refused()
	wait(t, "more is refused", func() bool { return o.refused() >= refused+40 })
	o.short("half a MiB is left")
	require.Equal(t, placed, o.count("placed"), "nothing is placed meanwhile")
	require.Equal(t, told, o.l.Count(), "and nothing that happens is taken in")

	v.clear(t)
	began = time.Now()
	before := o.count("placed")
	wait(t, "a call is placed again", func() bool { return o.count("placed") > before })
	back := time.Since(began)
	require.Less(t, back, 10*time.Second)
	require.Equal(t, 200, o.admin("GET", "/readyz").Status)
	require.Equal(t, 0.0, o.metric("offhook_store_shedding"))
	wait(t, "calls go on", func() bool { return o.count("end") > 0 && o.count("placed") > before+5 })
	o.settle()
	said := o.w.Output()
	require.Equal(t, 1, strings.Count(said, "the disk is nearly full"), "one line when it begins")
	require.Equal(t, 1, strings.Count(said, "there is room on the disk again"), "and one when it ends")
	row.Add(o.asked())
	row.Note("refused after %v, back after %v; %d refused with Retry-After, %d calls and %d events kept; %d KiB of the reserve used", shed.Round(time.Millisecond), back.Round(time.Millisecond), o.refused(), o.count("placed"), o.l.Count(), used>>10)
	t.Log(o.statuses)
	o.w.Drain()
}

// short looks at everything that a nearly full disk shows.
func (o *office) short(when string) {
	t := o.t
	t.Helper()
	sub := o.w.Subscribers[0]["subscriber_id"].(string)
	ready := o.admin("GET", "/readyz")
	require.Equal(t, 503, ready.Status, "%s: %s", when, ready.Body)
	require.Contains(t, string(ready.Body), "the disk of the data directory is nearly full")
	require.Equal(t, 200, o.admin("GET", "/healthz").Status, when)
	require.Equal(t, 1.0, o.metric("offhook_store_shedding"), when)
	require.Less(t, o.metric("offhook_store_free_bytes"), 6.5*mega, when)
	for _, ask := range []struct{ method, path, body string }{
		{"POST", "/admin/apps", `{"name":"another"}`},
		{"PUT", "/admin/apps/" + o.w.App + "/subscribers/" + sub, ""},
		{"DELETE", "/admin/apps/" + o.w.App + "/subscribers/" + sub, ""},
		{"PUT", "/admin/subscribers/" + sub, `{"subscriber_name":"Another"}`},
		{"POST", "/admin/subscribers", `{"subscriber_id":"x"}`},
		{"PUT", "/admin/apps/" + o.w.App + "/webhooks/calls", fmt.Sprintf(`{"url":%q}`, o.l.URL)},
		{"PUT", "/admin/apps/" + o.w.App + "/webhooks/calls/pause", ""},
	} {
		got, err := rig.Ask(ask.method, o.w.Admin(ask.path), rig.Operator, ask.body)
		require.NoError(t, err)
		require.Equal(t, 503, got.Status, "%s: %s %s: %s", when, ask.method, ask.path, got.Body)
		o.refusal(got)
	}
	for _, path := range []string{"/calls", "/subscribers", "/subscribers/" + sub, "/subscribers/" + sub + "/calls", "/events", "/webhooks/calls/attempts"} {
		got, err := o.ask("GET", path, "")
		require.NoError(t, err)
		require.Equal(t, 200, got.Status, "%s: GET %s: %s", when, path, got.Body)
	}
	o.mu.Lock()
	var call string
	for c := range o.acked {
		call = c
		break
	}
	o.mu.Unlock()
	got, err := o.ask("GET", "/calls/"+call, "")
	require.NoError(t, err)
	require.Equal(t, 200, got.Status, "%s: a call that was acknowledged: %s", when, got.Body)
	select {
	case <-o.w.Ended():
		require.Fail(t, "the process ended", "%s: %s", when, o.w.Output())
	default:
	}
}

// When it gets full all the same, the process ends at once and says why; with
// room it starts again and has everything it acknowledged.
func TestADiskThatIsFullAllTheSameEndsTheProcess(t *testing.T) {
	v, ok := mount(t, "64m")
	if !ok {
		return // TestADiskThatFillsUp attacks there too
	}
	row := report.Attack(t, report.Durable, "no room for the next write of the real program", "ends")
	o := openOffice(t, v, "OFFHOOK_SPACE_LOW=0%") // nobody watches
	o.work()
	var restarts []time.Duration
	for range 3 {
		before := o.count("end")
		wait(t, "calls are placed", func() bool { return o.count("end") >= before+10 })
		v.fill(t, 0)
		o.ends()
		o.startsWithoutRoom()
		v.clear(t)
		o.w.Process = o.w.Serve(t)
		o.moved()
		restarts = append(restarts, o.w.Ready)
		row.Add(1)
	}
	before := o.count("placed")
	wait(t, "a call is placed again", func() bool { return o.count("placed") > before })
	o.settle()
	row.Note("%d calls and %d events kept; up again in %v", o.count("placed"), o.l.Count(), restarts)
	o.w.Drain()
}

// startsWithoutRoom starts offhook while the disk is still full.
func (o *office) startsWithoutRoom() {
	o.t.Helper()
	p := o.w.Launch(o.t)
	select {
	case <-p.Ended():
	case <-time.After(30 * time.Second):
		require.Fail(o.t, "a start on a full disk hangs", p.Output())
	}
	require.Equal(o.t, 1, p.ExitCode(), p.Output())
	require.Contains(o.t, p.Output(), "make room first")
}

// ends waits for the end of the process.
func (o *office) ends() {
	o.t.Helper()
	select {
	case <-o.w.Ended():
	case <-time.After(30 * time.Second):
		require.Fail(o.t, "the process goes on with a full disk")
	}
	require.Equal(o.t, 1, o.w.ExitCode())
	require.Contains(o.t, o.w.Output(), "the store cannot go on")
	require.Contains(o.t, o.w.Output(), "no space left on device")
	require.Less(o.t, len(o.w.Output()), 1<<20, "it says so once, not as fast as it can")
}

func (o *office) admin(method, path string) rig.Answer {
	o.t.Helper()
	got, err := rig.Ask(method, o.w.Admin(path), rig.Operator, "")
	require.NoError(o.t, err)
	return got
}

func (o *office) metric(name string) float64 {
	o.t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(o.admin("GET", "/metrics").Body)
	require.NotNil(o.t, m, name)
	n, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(o.t, err)
	return n
}

// waiting is how many events wait for delivery.
func (o *office) waiting() float64 { return o.metric("offhook_store_waiting_events") }

// asked is how many requests were answered.
func (o *office) asked() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, k := range o.statuses {
		n += k
	}
	return n
}

// wait waits for something, within a generous bound.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	began := time.Now()
	for range rig.Poll(30 * time.Second) {
		if ok() {
			t.Logf("%s after %v", what, time.Since(began))
			return
		}
	}
	require.Fail(t, what+" did not happen")
}
