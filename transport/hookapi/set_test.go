package hookapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
	"offhook/transport/hookapi"
	"offhook/transport/webhook"
)

const noDelivery = `"delivery":{"condition":"healthy","waiting_streams":0,"parked_streams":0,"oldest_undelivered_ms":0,"in_flight":0,"concurrency":0,"next_try_at":null}`

func TestAWebhookFromFirstToLast(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.do("GET", "/webhooks", "").wantsBody(200, "[]")
		c.do("GET", "/webhooks/calls", "").wantsProblem(404, "not_found")

		made := c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`)
		made.wants(201)
		require.Equal(t, c.base+"/webhooks/calls", made.Header.Get("Location"))
		secret := made.json()["secret"].(string)
		require.Equal(t, []string{secret}, c.receiver("calls").Secrets)
		plain := `"url":"` + hookURL + `","secrets":{"count":1,"rotating_until":null},"batch":false,"extended_events":false,"filter":null,"headers":{},` +
			`"signing":"v1","signing_public_key":"","paused":false,"disabled":"",` + noDelivery + `}`
		require.Equal(t, strings.Replace(`{"kind":"calls",`+plain, `,"secrets"`, `,"secret":"`+secret+`","secrets"`, 1), made.body)
		c.do("GET", "/webhooks/calls", "").wantsBody(200, `{"kind":"calls",`+plain)
		c.do("GET", "/webhooks", "").wantsBody(200, `[{"kind":"calls",`+plain+"]")

		everything := `{"url":"https://two.example.com","batch":true,"extended_events":true,` +
			`"filter":{"subscribers":["Zoe@x","alice@EXAMPLE.com","zoe@X"],"states":["held","ringing"],"directions":["incoming"]},` +
			`"headers":{"X-Tenant":"42","X-Api-Key":"hush"},"signing":"v1+v1a"}`
		changed := c.do("PUT", "/webhooks/calls", everything)
		changed.wants(200)
		require.NotContains(t, changed.body, "whsec_", "it was shown once")
		r := c.receiver("calls")
		require.Equal(t, []string{secret}, r.Secrets, "another URL keeps the secret")
		require.Equal(t, engine.Filter{States: 1<<engine.StateRinging | 1<<engine.StateHeld, Directions: 1 << engine.Incoming,
			Subscribers: []string{"alice@example.com", "zoe@x"}}, r.Filter)
		require.Equal(t, []tenant.Header{{Name: "X-Api-Key", Value: "hush"}, {Name: "X-Tenant", Value: "42"}}, r.Headers)
		public := changed.json()["signing_public_key"].(string)
		require.Len(t, public, len("whpk_")+44)
		require.Len(t, r.SigningKey, len("whsk_")+88)
		full := fmt.Sprintf(`{"kind":"calls","url":"https://two.example.com","secrets":{"count":1,"rotating_until":null},"batch":true,"extended_events":true,`+
			`"filter":{"subscribers":["alice@example.com","zoe@x"],"states":["ringing","held"],"directions":["incoming"]},`+
			`"headers":{"X-Api-Key":"•••","X-Tenant":"42"},"signing":"v1+v1a","signing_public_key":%q,"paused":false,"disabled":"",%s}`, public, noDelivery)
		require.Equal(t, full, changed.body)

		// What was shown can be sent back as it is.
		c.do("PUT", "/webhooks/calls", full).wantsBody(200, full)
		require.Equal(t, map[string]string{"X-Api-Key": "hush", "X-Tenant": "42"}, headers(c.receiver("calls")))

		// A change names what changes; null is the default.
		c.do("PATCH", "/webhooks/calls", `{"filter":{"states":["released"]},"headers":null,"batch":null}`).wants(200)
		r = c.receiver("calls")
		require.Equal(t, engine.Filter{States: 1 << engine.StateReleased}, r.Filter)
		require.Empty(t, r.Headers)
		require.False(t, r.Batch)
		require.True(t, r.Extended)
		require.Equal(t, "https://two.example.com", r.URL)
		c.do("PATCH", "/webhooks/calls", `{"signing":"v1"}`).wants(200)
		require.Empty(t, c.receiver("calls").SigningKey)

		// To set it says everything.
		c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`).wantsBody(200, `{"kind":"calls",`+plain)

		c.do("DELETE", "/webhooks/calls", "").wants(204)
		require.Equal(t, tenant.Receiver{}, c.receiver("calls"))
		c.do("DELETE", "/webhooks/calls", "").wantsProblem(404, "not_found")
		c.do("PATCH", "/webhooks/calls", `{"batch":true}`).wantsProblem(404, "not_found")
		again := c.set("calls", `{"url":"`+hookURL+`"}`)
		require.NotEqual(t, secret, again["secret"])

		log := c.log.String()
		require.Equal(t, 4, strings.Count(log, `msg="webhook set" app="app 1/a" kind=calls by=`+c.name), "what changes nothing is no change")
		require.Contains(t, log, `msg="webhook set" app="app 1/a" kind=calls by=`+c.name+" host=two.example.com\n", "no path, no query")
		require.Contains(t, log, `msg="webhook removed" app="app 1/a" kind=calls by=`+c.name)
	})
}

