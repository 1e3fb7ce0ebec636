package stories

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

// follower reads an app's event log: the pages there are, then the stream. It
// comes back whenever it is cut off, with the last id it has.
type follower struct {
	key  string
	stop context.CancelFunc
	done chan struct{}

	mu       sync.Mutex
	url      string // of /events; changes with each start of the program
	cursor   string
	streams  map[string][]string // bodies by subscriber
	opened   int
	problems []string
}

func follow(t *testing.T, s *site) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{key: s.key, stop: stop, done: make(chan struct{}), streams: map[string][]string{}, url: s.api("/events")}
	page := must(t, 200, "GET", f.url+"?limit=1000", f.key, "")
	require.Empty(t, page.header.Get("Link"), "one page has it all")
	var bodies []json.RawMessage
	require.NoError(t, json.Unmarshal(page.body, &bodies))
	for _, b := range bodies {
		f.take(string(b))
	}
	f.cursor = page.header.Get("Events-Cursor")
	go func() {
		defer close(f.done)
		for range poll(10 * time.Minute) {
			if f.read(ctx); ctx.Err() != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { stop(); <-f.done })
	return f
}

// read follows the stream until it ends.
func (f *follower) read(ctx context.Context) {
	f.mu.Lock()
	url, cursor := f.url, f.cursor
	f.mu.Unlock()
	req, err := http.NewRequestWithContext(ctx, "GET", url+"/stream", nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+f.key)
	req.Header.Set("Last-Event-ID", cursor)
	resp, err := (&http.Client{Transport: client.Transport}).Do(req)
	if err != nil {
		return // it is down
	}
	defer resp.Body.Close()
	f.mu.Lock()
	if f.opened++; resp.StatusCode != 200 {
		f.problems = append(f.problems, resp.Status)
	}
	f.mu.Unlock()
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
				f.problems = append(f.problems, "a "+ev.Type)
			}
		}
		f.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (f *follower) take(body string) {
	var v struct {
		Subscriber string `json:"subscriber_id"`
		Sequence   string `json:"sequence_number"`
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || v.Sequence == "" {
		return // of the subscriber webhook
	}
	have := f.streams[v.Subscriber]
	if n, err := strconv.Atoi(v.Sequence); err != nil || n != len(have)+1 {
		f.problems = append(f.problems, fmt.Sprintf("%s #%s after #%d", v.Subscriber, v.Sequence, len(have)))
	}
	f.streams[v.Subscriber] = append(have, body)
}

func (f *follower) moved(s *site) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.url = s.api("/events")
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, s := range f.streams {
		n += len(s)
	}
	return n
}

// ring lets everybody take a call, until the program is gone.
func (s *site) ring(subscribers []map[string]any) {
	for i, sub := range subscribers {
		a, err := ask("POST", s.sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], i))
		var call struct {
			ID string `json:"call_id"`
		}
		if err != nil || json.Unmarshal(a.body, &call) != nil {
			return
		}
		_, _ = ask("POST", s.sim("/simulator/calls/"+call.ID+"/answer"), "", "")
	}
}

// kill -9 again and again: whoever comes back with its last id has, for every
// subscriber, 1 to n without a hole or a repeat, and the webhook's bodies.
func TestAStreamGoesOnBehindItsLastIDAfterKills(t *testing.T) {
	l := newLedger(t)
	data := t.TempDir()
	env := append(anywhere("none"), "OFFHOOK_EVENTS_HEARTBEAT=1s")
	p := run(t, env, "serve", "--data-dir", data)
	s := connect(t, p, l, 20)
	f := follow(t, s)
	const kills = 3
	for range kills {
		before := f.count()
		rung := make(chan struct{})
		go func() {
			defer close(rung)
			s.ring(s.subscribers[:20])
		}()
		l.wait(t, "traffic on the stream", func() bool { return f.count() >= before+25 })
		p.kill()
		<-rung
		p = run(t, env, "serve", "--data-dir", data)
		s.process = p
		f.moved(s)
	}
	l.wait(t, "the end of every call", func() bool { return len(l.open()) == 0 })
	l.wait(t, "as many events on the stream as on the webhook", func() bool { return f.count() == l.count() })
	l.audit(t)

	f.mu.Lock()
	require.Empty(t, f.problems)
	require.Equal(t, kills+1, f.opened)
	for sub, bodies := range f.streams {
		for i, body := range bodies {
			require.Equal(t, l.streams[sub][i].body, body, "%s #%d", sub, i+1)
		}
	}
	f.mu.Unlock()

	begin := time.Now()
	p.drain()
	require.Less(t, time.Since(begin), 10*time.Second, "an open stream does not keep the program from ending")
}
