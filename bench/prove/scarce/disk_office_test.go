package scarce

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// office is an offhook on a disk that fills up, people who use it all the time,
// and a book of what they were answered.
type office struct {
	t        *testing.T
	w        *rig.Apart
	l        *rig.Ledger
	f        *rig.Follower
	client   *http.Client
	at       atomic.Pointer[string] // the app's URL
	stop     context.CancelFunc
	everyone sync.WaitGroup
	remotes  atomic.Int64

	mu       sync.Mutex
	acked    map[string]map[string]int // call -> what was acknowledged of it
	statuses map[string]int            // "POST 201"
	full     int                       // refusals for want of room
	problems []string
}

const officePhones = 8

// openOffice starts offhook with its data on v and everybody's work.
func openOffice(t *testing.T, v *volume, env ...string) *office {
	t.Helper()
	o := &office{
		t: t, l: rig.NewLedger(t), acked: map[string]map[string]int{}, statuses: map[string]int{},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second},
	}
	o.w = rig.Plain.Platform(t, officePhones)
	o.w.Data, o.w.Env = v.dir+"/data", env
	o.w.Begin(t, o.l, officePhones)
	for _, sub := range o.w.Subscribers {
		rig.Must(t, 200, "PUT", o.w.URL("/simulator/phones/"+sub["subscriber_id"].(string)), "", `{"answer_after_ms":20,"far_end_after_ms":20}`)
	}
	o.moved()
	o.f = rig.Follow(t, func() string { return *o.at.Load() + "/events" }, o.w.Key, nil)
	return o
}

func (o *office) moved() {
	at := o.w.API("")
	o.at.Store(&at)
}

// work begins: half of the people place calls, hold, resume and end them, and
// the other half is called from outside.
func (o *office) work() {
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	for i, sub := range o.w.Subscribers {
		random := rand.New(rand.NewPCG(7, uint64(i))) // #nosec G115 G404 -- a test
		if i%2 == 0 {
			o.everyone.Go(func() { o.places(ctx, sub, random) })
		} else {
			o.everyone.Go(func() { o.isCalled(ctx, sub, random) })
		}
	}
	o.t.Cleanup(o.rest)
}

// rest ends the work and waits for everybody.
func (o *office) rest() {
	if o.stop != nil {
		o.stop()
		o.everyone.Wait()
		o.stop = nil
	}
}

func (o *office) places(ctx context.Context, sub map[string]any, random *rand.Rand) {
	for n := 0; pause(ctx, time.Duration(5+random.IntN(30))*time.Millisecond); n++ {
		body := fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":"+1512%07d"}`, sub["subscriber_id"], sub["subscriber_number"], 3_000_000+o.remotes.Add(1))
		got, err := o.ask("POST", "/calls", body)
		if err != nil || got.Status != 201 {
			continue
		}
		var v struct {
			Call string `json:"call_id"`
		}
		if json.Unmarshal(got.Body, &v) != nil || v.Call == "" {
			o.problem("a 201 without a call: %s", got.Body)
			continue
		}
		o.noted(v.Call, "placed")
		for _, verb := range []string{"hold", "resume", "end"} {
			method, path := "PUT", "/calls/"+v.Call+"/"+verb
			if verb == "end" {
				method, path = "DELETE", "/calls/"+v.Call
			}
			if !pause(ctx, time.Duration(20+random.IntN(30))*time.Millisecond) {
				return
			}
			if got, err := o.ask(method, path, ""); err == nil && got.Status/100 == 2 {
				o.noted(v.Call, verb)
			}
		}
	}
}

