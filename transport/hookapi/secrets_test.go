package hookapi_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

const day = 24 * 3600 * 1000 // ms

func TestRotatingASecret(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		first := c.set("calls", `{"url":"`+hookURL+`"}`)["secret"].(string)
		begin := c.clock.Load()
		rotate := func(body string) string {
			t.Helper()
			a := c.do("PUT", "/webhooks/calls/rotate-secret", body)
			a.wants(200)
			secret := a.json()["secret"].(string)
			require.Equal(t, `{"secret":"`+secret+`"}`, a.body)
			require.Equal(t, []string{secret}, c.receiver("calls").Secrets)
			return secret
		}
		second := rotate("")
		require.NotEqual(t, first, second)
		require.Equal(t, []tenant.Retired{{Secret: first, Until: begin + day}}, c.receiver("calls").Retired, "a day, if nobody says")
		shown := c.do("GET", "/webhooks/calls", "")
		require.Contains(t, shown.body, `"secrets":{"count":2,"rotating_until":1533417451226}`)
		require.NotContains(t, shown.body, "whsec_")

		c.clock.Add(day / 2)
		third := rotate(`{"overlap_seconds":7200,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`)
		until := begin + day/2 + 7200_000
		require.Equal(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", third)
		require.Equal(t, []tenant.Retired{{Secret: second, Until: until}, {Secret: first, Until: until}}, c.receiver("calls").Retired,
			"nothing older outlives the overlap")

		c.clock.Add(3 * 3600 * 1000)
		require.Contains(t, c.do("GET", "/webhooks/calls", "").body, `"secrets":{"count":1,"rotating_until":null}`)
		rotate(`{"overlap_seconds":604800}`)
		require.Len(t, c.receiver("calls").Retired, 1, "what has run out is gone")
		rotate(`{"overlap_seconds":0}`)
		require.Empty(t, c.receiver("calls").Retired, "a secret that leaked ends at once")
		require.Contains(t, c.log.String(), `msg="webhook secret rotated" app="app 1/a" kind=calls by=`+c.name)
	})
}

// Whoever lost the answer to a rotation asks again with the key, and is told
// the same secret: another one would leave the first out there, signing.
func TestASecretIsRotatedOnceForOneKey(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		first := c.set("calls", `{"url":"`+hookURL+`"}`)["secret"].(string)
		again := func() answer { return c.do("PUT", "/webhooks/calls/rotate-secret", "", "Idempotency-Key", "k") }
		a, b := again(), again()
		a.wants(200)
		b.wants(200)
		require.Equal(t, a.body, b.body)
		require.Equal(t, []string{a.json()["secret"].(string)}, c.receiver("calls").Secrets)
		require.Len(t, c.receiver("calls").Retired, 1)
		require.Equal(t, first, c.receiver("calls").Retired[0].Secret)
		c.do("PUT", "/webhooks/calls/rotate-secret", "{}", "Idempotency-Key", "k").wantsProblem(422, "key_reused")
		require.Contains(t, c.do("PUT", "/webhooks/calls/rotate-secret", "{", "Idempotency-Key", "other").body, "bad_json")
		c.do("PUT", "/webhooks/calls/rotate-secret", "", "Idempotency-Key", "other").wants(200)
	})
}

func TestTenSecretsAreEnough(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		for range 9 {
			c.do("PUT", "/webhooks/calls/rotate-secret", "").wants(200)
		}
		was := c.receiver("calls")
		c.do("PUT", "/webhooks/calls/rotate-secret", "").wantsProblem(409, "conflict")
		require.Equal(t, was, c.receiver("calls"))
		c.do("PUT", "/webhooks/calls/rotate-secret", `{"overlap_seconds":0}`).wants(200)
		require.Equal(t, 1, len(c.receiver("calls").Secrets)+len(c.receiver("calls").Retired))
		c.do("PUT", "/webhooks/calls/rotate-secret", "").wants(200)
	})
}

func TestRotationsThatAreRefused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		secret := c.set("calls", `{"url":"`+hookURL+`"}`)["secret"].(string)
		for body, field := range map[string]string{
			`{"overlap_seconds":-1}`: "overlap_seconds", `{"overlap_seconds":604801}`: "overlap_seconds", `{"overlap_seconds":"60"}`: "overlap_seconds",
			`{"overlap_seconds":1.5}`: "overlap_seconds", `{"overlap_seconds":1e3}`: "overlap_seconds", `{"overlap_seconds":99999999999999999999}`: "overlap_seconds",
			`{"secret":"hush"}`: "secret", `{"secret":"` + secret + `"}`: "secret", `{"secret":""}`: "secret",
		} {
			a := c.do("PUT", "/webhooks/calls/rotate-secret", body)
			a.wantsProblem(422, "invalid_field", field)
			require.NotContains(t, a.body, "whsec_C")
		}
		require.Equal(t, []string{secret}, c.receiver("calls").Secrets)
	})
}

