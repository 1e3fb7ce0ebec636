package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// floor is an office floor full of people, on a platform of its own, and an app
// that follows them and wants to hear everything.
type floor struct {
	*rig.Apart
	book *book

	mu   sync.Mutex
	free []person // nobody has asked for them yet
}

// person is a subscriber with a phone.
type person struct{ id, number, extension string }

// line is one call: as offhook names it, and as the platform does.
type line struct {
	person
	call, provider string
}

// newFloor starts it. story sets the switch up.
func newFloor(t *testing.T, people int, story string) *floor {
	f := &floor{book: newBook(t)}
	file := filepath.Join(t.TempDir(), "switch.txt")
	require.NoError(t, os.WriteFile(file, []byte(story), 0o600))
	f.Apart = rig.Checked.TwoProcesses(t, rig.NewLedger(t), people, people, "--scenario", file)
	rig.Must(t, 201, "PUT", f.Admin("/admin/apps/"+f.App+"/webhooks/subscriber"), rig.Operator, fmt.Sprintf(`{"url":%q}`, f.book.URL))
	rig.Must(t, 200, "PUT", f.Admin("/admin/apps/"+f.App+"/webhooks/calls"), rig.Operator, fmt.Sprintf(`{"url":%q,"extended_events":true}`, f.book.URL))
	for _, p := range rig.Must(t, 200, "GET", f.URL("/simulator/phones"), "", "").List(t) {
		f.free = append(f.free, person{p["subscriber_id"].(string), p["subscriber_number"].(string), p["extension"].(string)})
	}
	f.Followed(people)
	return f
}

// people are some nobody has asked for before. Their far ends answer at once,
// and so do their phones when the platform rings them for a call.
func (f *floor) people(t *testing.T, n int) []person {
	t.Helper()
	f.mu.Lock()
	require.GreaterOrEqual(t, len(f.free), n, "more people are needed")
	some := f.free[:n]
	f.free = f.free[n:]
	f.mu.Unlock()
	for _, p := range some {
		rig.Must(t, 200, "PUT", f.URL("/simulator/phones/"+p.id), "", `{"answer_after_ms":5,"far_end":"answer","far_end_after_ms":5}`)
	}
	return some
}

// ring has somebody from outside call, until offhook tells of it.
func (f *floor) ring(t *testing.T, p person) line {
	t.Helper()
	return f.find(t, p, f.begin(t, p, `"remote_number":"+442079460001","remote_name":"Riverside Dental"`))
}

// talk is ring, and the phone answers.
func (f *floor) talk(t *testing.T, p person) line {
	t.Helper()
	l := f.ring(t, p)
	f.does(t, l, "answer", "")
	f.told(t, l, "call.state", with{"state": "active"})
	return l
}

// between is one of the people calling another one, who answers.
func (f *floor) between(t *testing.T, from, to person) (caller, called line) {
	t.Helper()
	called = f.find(t, to, f.begin(t, to, fmt.Sprintf(`"remote_number":%q`, from.number)))
	peer, ok := f.truth(t, called)["peer_call_id"].(string)
	require.True(t, ok)
	caller = f.find(t, from, peer)
	f.does(t, called, "answer", "")
	f.told(t, called, "call.state", with{"state": "active"})
	f.told(t, caller, "call.state", with{"state": "active"})
	return caller, called
}