// isCalled has people outside call, and hang up after a while: facts.
func (o *office) isCalled(ctx context.Context, sub map[string]any, random *rand.Rand) {
	for pause(ctx, time.Duration(20+random.IntN(30))*time.Millisecond) {
		made, err := rig.AskWith(o.client, "POST", o.w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512%07d"}`, sub["subscriber_id"], 4_000_000+o.remotes.Add(1)))
		if err != nil || made.Status != 201 {
			continue
		}
		call := made.JSON(o.t)["call_id"].(string)
		pause(ctx, 100*time.Millisecond)
		_, _ = rig.AskWith(o.client, "POST", o.w.URL("/simulator/calls/"+call+"/remote-hangup"), "", "")
	}
}

// ask asks as the app and holds every refusal against the contract.
func (o *office) ask(method, path, body string) (rig.Answer, error) {
	began := time.Now()
	got, err := rig.AskWith(o.client, method, *o.at.Load()+path, o.w.Key, body)
	if err != nil {
		return got, err // it ended, or it is being started
	}
	o.mu.Lock()
	o.statuses[fmt.Sprint(method, " ", got.Status)]++
	o.mu.Unlock()
	if took := time.Since(began); took > 15*time.Second {
		o.problem("%s took %v", method, took)
	}
	switch got.Status {
	case 503:
		o.refusal(got)
	case 200, 201, 204, 404, 409, 502, 504:
	default:
		o.problem("%s %s: %d: %s", method, path, got.Status, got.Body)
	}
	return got, nil
}

// refusal checks a 503.
func (o *office) refusal(got rig.Answer) {
	var v struct {
		Code, Detail string
	}
	seconds, err := strconv.Atoi(got.Header.Get("Retry-After"))
	if json.Unmarshal(got.Body, &v) != nil || err != nil || seconds < 1 || v.Code != "busy" && v.Code != "provider_unavailable" {
		o.problem("a 503 with Retry-After %q: %s", got.Header.Get("Retry-After"), got.Body)
	}
	if v.Code == "busy" {
		o.mu.Lock()
		o.full++
		o.mu.Unlock()
	}
}

func (o *office) refused() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.full
}

func (o *office) noted(call, verb string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.acked[call] == nil {
		o.acked[call] = map[string]int{}
	}
	o.acked[call][verb]++
}

// count is how often something was acknowledged.
func (o *office) count(verb string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, of := range o.acked {
		n += of[verb]
	}
	return n
}

func (o *office) problem(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.problems) < 50 {
		o.problems = append(o.problems, fmt.Sprintf(format, args...))
	}
}

// becomes is the state that an acknowledged command led to.
var becomes = map[string]string{"hold": "held", "resume": "active", "end": "released"}

// settle has everything end, and looks whether all that was acknowledged is
// there: every call, every command on it, and every event as the webhook and
// the stream brought it, 1 to n.
func (o *office) settle() {
	t := o.t
	o.rest()
	for range rig.Poll(40 * time.Second) {
		calls := rig.Must(t, 200, "GET", o.w.API("/calls"), o.w.Key, "").List(t)
		if len(calls) == 0 {
			break
		}
		for _, c := range calls {
			o.w.End(c["call_id"].(string))
		}
	}
	wait(t, "the end of every call", func() bool { return len(o.l.Open()) == 0 })
	wait(t, "as many events on the stream as on the webhook", func() bool { return o.f.Count() == o.l.Count() })
	var ours, theirs map[string]string
	for range rig.Poll(20 * time.Second) {
		if ours, theirs = o.w.Picture(); fmt.Sprint(ours) == fmt.Sprint(theirs) {
			break
		}
	}
	require.Equal(t, theirs, ours, "offhook knows what the platform knows")
	o.l.Audit(t)
	require.Empty(t, o.f.Problems())
	told := map[string]map[string]bool{}
	for _, stream := range o.l.Streams() {
		for _, d := range stream {
			if told[d.Call] == nil {
				told[d.Call] = map[string]bool{}
			}
			told[d.Call][d.State] = true
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	require.Empty(t, o.problems)
	require.NotEmpty(t, o.acked)
	for call, of := range o.acked {
		require.NotEmpty(t, told[call], "the call %s was acknowledged and the app was told nothing of it", call)
		for verb, state := range becomes {
			if of[verb] > 0 {
				require.True(t, told[call][state], "%s of the call %s was acknowledged, and the app was never told", verb, call)
			}
		}
	}
}

// pause waits; it is false when there is nothing to wait for any more.
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