func headers(r tenant.Receiver) map[string]string {
	m := map[string]string{}
	for _, h := range r.Headers {
		m[h.Name] = h.Value
	}
	return m
}

func TestAWebhookShowsHowItGoes(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("subscriber", `{"url":"`+hookURL+`"}`)
		c.deliveries.status[appID+"/subscriber"] = webhook.Status{
			Condition: webhook.BackingOff, Waiting: 12, Parked: 3, Oldest: 90 * time.Second, InFlight: 1, Concurrency: 8, NextTry: time.UnixMilli(99),
		}
		require.Contains(t, c.do("GET", "/webhooks/subscriber", "").body, `"delivery":{"condition":"backing_off","waiting_streams":12,"parked_streams":3,`+
			`"oldest_undelivered_ms":90000,"in_flight":1,"concurrency":8,"next_try_at":99}}`)
	})
}

// A webhook that was given up comes back when it is set again, as it was.
func TestSettingAgainEnables(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`","batch":true}`)
		give := func(reason string) {
			_, err := c.store.ChangeApp(appID, func(a *tenant.App) (*tenant.App, error) {
				r := a.Calls
				r.Disabled, r.Paused, r.Held = reason, true, []string{"alice@example.com"}
				return a.With(engine.StreamCalls, r), nil
			})
			require.NoError(t, err)
		}
		give("gone")
		require.Contains(t, c.do("GET", "/webhooks/calls", "").body, `"disabled":"gone"`)
		require.Contains(t, c.do("PATCH", "/webhooks/calls", `{"batch":true}`).body, `"disabled":"gone"`)
		for _, method := range []string{"PUT", "PATCH"} {
			give("gone")
			require.Contains(t, c.do(method, "/webhooks/calls", `{"url":"`+hookURL+`"}`).body, `"paused":true,"disabled":""`, "a pause is a person's wish and stays")
			require.Equal(t, []string{"alice@example.com"}, c.receiver("calls").Held)
		}
	})
}

func TestASecretOfTheAppsOwn(t *testing.T) {
	const own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	both(t, func(t *testing.T, c clerk) {
		require.Equal(t, own, c.set("calls", `{"url":"`+hookURL+`","secret":"`+own+`"}`)["secret"])
		require.Equal(t, []string{own}, c.receiver("calls").Secrets)
		const second = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
		a := c.do("PATCH", "/webhooks/calls", `{"secret":"`+second+`"}`)
		a.wants(200)
		require.NotContains(t, a.body, "whsec_")
		require.Equal(t, []string{second}, c.receiver("calls").Secrets)
	})
}

// What waited for a webhook that is removed waits no more; the log has it.
func TestRemovingDropsWhatWaits(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		c.set("subscriber", `{"url":"`+hookURL+`"}`)
		alice := storetest.Subscriber("Alice@example.com")
		provisioned := storetest.Told(appID, alice, 1)
		provisioned.Kind = engine.StreamSubscriber
		storetest.Put(t, c.store, nil, []engine.Notification{storetest.Told(appID, alice, 1), storetest.Told(other, alice, 1), provisioned})
		c.do("DELETE", "/webhooks/calls", "").wants(204)
		var waiting []engine.StreamID
		require.NoError(t, c.store.Waiting(engine.StreamID{}, 0, func(w engine.Waiting) error { waiting = append(waiting, w.Stream); return nil }))
		require.ElementsMatch(t, []engine.StreamID{storetest.Stream(other, alice), engine.StreamOf(appID, "alice@example.com", engine.StreamSubscriber)}, waiting)
		_, kept, err := c.store.Event(storetest.Stream(appID, alice), 1)
		require.NoError(t, err)
		require.True(t, kept)
	})
}