// A public key verifies what its private one signs.
func TestRotatingASigningKey(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		c.do("PUT", "/webhooks/calls/rotate-signing-key", "").wantsProblem(409, "conflict")
		first := c.do("PATCH", "/webhooks/calls", `{"signing":"v1+v1a"}`).json()["signing_public_key"]
		a := c.do("PUT", "/webhooks/calls/rotate-signing-key", "")
		a.wants(200)
		public := a.json()["signing_public_key"].(string)
		require.Equal(t, `{"signing_public_key":"`+public+`"}`, a.body)
		require.NotEqual(t, first, public)
		require.Contains(t, c.do("GET", "/webhooks/calls", "").body, public)

		key := func(text, prefix string) []byte {
			b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, prefix))
			require.NoError(t, err)
			return b
		}
		signature := ed25519.Sign(key(c.receiver("calls").SigningKey, "whsk_"), []byte("evt_1.5.{}"))
		require.True(t, ed25519.Verify(key(public, "whpk_"), []byte("evt_1.5.{}"), signature))

		old := c.receiver("calls").RetiredKeys
		require.Len(t, old, 1)
		text, _ := tenant.PublicKey(old[0].Secret)
		require.Equal(t, first, text, "whoever still has the first key verifies, for a day")
		c.do("PUT", "/webhooks/calls/rotate-signing-key", `{"overlap_seconds":3600}`).wants(200)
		require.Len(t, c.receiver("calls").RetiredKeys, 2)
		c.do("PUT", "/webhooks/calls/rotate-signing-key", "").wantsProblem(409, "conflict")
		c.do("PUT", "/webhooks/calls/rotate-signing-key", `{"overlap_seconds":604801}`).wantsProblem(422, "invalid_field")
		c.do("PUT", "/webhooks/calls/rotate-signing-key", `{"overlap_seconds":0}`).wants(200)
		require.Empty(t, c.receiver("calls").RetiredKeys, "a key that leaked ends at once")
		c.do("PUT", "/webhooks/calls/rotate-signing-key", "").wants(200)
		c.do("PATCH", "/webhooks/calls", `{"signing":"v1"}`).wants(200)
		require.Empty(t, c.receiver("calls").RetiredKeys)
		c.do("PATCH", "/webhooks/calls", `{"signing":"v1+v1a"}`).wants(200)
	})
}

func TestATestEvent(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		secret := c.set("subscriber", `{"url":"`+hookURL+`"}`)["secret"].(string)
		var out webhook.Outcome
		var failure error
		c.prober.test = func(ctx context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (webhook.Outcome, string, error) {
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			require.Equal(t, appID, app)
			require.Equal(t, engine.StreamSubscriber, kind)
			require.Equal(t, []string{secret}, r.Secrets)
			return out, "evt_7", failure
		}
		out = webhook.Outcome{Class: webhook.Delivered, Status: 202, Took: 35 * time.Millisecond}
		c.do("PUT", "/webhooks/subscriber/test", "").wantsBody(200, `{"event_id":"evt_7","delivered":true,"status":202,"latency_ms":35,"error":""}`)
		out = webhook.Outcome{Class: webhook.Failed5xx, Status: 503, Took: time.Second}
		c.do("PUT", "/webhooks/subscriber/test", "").wantsBody(200, `{"event_id":"evt_7","delivered":false,"status":503,"latency_ms":1000,"error":"answered 503"}`)
		out = webhook.Outcome{Class: webhook.ConnRefused}
		c.do("PUT", "/webhooks/subscriber/test", "").wantsBody(200, `{"event_id":"evt_7","delivered":false,"status":0,"latency_ms":0,"error":"connection refused"}`)
		failure = webhook.ErrBlocked
		c.do("PUT", "/webhooks/subscriber/test", "").wantsProblem(409, "conflict")
		failure = context.DeadlineExceeded
		c.do("PUT", "/webhooks/subscriber/test", "").wantsProblem(503, "busy")
	})
}

// Slow receivers hold a few requests of their app, and nobody else's.
func TestTestsAreBounded(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		_, err := c.store.ChangeApp(other, func(a *tenant.App) (*tenant.App, error) {
			return a.With(engine.StreamCalls, tenant.Receiver{URL: hookURL, Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}), nil
		})
		require.NoError(t, err)
		begun, end := make(chan struct{}, 8), make(chan struct{})
		c.prober.test = func(_ context.Context, app string, _ engine.StreamKind, _ tenant.Receiver) (webhook.Outcome, string, error) {
			if app == appID {
				begun <- struct{}{}
				<-end
			}
			return webhook.Outcome{Class: webhook.Delivered, Status: 200}, "evt_1", nil
		}
		answers := make(chan int, 4)
		for range 4 {
			go func() {
				a, err := c.try("PUT", "/webhooks/calls/test", "")
				if err != nil {
					answers <- 0
					return
				}
				answers <- a.StatusCode
			}()
		}
		for range 4 {
			<-begun
		}
		c.do("PUT", "/webhooks/calls/test", "").wantsProblem(429, "rate_limited")
		theirs := clerk{c.office, c.api, "/apps/" + other, c.otherKey, ""}
		theirs.do("PUT", "/webhooks/calls/test", "").wants(200)
		close(end)
		for range 4 {
			require.Equal(t, 200, <-answers)
		}
		c.do("PUT", "/webhooks/calls/test", "").wants(200)
	})
}
