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

	"offhook/bench/prove/rig"
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

func follow(t *testing.T, s *rig.Site) *follower {
	ctx, stop := context.WithCancel(context.Background())
	f := &follower{key: s.Key, stop: stop, done: make(chan struct{}), streams: map[string][]string{}, url: s.API("/events")}
	page := rig.Must(t, 200, "GET", f.url+"?limit=1000", f.key, "")
	require.Empty(t, page.Header.Get("Link"), "one page has it all")
	var bodies []json.RawMessage
	require.NoError(t, json.Unmarshal(page.Body, &bodies))
	for _, b := range bodies {
		f.take(string(b))
	}
	f.cursor = page.Header.Get("Events-Cursor")
	go func() {
		defer close(f.done)
		for range rig.Poll(10 * time.Minute) {
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
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
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

func (f *follower) moved(s *rig.Site) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.url = s.API("/events")
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

// kill -9 again and again: whoever comes back with its last id has, for every
// subscriber, 1 to n without a hole or a repeat, and the webhook's bodies.
func TestAStreamGoesOnBehindItsLastIDAfterKills(t *testing.T) {
	l := rig.NewLedger(t)
	data := t.TempDir()
	env := append(rig.Anywhere("none"), "OFFHOOK_EVENTS_HEARTBEAT=1s")
	p := rig.Run(t, env, "serve", "--data-dir", data)
	s := rig.Connect(t, p, l, 20)
	s.Followed(len(s.Subscribers))
	f := follow(t, s)
	const kills = 3
	for range kills {
		before := f.count()
		rung := make(chan struct{})
		go func() {
			defer close(rung)
			s.Ring(s.Subscribers[:20])
		}()
		l.Wait(t, "traffic on the stream", func() bool { return f.count() >= before+25 })
		p.Kill()
		<-rung
		p = rig.Run(t, env, "serve", "--data-dir", data)
		s.Process = p
		f.moved(s)
	}
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 })
	l.Wait(t, "as many events on the stream as on the webhook", func() bool { return f.count() == l.Count() })
	l.Audit(t)

	f.mu.Lock()
	require.Empty(t, f.problems)
	require.Equal(t, kills+1, f.opened)
	for sub, bodies := range f.streams {
		for i, body := range bodies {
			require.Equal(t, l.Streams()[sub][i].Body, body, "%s #%d", sub, i+1)
		}
	}
	f.mu.Unlock()

	begin := time.Now()
	p.Drain()
	require.Less(t, time.Since(begin), 10*time.Second, "an open stream does not keep the program from ending")
}
