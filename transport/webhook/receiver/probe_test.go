package receiver

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

func TestATestEventBelongsToNoStream(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.FromOne = true })
	const test = `{"app_id":"app","event_id":"evt_t","type":"webhook.test","timestamp":1533331051226}`
	for range 2 {
		require.Equal(t, 200, h.post("evt_t", test))
		require.Equal(t, Test, h.told[len(h.told)-1].Class)
	}
	require.Equal(t, 200, h.post("evt_t", "["+test+"]"))
	require.Equal(t, 200, h.post("evt_1", call("app", "alice", 1, "")))
	require.Equal(t, Counts{Requests: 4, Events: 1, Streams: 1, Tests: 3}, h.Counts())
	require.Zero(t, h.Counts().Faults())
}

func TestAChallengeIsAnsweredWhateverElseFails(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Misbehave = Misbehaviour{FailRate: 1, DropRate: 1, Delay: time.Hour} })
	const challenge = `{"app_id":"app","event_id":"evt_c","type":"webhook.challenge","challenge":"abc-_1","timestamp":1533331051226}`
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(t, secret, "evt_c", time.Now(), challenge))
	require.Equal(t, 200, w.Code)
	require.Equal(t, "abc-_1", w.Body.String())
	require.Equal(t, Challenge, h.told[0].Class)
	require.Equal(t, Counts{Requests: 1, Challenges: 1}, h.Counts())

	w = httptest.NewRecorder()
	h.ServeHTTP(w, request(t, stranger, "evt_c", time.Now(), challenge))
	require.Equal(t, 401, w.Code)
	require.NotContains(t, w.Body.String(), "abc-_1", "who cannot sign learns nothing")
	require.Equal(t, 1, h.Counts().Unverified)
}

func TestAChallengeWithoutOneIsMalformed(t *testing.T) {
	h := newHouse(t, nil)
	require.Equal(t, 400, h.post("evt_c", `{"event_id":"evt_c","type":"webhook.challenge"}`))
	require.Equal(t, 1, h.Counts().Malformed)
}

// The prober and the receiver understand each other.
func TestTheProberIsAnswered(t *testing.T) {
	h := newHouse(t, nil)
	srv := httptest.NewServer(h)
	defer srv.Close()
	prober := &webhook.Prober{Poster: webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}})}
	r := tenant.Receiver{URL: srv.URL, Secrets: []string{secret}}
	require.NoError(t, prober.Challenge(context.Background(), "app", r))
	for _, r.Batch = range []bool{false, true} {
		out, id, err := prober.Test(context.Background(), "app", engine.StreamCalls, r)
		require.NoError(t, err)
		require.Equal(t, webhook.Delivered, out.Class)
		require.Equal(t, id, h.told[len(h.told)-1].ID)
	}
	require.Equal(t, Counts{Requests: 3, Tests: 2, Challenges: 1}, h.Counts())
	r.Secrets = []string{stranger}
	require.ErrorIs(t, prober.Challenge(context.Background(), "app", r), webhook.ErrChallenge)
}
