package webhook

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/openapitest"
)

func prober(cfg ClientConfig) *Prober { return &Prober{Poster: NewClient(cfg)} }

func at(url string) tenant.Receiver {
	return tenant.Receiver{URL: url, Secrets: []string{testSecret}}
}

func TestATestEventIsSignedAndBelongsToNoStream(t *testing.T) {
	srv, seen := verifyingServer(t)
	now := time.UnixMilli(time.Now().UnixMilli())
	p := prober(ampleTimes())
	p.Now = func() time.Time { return now }
	r := at(srv.URL)
	for _, batch := range []bool{false, true} {
		r.Batch = batch
		out, id, err := p.Test(context.Background(), "app", engine.StreamCalls, r)
		require.NoError(t, err)
		require.Equal(t, Delivered, out.Class, "%v", out.Err)
		require.True(t, strings.HasPrefix(id, "evt_"))
		body := <-seen
		events := []map[string]any{{}}
		if batch {
			require.NoError(t, json.Unmarshal([]byte(body), &events))
			require.Len(t, events, 1)
		} else {
			require.NoError(t, json.Unmarshal([]byte(body), &events[0]))
		}
		require.Equal(t, map[string]any{"app_id": "app", "event_id": id, "type": "webhook.test", "timestamp": float64(now.UnixMilli())}, events[0])
	}
}

func TestAFailedTestIsAnOutcomeAndNotAnError(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	out, id, err := prober(ampleTimes()).Test(context.Background(), "app", 0, at(srv.URL))
	require.NoError(t, err)
	require.NotEmpty(t, id)
	require.Equal(t, 418, out.Status)
	require.Equal(t, "answered 418", out.reason())
}

// answering is a receiver that verifies and answers a challenge as it likes.
func answering(t *testing.T, answer func(w http.ResponseWriter, challenge string)) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		var ev struct {
			AppID     string `json:"app_id"`
			EventID   string `json:"event_id"`
			Type      string `json:"type"`
			Challenge string `json:"challenge"`
			Timestamp int64  `json:"timestamp"`
		}
		body, err := io.ReadAll(r.Body)
		verify, _ := NewVerifier(testSecret)
		if err != nil || json.Unmarshal(body, &ev) != nil || ev.AppID != "app" || ev.EventID != r.Header.Get("webhook-id") || ev.Timestamp == 0 ||
			ev.Type != "webhook.challenge" || len(ev.Challenge) != 43 || openapitest.Public().Sent("challenge", r.Header, body) != nil ||
			verify.Verify(time.Now(), ev.EventID, r.Header.Get("webhook-timestamp"), r.Header.Get("webhook-signature"), body) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		answer(w, ev.Challenge)
	}).URL
}

func TestWhoRepeatsTheChallengeIsBelieved(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, challenge string)
		ok     bool
	}{
		"as JSON": {func(w http.ResponseWriter, c string) {
			json.NewEncoder(w).Encode(map[string]any{"challenge": c, "more": 1})
		}, true},
		"as text":          {func(w http.ResponseWriter, c string) { io.WriteString(w, c) }, true},
		"with a line end":  {func(w http.ResponseWriter, c string) { io.WriteString(w, " "+c+"\r\n") }, true},
		"with another 2xx": {func(w http.ResponseWriter, c string) { w.WriteHeader(202); io.WriteString(w, c) }, true},
		"with nothing":     {func(w http.ResponseWriter, c string) {}, false},
		"with 204":         {func(w http.ResponseWriter, c string) { w.WriteHeader(204) }, false},
		"another text":     {func(w http.ResponseWriter, c string) { io.WriteString(w, c[1:]) }, false},
		"other JSON":       {func(w http.ResponseWriter, c string) { io.WriteString(w, `{"challenge":"`+c+`x"}`) }, false},
		"a list":           {func(w http.ResponseWriter, c string) { io.WriteString(w, `["`+c+`"]`) }, false},
		"empty JSON":       {func(w http.ResponseWriter, c string) { io.WriteString(w, `{}`) }, false},
		"within a page":    {func(w http.ResponseWriter, c string) { io.WriteString(w, "<p>"+c+"</p>") }, false},
		"and a failure":    {func(w http.ResponseWriter, c string) { w.WriteHeader(500); io.WriteString(w, c) }, false},
		"and a redirect": {func(w http.ResponseWriter, c string) {
			w.Header().Set("Location", "/")
			w.WriteHeader(302)
			io.WriteString(w, c)
		}, false},
		"behind four KiB": {func(w http.ResponseWriter, c string) { io.WriteString(w, strings.Repeat(" ", maxChallenge)+c) }, false},
		"before a long end": {func(w http.ResponseWriter, c string) {
			io.WriteString(w, `{"challenge":"`+c+`","secret":"`+strings.Repeat("x", 9000)+`"}`)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var challenge string
			err := prober(ampleTimes()).Challenge(context.Background(), "app", at(answering(t, func(w http.ResponseWriter, c string) {
				challenge = c
				tt.answer(w, c)
			})))
			require.NotEmpty(t, challenge)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrChallenge)
			require.NotContains(t, err.Error(), challenge[1:], "an answer is never quoted")
		})
	}
}

