package receiver

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret   = secretOf(7)
	another  = secretOf(8)
	stranger = secretOf(9)
)

func secretOf(b byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

// house is a receiver with a record of what it was told.
type house struct {
	*Receiver
	t    *testing.T
	told []Delivery
}

func newHouse(t *testing.T, change func(*Config)) *house {
	h := &house{t: t}
	cfg := Config{Secrets: []string{secret}, OnDelivery: func(d Delivery) { h.told = append(h.told, d) }}
	if change != nil {
		change(&cfg)
	}
	var err error
	h.Receiver, err = New(cfg)
	require.NoError(t, err)
	return h
}

// request is a webhook as a provider sends it, signed by the public library.
func request(t *testing.T, key, id string, at time.Time, body string) *http.Request {
	sign, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	signature, err := sign.Sign(id, at, []byte(body))
	require.NoError(t, err)
	req := httptest.NewRequest(http.MethodPost, "/hooks/calls", strings.NewReader(body))
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	return req
}

func (h *house) send(req *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code
}

func (h *house) post(id, body string) int {
	h.t.Helper()
	return h.send(request(h.t, secret, id, time.Now(), body))
}

// call is a body of the calls webhook: the specification's fields, then more.
func call(app, subscriber string, n int, more string) string {
	return fmt.Sprintf(`{"app_id":%q,"subscriber_id":%q,"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone",`+
		`"subscriber_account_id":"","remote_number":"+15129104114","remote_name":"Zilkr LLC","call_id":"callhalf-13467354071:0",`+
		`"sequence_number":"%d","direction":"incoming","state":"ringing","timestamp":1533331051226%s}`, app, subscriber, n, more)
}

func TestAGoodStreamHasNoFaults(t *testing.T) {
	h := newHouse(t, nil)
	for n := 1; n <= 40; n++ {
		require.Equal(t, 200, h.post(fmt.Sprint("evt_", n), call("app", "alice", n, `,"whatever":{"is":["new"]}`)))
	}
	require.Equal(t, Counts{Requests: 40, Events: 40, Streams: 1}, h.Counts())
	require.Zero(t, h.Counts().Faults())
	require.Equal(t, "ringing", h.told[0].Event.State)
	require.Equal(t, "evt_1", h.told[0].ID)
	require.False(t, h.told[0].At.IsZero())
}

func TestAnySecretOfARotationIsGood(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Secrets = []string{secret, another} })
	require.Equal(t, 200, h.send(request(t, another, "evt_1", time.Now(), call("app", "alice", 1, ""))))
	both := request(t, stranger, "evt_2", time.Now(), call("app", "alice", 2, ""))
	good := request(t, secret, "evt_2", time.Now(), call("app", "alice", 2, ""))
	both.Header.Set("webhook-timestamp", good.Header.Get("webhook-timestamp"))
	both.Header.Set("webhook-signature", both.Header.Get("webhook-signature")+" v1a,xyz "+good.Header.Get("webhook-signature"))
	require.Equal(t, 200, h.send(both))

	require.Equal(t, 401, h.send(request(t, stranger, "evt_3", time.Now(), call("app", "alice", 3, ""))))
	require.NoError(t, h.Trust(stranger))
	require.Equal(t, 200, h.send(request(t, stranger, "evt_3", time.Now(), call("app", "alice", 3, ""))))
	require.Error(t, h.Trust("whsec_c2hvcnQ="))
}

func TestWhatIsNotSignedIsNotTaken(t *testing.T) {
	now, body := time.Now(), call("app", "alice", 1, "")
	for name, change := range map[string]func(*http.Request){
		"another id":   func(r *http.Request) { r.Header.Set("webhook-id", "evt_2") },
		"no id":        func(r *http.Request) { r.Header.Del("webhook-id") },
		"another time": func(r *http.Request) { r.Header.Set("webhook-timestamp", fmt.Sprint(now.Unix()+1)) },
		"no time":      func(r *http.Request) { r.Header.Del("webhook-timestamp") },
		"no signature": func(r *http.Request) { r.Header.Del("webhook-signature") },
		"another body": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body + " ")) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			req := request(t, secret, "evt_1", now, body)
			change(req)
			require.Equal(t, 401, h.send(req))
			require.Equal(t, Counts{Requests: 1, Unverified: 1}, h.Counts())
			require.NotEmpty(t, h.told[0].Note)
			require.Nil(t, h.told[0].Event)
		})
	}
}