// begin asks the platform for a call, and returns its name for it.
func (f *floor) begin(t *testing.T, p person, more string) string {
	t.Helper()
	return rig.Must(t, 201, "POST", f.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,%s}`, p.id, more)).JSON(t)["call_id"].(string)
}

// find waits until offhook tells of a call of the platform.
func (f *floor) find(t *testing.T, p person, provider string) line {
	t.Helper()
	is := f.first(t, "the first event of a call", with{"provider_call_id": provider, "subscriber_id": p.id})
	return line{p, is["call_id"].(string), provider}
}

// first waits for the first event that has these members, of whatever call.
func (f *floor) first(t *testing.T, what string, has with) (body map[string]any) {
	t.Helper()
	f.book.until(t, what, func(all []event) bool {
		for _, e := range all {
			if body = e.body; has.is(body) {
				return true
			}
		}
		return false
	})
	return body
}

// does is what a phone or a far end does to a call, by itself.
func (f *floor) does(t *testing.T, l line, verb, body string) {
	t.Helper()
	rig.Must(t, 200, "POST", f.URL("/simulator/calls/"+l.provider+"/"+verb), "", body)
}

// truth is a call as the platform knows it; empty if it does not.
func (f *floor) truth(t *testing.T, l line) map[string]any {
	t.Helper()
	for _, c := range rig.Must(t, 200, "GET", f.URL("/simulator/calls"), "", "").List(t) {
		if c["call_id"] == l.provider {
			return c
		}
	}
	return nil
}

// until waits for what nobody is told of.
func (f *floor) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range rig.Poll(20 * time.Second) {
		if ok() {
			return
		}
	}
	t.Fatal("never: " + what)
}

// ask is a request of the app.
func (f *floor) ask(t *testing.T, status int, method, path, body string) rig.Answer {
	t.Helper()
	return rig.Must(t, status, method, f.API(path), f.Key, body)
}

// put asks something of a call.
func (f *floor) put(t *testing.T, l line, verb, body string) {
	t.Helper()
	f.ask(t, 204, "PUT", "/calls/"+l.call+"/"+verb, body)
}

// shown is the call as the app can read it now.
func (f *floor) shown(t *testing.T, l line) map[string]any {
	t.Helper()
	return f.ask(t, 200, "GET", "/calls/"+l.call, "").JSON(t)
}

// with are members a body has.
type with map[string]any

func (w with) in(t *testing.T, body map[string]any) {
	t.Helper()
	for name, value := range w {
		require.EqualValues(t, value, body[name], "%s of %v", name, body)
	}
}

func (w with) is(body map[string]any) bool {
	for name, value := range w {
		if fmt.Sprint(body[name]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

// told waits for an event of a call and returns it.
func (f *floor) told(t *testing.T, l line, typ string, has with) map[string]any {
	t.Helper()
	return f.book.told(t, l.call, typ, has)
}

// over waits for the end of a call: in the webhook, in the log and for whoever
// reads the call there is the same.
func (f *floor) over(t *testing.T, l line, has with) map[string]any {
	t.Helper()
	end := f.told(t, l, "call.state", with{"state": "released"})
	has.in(t, end)
	require.Empty(t, end["capabilities"], "nothing can be done with it any more")
	require.Contains(t, end, "talk_ms")
	has.in(t, f.shown(t, l))
	f.until(t, "the platform has no such call", func() bool { return f.truth(t, l) == nil })
	return end
}

// can are the capabilities of a call.
func can(body map[string]any) (all []string) {
	for _, c := range body["capabilities"].([]any) {
		all = append(all, c.(string))
	}
	return all
}

// event is one that arrived.
type event struct {
	body map[string]any
	text string
}

// book is a webhook receiver that writes down what it is told, and sees to it
// that nothing is missing.
type book struct {
	*httptest.Server

	mu       sync.Mutex
	events   []event
	numbers  map[string]int // by subscriber
	problems []string
	changed  chan struct{} // closed and made anew with each event
}

func newBook(t *testing.T) *book {
	b := &book{numbers: map[string]int{}, changed: make(chan struct{})}
	b.Server = httptest.NewServer(http.HandlerFunc(b.receive))
	t.Cleanup(b.Close)
	return b
}

func (b *book) receive(_ http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var e event
	if err == nil {
		err = json.Unmarshal(text, &e.body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.problems = append(b.problems, err.Error())
		return
	}
	e.text = string(text)
	if number, ok := e.body["sequence_number"].(string); ok {
		subscriber := fmt.Sprint(e.body["subscriber_id"])
		n, err := strconv.Atoi(number)
		switch have := b.numbers[subscriber]; {
		case err != nil || n > have+1:
			b.problems = append(b.problems, fmt.Sprintf("%s: %s after %d", subscriber, number, have))
		case n <= have:
			return // once more
		}
		b.numbers[subscriber] = n
	}
	b.events = append(b.events, e)
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *book) until(t *testing.T, what string, ok func([]event) bool) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		events, changed := b.events, b.changed
		b.mu.Unlock()
		if ok(events) {
			return
		}
		select {
		case <-changed:
		case <-limit:
			for _, e := range events[max(0, len(events)-40):] {
				t.Log(e.text)
			}
			t.Fatal("never: " + what)
		}
	}
}

func (b *book) told(t *testing.T, call, typ string, has with) (body map[string]any) {
	t.Helper()
	b.until(t, fmt.Sprintf("%s of %s with %v", typ, call, has), func(all []event) bool {
		for _, e := range all {
			if e.body["call_id"] == call && e.body["type"] == typ && has.is(e.body) {
				body = e.body
				return true
			}
		}
		return false
	})
	return body
}
