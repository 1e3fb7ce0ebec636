package kill9

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// attack is one run: the processes, everybody who has to do with them, and the book.
type attack struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand // of the moments; callers have their own
	w      *rig.Apart
	l      *rig.Ledger
	f      *rig.Follower
	book   *book
	office *office
	client *http.Client
	times  times

	at      atomic.Pointer[bases]
	gate    sync.RWMutex    // held to read by whoever asks, to write while nobody may
	waiting chan string     // calls that ring at people, for those who answer
	rings   map[string]bool // subscribers who are called
	early   int             // starts that were cut off
	dials   int             // keys that the platform that runs now cannot have been asked to dial
}

// bases are the URLs of the offhook that runs.
type bases struct{ app, admin string }

const (
	phones  = 32
	callers = 12 // subscribers who place calls
	called  = 24 // up to here those who are called; the rest is the operator's
)

func begin(t *testing.T, seed uint64) *attack {
	a := &attack{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), book: newBook(), waiting: make(chan string, 64),
		l: rig.NewLeanLedger(t),
		// Nothing is asked again behind the back of those who count.
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second},
	}
	a.w = rig.Plain.TwoProcesses(t, a.l, phones, called)
	a.rings = map[string]bool{}
	for _, sub := range a.w.Subscribers[callers:called] {
		a.rings[sub["subscriber_id"].(string)] = true
	}
	a.l.Heard(a.heard)
	a.moved()
	a.quickPhones()
	a.f = rig.Follow(t, func() string { return a.at.Load().app + "/events" }, a.w.Key, a.book.live)
	a.office = newOffice(t, a)
	return a
}

// moved tells everybody where offhook is now.
func (a *attack) moved() {
	a.at.Store(&bases{app: a.w.API(""), admin: "http://" + a.w.Addr("admin")})
}

// serve starts offhook again, and everybody finds it.
func (a *attack) serve() {
	a.t.Helper()
	a.times.start()
	a.w.Process = a.w.Serve(a.t)
	a.times.up(a.w.Ready)
	a.moved()
}

func (a *attack) heard(d rig.Delivery) {
	a.times.hook()
	a.book.hook(d)
	if d.State == "ringing" && a.rings[d.Subscriber] {
		select {
		case a.waiting <- d.Call:
		default: // nobody has the time
		}
	}
}

// ask asks as the app.
func (a *attack) ask(method, path, body string, header ...string) (rig.Answer, error) {
	return rig.AskWith(a.client, method, a.at.Load().app+path, a.w.Key, body, header...)
}

// quickPhones has people lift and far ends answer at once.
func (a *attack) quickPhones() {
	a.t.Helper()
	for _, sub := range a.w.Subscribers {
		rig.Must(a.t, 200, "PUT", a.w.URL("/simulator/phones/"+sub["subscriber_id"].(string)), "", `{"answer_after_ms":30,"far_end_after_ms":30}`)
	}
}

// load begins everybody's work; stop ends it and waits for them.
func (a *attack) load() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i := range 4 {
		c := &caller{attack: a, name: fmt.Sprint("caller-", i), random: rand.New(rand.NewPCG(a.seed, uint64(i)+1))} // #nosec G115 -- a small number
		for s := i; s < callers; s += 4 {
			c.subs = append(c.subs, a.w.Subscribers[s])
		}
		all.Go(func() { c.place(ctx) })
		clerk := &caller{attack: a, name: fmt.Sprint("answerer-", i), random: rand.New(rand.NewPCG(a.seed, uint64(i)+11))} // #nosec G115 -- a small number
		all.Go(func() { clerk.answer(ctx) })
	}
	all.Go(func() { a.platform(ctx, rand.New(rand.NewPCG(a.seed, 21))) })
	all.Go(func() { a.office.work(ctx, rand.New(rand.NewPCG(a.seed, 31))) })
	return func() { cancel(); all.Wait() }
}

// platform has people outside call, and give up or hang up after a while.
func (a *attack) platform(ctx context.Context, random *rand.Rand) {
	var calls []string
	for n := 0; pause(ctx, 30*time.Millisecond); n++ {
		sub := a.w.Subscribers[callers+random.IntN(called-callers)]
		made, err := rig.AskWith(a.client, "POST", a.w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], n%10000))
		if err != nil || made.Status != 201 {
			continue // it is being killed
		}
		if calls = append(calls, made.JSON(a.t)["call_id"].(string)); len(calls) > 12 {
			_, _ = rig.AskWith(a.client, "POST", a.w.URL("/simulator/calls/"+calls[0]+"/remote-hangup"), "", "")
			calls = calls[1:]
		}
	}
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

// look holds what GET shows against what was acknowledged, while nobody asks for anything.
func (a *attack) look() {
	a.t.Helper()
	a.gate.Lock()
	defer a.gate.Unlock()
	truth := map[string]string{}
	for _, c := range a.w.Truth() {
		truth[c["call_id"].(string)] = c["state"].(string)
	}
	for _, call := range a.book.later() {
		got, err := a.ask("GET", "/calls/"+call, "")
		require.NoError(a.t, err)
		state, platform := fmt.Sprint("status ", got.Status), ""
		if got.Status == 200 {
			v := got.JSON(a.t)
			state, platform = v["state"].(string), truth[v["provider_call_id"].(string)]
		}
		a.book.shows(call, state, platform)
	}
	a.office.look()
}
