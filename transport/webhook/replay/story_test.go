package replay_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store"
	"offhook/store/storetest"
	"offhook/transport/webhook"
	"offhook/transport/webhook/replay"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is an app that lost its database once.
type receiver struct {
	t  *testing.T
	mu sync.Mutex

	got     map[string][]string // webhook-ids, by path; each with its body
	refuses string              // a webhook-id
	arrived chan struct{}
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	verify, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		r.t.Error(err)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil || verify.Verify(body, req.Header) != nil {
		r.t.Errorf("a request with a signature that does not verify: %v", err)
	}
	id := req.Header.Get("webhook-id")
	r.mu.Lock()
	defer r.mu.Unlock()
	if id == r.refuses {
		r.refuses = "" // the second time it is fine
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	sub, _, _ := cut(id)
	r.got[sub] = append(r.got[sub], id+" "+string(body))
	r.arrived <- struct{}{}
}

func cut(id string) (sub, number string, found bool) {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '-' {
			return id[:i], id[i+1:], true
		}
	}
	return id, "", false
}

func (r *receiver) wait(n int) {
	r.t.Helper()
	for range n {
		select {
		case <-r.arrived:
		case <-time.After(30 * time.Second):
			require.FailNow(r.t, "an event did not arrive")
		}
	}
}

// An app lost what it was told. Everything comes once more, over HTTP, from
// the store, signed and in order; the webhook-ids are those of the first time.
func TestAnAppThatLostItsEventsGetsThemAgain(t *testing.T) {
	const events = 12
	s, err := store.Open("data", store.Options{FS: vfs.NewMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20, Exit: func(int) {}})
	require.NoError(t, err)
	got := &receiver{t: t, got: map[string][]string{}, arrived: make(chan struct{}, 1000)}
	srv := httptest.NewServer(got)
	defer srv.Close()
	require.NoError(t, s.PutApp(&tenant.App{ID: "app", Calls: tenant.Receiver{URL: srv.URL, Secrets: []string{secret}}}))
	subs := []string{"alice", "bob", "carol"}
	for _, id := range subs {
		sub := storetest.Subscriber(id)
		var told []engine.Notification
		for n := uint64(1); n <= events; n++ {
			ev := storetest.Told("app", sub, n)
			ev.EventID, ev.Time = fmt.Sprintf("%s-%d", id, n), time.Now().UnixMilli()
			told = append(told, ev)
		}
		storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, told)
	}
	client := webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}})
	d := webhook.New(webhook.Config{Outbox: s, Tenants: s, Poster: client})
	d.Start()
	r := replay.New(replay.Config{Log: s, Tasks: s, Tenants: s, Lanes: d})
	require.NoError(t, r.Run())
	got.wait(len(subs) * events)

	got.mu.Lock()
	first := got.got
	got.got, got.refuses = map[string][]string{}, "bob-7"
	got.mu.Unlock()
	task, err := r.Start(replay.Range{App: "app", Kind: engine.StreamCalls})
	require.NoError(t, err)
	got.wait(len(subs) * events)
	require.Eventually(t, func() bool {
		task, _ = r.Task("app", task.ID)
		return task.State == replay.Done
	}, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, uint64(len(subs)*events), task.Delivered)
	got.mu.Lock()
	require.Equal(t, first, got.got, "the same ids, the same bodies, the same order")
	got.mu.Unlock()

	task, err = r.Start(replay.Range{App: "app", Kind: engine.StreamCalls, Subscriber: "Carol", From: 3, To: 4})
	require.NoError(t, err)
	got.wait(2)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, r.Stop(ctx))
	require.NoError(t, d.Stop(ctx))
	require.Len(t, r.Tasks("app"), 2)
	attempts, err := s.Attempts(engine.StreamOf("app", "bob", engine.StreamCalls), 7)
	require.NoError(t, err)
	require.Len(t, attempts, 3)
	require.True(t, attempts[1].Redelivery && attempts[2].Redelivery)
	require.Equal(t, 500, attempts[1].Status)
	require.NoError(t, s.Close())
}
