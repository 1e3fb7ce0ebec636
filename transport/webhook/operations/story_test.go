package operations_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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
	"offhook/transport/webhook/operations"
)

const (
	appSecret      = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	operatorSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
)

// told is one message that arrived.
type told struct {
	To      string `json:"-"`
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	AppID   string `json:"app_id"`
	AppName string `json:"app_name"`
	Webhook string `json:"webhook"`
	Reason  string `json:"reason"`
}

// inbox is a receiver of operational webhooks that checks each signature.
func inbox(t *testing.T, name, secret string, into chan<- told) *httptest.Server {
	verify, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verify.Verify(body, r.Header)
		}
		m := told{To: name}
		if err == nil {
			err = json.Unmarshal(body, &m)
		}
		if err != nil || m.EventID != r.Header.Get("webhook-id") {
			t.Errorf("%s: %v in %s", name, err, body)
		}
		into <- m
	}))
	t.Cleanup(srv.Close)
	return srv
}

// A receiver says 410 and is disabled. Its app and the operator are told, over
// HTTP, signed; and again when a person has enabled it and it takes events.
func TestTheAppAndTheOperatorHearOfADisabledWebhook(t *testing.T) {
	s, err := store.Open("data", store.Options{FS: vfs.NewMem(), SweepEvery: -1, CacheBytes: 1 << 20, MemTable: 4 << 20, Exit: func(int) {}})
	require.NoError(t, err)
	var gone atomic.Bool
	gone.Store(true)
	calls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if gone.Load() {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer calls.Close()
	arrived := make(chan told, 10)
	ofApp, ofOperator := inbox(t, "app", appSecret, arrived), inbox(t, "operator", operatorSecret, arrived)
	require.NoError(t, s.PutApp(&tenant.App{
		ID: "app", Name: "Dialler", Calls: tenant.Receiver{URL: calls.URL + "/calls?token=hidden", Secrets: []string{appSecret}},
		Operations: tenant.Receiver{URL: ofApp.URL, Secrets: []string{appSecret}},
	}))
	client := webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}})
	var d *webhook.Dispatcher
	tell := operations.New(operations.Config{
		Tenants: s, Poster: client, OperatorPoster: client, LookEvery: 10 * time.Millisecond,
		Operator: tenant.Receiver{URL: ofOperator.URL, Secrets: []string{operatorSecret}},
		Status:   func(app string, kind engine.StreamKind) (webhook.Status, bool) { return d.StatusOf(app, kind) },
	})
	d = webhook.New(webhook.Config{Outbox: s, Tenants: s, Poster: client, Notice: tell.Tell})
	sub := storetest.Subscriber("alice")
	ev := storetest.Told("app", sub, 1)
	ev.Time = time.Now().UnixMilli()
	storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, []engine.Notification{ev})
	tell.Start()
	d.Start()

	hear := func(want string) {
		t.Helper()
		names := map[string]string{}
		for range 2 {
			select {
			case m := <-arrived:
				require.Equal(t, []string{want, "app", "calls"}, []string{m.Type, m.AppID, m.Webhook})
				require.NotContains(t, m.Reason, "hidden")
				names[m.To] = m.AppName
			case <-time.After(30 * time.Second):
				require.FailNow(t, "nobody was told", want)
			}
		}
		require.Equal(t, map[string]string{"app": "", "operator": "Dialler"}, names)
	}
	hear("endpoint.disabled")
	gone.Store(false)
	require.Eventually(t, func() bool { // once it is written down that it was disabled
		a, _ := s.App("app")
		return a.Calls.Disabled != ""
	}, 30*time.Second, 5*time.Millisecond)
	_, err = s.ChangeApp("app", func(was *tenant.App) (*tenant.App, error) {
		r := was.Calls
		r.Disabled = ""
		return was.With(engine.StreamCalls, r), nil
	})
	require.NoError(t, err)
	d.Resume("app", engine.StreamCalls) // as the API does: both changes may have come to the dispatcher as one
	hear("endpoint.recovered")

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, d.Stop(ctx))
	require.NoError(t, tell.Stop(ctx))
	require.NoError(t, s.Close())
}