func TestEachChallengeIsAnother(t *testing.T) {
	seen := map[string]bool{}
	url := answering(t, func(w http.ResponseWriter, c string) { seen[c] = true; io.WriteString(w, c) })
	p := prober(ampleTimes())
	for range 10 {
		require.NoError(t, p.Challenge(context.Background(), "app", at(url)))
	}
	require.Len(t, seen, 10)
}

func TestHostileReceiversAreNotBelieved(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := prober(shortTimes()).Challenge(context.Background(), "app", at(raw(t, tt.do)))
			require.ErrorIs(t, err, ErrChallenge)
			require.NotContains(t, err.Error(), "xxx")
			require.Less(t, time.Since(began), 3*time.Second)
		})
	}
}

func TestAProbeThatCannotBeMadeSaysWhy(t *testing.T) {
	p := prober(ClientConfig{})
	_, _, err := p.Test(context.Background(), "app", engine.StreamCalls, at("https://10.0.0.1/"))
	require.ErrorIs(t, err, ErrBlocked)
	require.ErrorIs(t, p.Challenge(context.Background(), "app", at("http://hooks.example.com/")), ErrBlocked)
	require.Error(t, p.Challenge(context.Background(), "app", tenant.Receiver{URL: "https://hooks.example.com/"}))

	broken := errors.New("no entropy")
	p.Random = iotest.ErrReader(broken)
	require.ErrorIs(t, p.Challenge(context.Background(), "app", at("https://hooks.example.com/")), broken)
	_, _, err = p.Test(context.Background(), "app", engine.StreamCalls, at("https://hooks.example.com/"))
	require.ErrorIs(t, err, broken)
}

func TestProbesAreBoundedAndEndWithWhoAsked(t *testing.T) {
	arrived := make(chan struct{}, maxProbes)
	url := raw(t, func(_ net.Conn, r *bufio.Reader) {
		swallow(r)
		arrived <- struct{}{}
		io.Copy(io.Discard, r)
	})
	cfg := shortTimes()
	cfg.TotalTimeout = time.Minute
	p := prober(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, maxProbes)
	for range maxProbes {
		go func() { ended <- p.Challenge(ctx, "app", at(url)) }()
	}
	for range maxProbes {
		<-arrived
	}
	require.ErrorIs(t, p.Challenge(ctx, "app", at(url)), ErrBusy)
	_, _, err := p.Test(ctx, "app", engine.StreamCalls, at(url))
	require.ErrorIs(t, err, ErrBusy)
	cancel()
	for range maxProbes {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	_, _, err = p.Test(ctx, "app", engine.StreamCalls, at(url))
	require.ErrorIs(t, err, context.Canceled, "there is room again; but nobody waits")
}