func TestTheToleranceIsConfigurable(t *testing.T) {
	for _, c := range []struct {
		tolerance, off time.Duration
		want           int
	}{{0, 4 * time.Minute, 200}, {0, 6 * time.Minute, 401}, {0, -6 * time.Minute, 401}, {time.Hour, -50 * time.Minute, 200}, {time.Second, 5 * time.Second, 401}} {
		h := newHouse(t, func(cfg *Config) { cfg.Tolerance = c.tolerance })
		require.Equal(t, c.want, h.send(request(t, secret, "evt_1", time.Now().Add(c.off), call("app", "alice", 1, ""))), "%v", c)
	}
}

func TestWhatIsNoWebhookAtAll(t *testing.T) {
	h := newHouse(t, nil)
	require.Equal(t, 405, h.send(httptest.NewRequest(http.MethodGet, "/", nil)))
	require.Equal(t, 413, h.send(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", maxBody+1)))))
	broken := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("{"), failing{}))
	require.Equal(t, 400, h.send(broken))
	require.Zero(t, h.Counts())
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the line is cut") }

func TestAFailedRequestWasNeverTaken(t *testing.T) {
	fail := func(seed uint64, status int) (codes []int, h *house) {
		h = newHouse(t, func(c *Config) { c.Misbehave = Misbehaviour{FailRate: 0.3, Status: status, Seed: seed} })
		for n := 1; n <= 50; {
			code := h.post(fmt.Sprint("evt_", n), call("app", "alice", n, ""))
			if codes = append(codes, code); code == 200 {
				n++
			}
		}
		return codes, h
	}
	codes, h := fail(1, 0)
	require.Contains(t, codes, 500)
	require.Equal(t, Counts{Requests: len(codes), Events: 50, Failed: len(codes) - 50, Streams: 1}, h.Counts())
	again, _ := fail(1, 0)
	require.Equal(t, codes, again, "the same seed, the same failures")
	other, _ := fail(2, 503)
	require.Contains(t, other, 503)
	require.NotContains(t, other, 500)
}

func TestADroppedConnectionWasTaken(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Misbehave.DropRate = 1 })
	server := httptest.NewServer(h)
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	for range 2 {
		req := request(t, secret, "evt_1", time.Now(), call("app", "alice", 1, ""))
		out, err := http.NewRequest(http.MethodPost, server.URL, req.Body)
		require.NoError(t, err)
		out.Header = req.Header
		_, err = client.Do(out)
		require.ErrorIs(t, err, io.EOF)
	}
	require.Equal(t, Counts{Requests: 2, Events: 1, Repeats: 1, Dropped: 2, Streams: 1}, h.Counts())
}

func TestADelayHoldsTheAnswerBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.Misbehave.Delay = 12 * time.Second })
		began := time.Now()
		require.Equal(t, 200, h.post("evt_1", call("app", "alice", 1, "")))
		require.Equal(t, 12*time.Second, time.Since(began))
	})
}

func TestWhoLeavesIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.Misbehave.Delay = time.Hour })
		began := time.Now()
		req := request(t, secret, "evt_1", began, call("app", "alice", 1, ""))
		ctx, gone := context.WithTimeout(req.Context(), 10*time.Second)
		defer gone()
		h.send(req.WithContext(ctx))
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 1, h.Counts().Events, "it was taken all the same")
	})
}

func TestMemoryIsBounded(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Streams, c.FromOne = 2, true })
	for _, s := range []struct {
		subscriber string
		n          int
	}{{"alice", 1}, {"bob", 1}, {"alice", 2}, {"carol", 1}, {"bob", 7}, {"carol", 2}} { // carol makes bob go, bob alice
		require.Equal(t, 200, h.post(fmt.Sprint("evt_", s.subscriber, s.n), call("app", s.subscriber, s.n, "")))
	}
	require.Equal(t, Counts{Requests: 6, Events: 6, Streams: 2, Forgotten: 2}, h.Counts(), "what was forgotten is not judged")
}

func TestConfigsThatCannotBe(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no secret":    {},
		"short secret": {Secrets: []string{"whsec_c2hvcnQ="}},
		"fail rate":    {Secrets: []string{secret}, Misbehave: Misbehaviour{FailRate: 1.1}},
		"no number":    {Secrets: []string{secret}, Misbehave: Misbehaviour{DropRate: math.NaN()}},
		"good status":  {Secrets: []string{secret}, Misbehave: Misbehaviour{Status: 204}},
		"delay":        {Secrets: []string{secret}, Misbehave: Misbehaviour{Delay: -1}},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, "webhook receiver", name)
		require.NotContains(t, err.Error(), "c2hvcnQ=", "a secret is not repeated")
	}
}

func TestWhatArrivesIsShownHarmless(t *testing.T) {
	for number, want := range map[string]string{"+15125551209": "+1512*****09", "": "", "+1512": "*****", "12345678": "12345*78"} {
		require.Equal(t, want, Mask(number))
	}
	require.Equal(t, "?[2Jälice??", Printable("\x1b[2Jälice\r\u202e"))
}
