package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/transport/eventlog/eventlogtest"
)

// Follower reads an app's event log: the page there is, then the stream. It
// comes back whenever it is cut off, with the last id it has, and checks on the
// way in that the events of each subscriber are 1, 2, 3 without a hole or a repeat.
type Follower struct {
	events func() string // URL of the log; it may change with each start of the program
	key    string
	heard  func(Delivery)
	client *http.Client

	mu       sync.Mutex
	cursor   string
	next     map[string]int // by subscriber
	count    int
	opened   int
	problems []string
}

// Follow begins at the start of the log and goes on until t ends. heard, unless nil, is called with each event
// and must not block.
func Follow(t testing.TB, events func() string, key string, heard func(Delivery)) *Follower {
	t.Helper()
	f := &Follower{
		events: events, key: key, heard: heard, next: map[string]int{},
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	for next := events() + "?limit=1000"; next != ""; {
		page := Must(t, 200, "GET", next, key, "")
		var bodies []json.RawMessage
		require.NoError(t, json.Unmarshal(page.Body, &bodies))
		for _, b := range bodies {
			f.take(string(b))
		}
		f.cursor = page.Header.Get("Events-Cursor")
		if next = ""; page.Header.Get("Link") != "" {
			next = events() + "?limit=1000&after=" + f.cursor
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		again := time.NewTicker(10 * time.Millisecond)
		defer again.Stop()
		for ctx.Err() == nil {
			f.read(ctx)
			select {
			case <-again.C:
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	return f
}

// read follows the stream until it ends.
func (f *Follower) read(ctx context.Context) {
	f.mu.Lock()
	cursor := f.cursor
	f.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, "GET", f.events()+"/stream", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+f.key)
	req.Header.Set("Last-Event-ID", cursor)
	resp, err := f.client.Do(req)
	if err != nil {
		return // it is down
	}
	defer resp.Body.Close()
	f.mu.Lock()
	if f.opened++; resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		f.problem("the stream is answered with %s", resp.Status)
	}
	f.mu.Unlock()
	if resp.StatusCode != http.StatusOK {
		return
	}
	r := eventlogtest.NewReader(resp.Body, cursor)
	for {
		ev, err := r.Next()
		f.mu.Lock()
		f.cursor = r.LastID
		if err == nil {
			switch ev.Type {
			case "call.state", "subscriber.provisioned":
				f.take(ev.Data)
			default:
				f.problem("a %s on the stream", ev.Type)
			}
		}
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take notes an event; mu is held, or nobody else is there yet.
func (f *Follower) take(body string) {
	var d Delivery
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		f.problem("not JSON: %v", err)
		return
	}
	if d.Sequence == "" {
		return // of the subscriber webhook
	}
	if n, err := strconv.Atoi(d.Sequence); err != nil || n != f.next[d.Subscriber]+1 {
		f.problem("%s #%s after #%d", d.Subscriber, d.Sequence, f.next[d.Subscriber])
	}
	f.next[d.Subscriber]++
	f.count++
	if f.heard != nil {
		d.Body = body
		f.heard(d)
	}
}

func (f *Follower) problem(format string, args ...any) {
	if len(f.problems) < problemsKept {
		f.problems = append(f.problems, fmt.Sprintf(format, args...))
	}
}

// Count is how many events of calls came.
func (f *Follower) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Opened is how often the stream was opened.
func (f *Follower) Opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// Problems is what may not happen and did; the first hundred.
func (f *Follower) Problems() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.problems...)
}