func TestTheOperationalWebhook(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.do("GET", "/webhooks/operations", "").wantsProblem(404, "not_found")
		made := c.do("PUT", "/webhooks/operations", `{"url":"`+hookURL+`","batch":true,"filter":{"states":["held"]}}`)
		made.wants(201)
		secret := made.json()["secret"].(string)
		require.Equal(t, `{"kind":"operations","url":"`+hookURL+`","secret":"`+secret+`","secrets":{"count":1,"rotating_until":null}}`, made.body)
		shown := `{"kind":"operations","url":"` + hookURL + `","secrets":{"count":1,"rotating_until":null}}`
		c.do("GET", "/webhooks/operations", "").wantsBody(200, shown)
		c.do("GET", "/webhooks", "").wantsBody(200, "["+shown+"]")
		require.Equal(t, tenant.Receiver{URL: hookURL, Secrets: []string{secret}}, withoutSince(c.receiver("operations")))

		c.do("PUT", "/webhooks/operations/rotate-secret", "").wants(200)
		require.Len(t, c.receiver("operations").Retired, 1)
		c.prober.test = func(_ context.Context, app string, kind engine.StreamKind, r tenant.Receiver) (webhook.Outcome, string, error) {
			require.Zero(t, kind)
			require.Equal(t, hookURL, r.URL)
			return webhook.Outcome{Class: webhook.Delivered, Status: 204}, "evt_1", nil
		}
		c.do("PUT", "/webhooks/operations/test", "").wants(200)
		for _, r := range []string{
			"PATCH ", "PUT /pause", "PUT /resume", "PUT /rotate-signing-key", "GET /streams", "PUT /streams/alice@example.com/pause",
			"GET /attempts", "PUT /redeliver", "POST /redeliveries", "GET /redeliveries", "GET /redeliveries/x", "DELETE /redeliveries/x",
		} {
			method, path, _ := strings.Cut(r, " ")
			c.do(method, "/webhooks/operations"+path, `{}`).wantsProblem(404, "not_found")
		}
		c.do("DELETE", "/webhooks/operations", "").wants(204)
		require.Equal(t, tenant.Receiver{}, c.receiver("operations"))
	})
}

func withoutSince(r tenant.Receiver) tenant.Receiver {
	r.Since = 0
	return r
}

// An app of which that is asked has to show that a receiver is its own.
func TestANewURLIsChallenged(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		patch := func(body string) {
			operator := c.operator()
			operator.base = ""
			operator.do("PATCH", "/admin/apps/"+escaped, body).wants(200)
		}
		patch(`{"challenge":true}`)
		c.prober.challenge = func(context.Context) error { return errors.New("https://crm.example.com/?token=hush said 404") }
		refused := c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`)
		refused.wantsProblem(422, "invalid_field", "url")
		require.NotContains(t, refused.body, "hush")
		c.prober.challenge = func(context.Context) error { return fmt.Errorf("%w: answered 404", webhook.ErrChallenge) }
		require.Contains(t, c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`).body, `"detail":"did not pass: the challenge was not answered: answered 404"`)
		c.prober.challenge = func(context.Context) error { return webhook.ErrBusy }
		c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`).wantsProblem(429, "rate_limited")
		require.False(t, c.receiver("calls").Set())

		c.prober.challenge = func(ctx context.Context) error {
			_, bounded := ctx.Deadline()
			require.True(t, bounded)
			return nil
		}
		secret := c.set("calls", `{"url":"`+hookURL+`"}`)["secret"]
		require.Len(t, c.prober.challenged, 4)
		require.Equal(t, []string{secret.(string)}, c.prober.challenged[3].Secrets, "signed with the secret it gets")
		require.Equal(t, hookURL, c.prober.challenged[3].URL)

		c.do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`","batch":true}`).wants(200)
		c.do("PATCH", "/webhooks/calls", `{"batch":false}`).wants(200)
		require.Len(t, c.prober.challenged, 4, "the same URL was challenged already")
		c.do("PATCH", "/webhooks/calls", `{"url":"https://two.example.com/"}`).wants(200)
		require.Len(t, c.prober.challenged, 5)

		patch(`{"challenge":false}`)
		c.do("PATCH", "/webhooks/calls", `{"url":"https://three.example.com/"}`).wants(200)
		require.Len(t, c.prober.challenged, 5)
	})
}

// Somebody who may not ask receivers must not take a new URL on trust.
func TestWithoutAProberNoChallengeIsPassed(t *testing.T) {
	o := newOffice(t, func(c *hookapi.Config) { c.Prober = nil })
	_, err := o.store.ChangeApp(appID, func(a *tenant.App) (*tenant.App, error) { b := *a; b.Challenge = true; return &b, nil })
	require.NoError(t, err)
	o.app().do("PUT", "/webhooks/calls", `{"url":"`+hookURL+`"}`).wantsProblem(422, "invalid_field", "url")
	o.app().do("PUT", "/webhooks/calls/test", "").wantsProblem(404, "not_found")
}
