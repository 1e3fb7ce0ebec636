package adminapi

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestAnAppFromFirstToLast(t *testing.T) {
	o := newOffice(t)
	made := o.do("POST", "/admin/apps", `{"name":"CRM","calls_webhook":{"url":"https://crm.example.com/calls"},"subscriber_webhook":{"url":"https://crm.example.com/people?x=1"}}`)
	require.Equal(t, 201, made.StatusCode, made.body)
	m := made.json(t)
	id, key := m["app_id"].(string), m["api_key"].(string)
	require.Regexp(t, uuid4, id)
	require.Equal(t, "/admin/apps/"+id, made.Header.Get("Location"))
	calls := m["calls_webhook"].(map[string]any)
	people := m["subscriber_webhook"].(map[string]any)
	require.Equal(t, fmt.Sprintf(`{"app_id":%q,"name":"CRM","api_key":%q,"calls_webhook":{"url":"https://crm.example.com/calls","secret":%q},`+
		`"subscriber_webhook":{"url":"https://crm.example.com/people?x=1","secret":%q}}`, id, key, calls["secret"], people["secret"]), made.body)
	require.NotEqual(t, calls["secret"], people["secret"])

	a, ok := o.store.App(id)
	require.True(t, ok)
	keyID, digest, ok := tenant.ParseKey(key)
	require.True(t, ok)
	require.True(t, a.Keys[0].Matches(digest))
	require.Equal(t, []string{calls["secret"].(string)}, a.Calls.Secrets)

	shown := fmt.Sprintf(`{"app_id":%q,"name":"CRM","calls_webhook":{"url":"https://crm.example.com/calls"},"subscriber_webhook":{"url":"https://crm.example.com/people?x=1"},"challenge":false,`+
		`"keys":[{"key_id":%q,"scopes":["calls:read","calls:control"],"created_at":1533331052226}],"created_at":1533331052226}`, id, keyID)
	o.do("GET", "/admin/apps/"+id, "").want(t, 200, shown)
	o.do("GET", "/admin/apps", "").want(t, 200, "["+shown+"]")

	// A new URL keeps the secret; a webhook that was taken away gets a new one.
	patched := o.do("PATCH", "/admin/apps/"+id, `{"name":"CRM 2","calls_webhook":{"url":"https://two.example.com"},"subscriber_webhook":null}`)
	require.Equal(t, 200, patched.StatusCode, patched.body)
	require.Contains(t, patched.body, `"name":"CRM 2","calls_webhook":{"url":"https://two.example.com"},"subscriber_webhook":null`)
	a, _ = o.store.App(id)
	require.Equal(t, []string{calls["secret"].(string)}, a.Calls.Secrets)
	again := o.do("PATCH", "/admin/apps/"+id, `{"subscriber_webhook":{"url":"https://three.example.com"}}`).json(t)["subscriber_webhook"].(map[string]any)
	require.Contains(t, again["secret"], "whsec_")
	require.NotEqual(t, people["secret"], again["secret"])
	require.Equal(t, "CRM 2", o.do("GET", "/admin/apps/"+id, "").json(t)["name"], "what is not named stays")

	require.Equal(t, 204, o.do("DELETE", "/admin/apps/"+id, "").StatusCode)
	o.do("GET", "/admin/apps/"+id, "").wantProblem(t, 404, "not_found")
	o.do("GET", "/admin/apps", "").want(t, 200, "[]")
}

func TestAnAppWithoutWebhooks(t *testing.T) {
	o := newOffice(t)
	m := o.do("POST", "/admin/apps", `{"name":"quiet","app_id":"an id of old"}`)
	require.Equal(t, 201, m.StatusCode)
	require.Contains(t, m.body, `{"app_id":"an id of old","name":"quiet","api_key":"ok_live_`)
	require.Contains(t, m.body, `"calls_webhook":null,"subscriber_webhook":null}`)
	require.Equal(t, "/admin/apps/an%20id%20of%20old", m.Header.Get("Location"))
	o.do("POST", "/admin/apps", `{"name":"twice","app_id":"an id of old"}`).wantProblem(t, 409, "conflict", "app_id")
	require.Equal(t, 200, o.do("GET", "/admin/apps/an%20id%20of%20old", "").StatusCode)
}

func TestAppsThatAreRefused(t *testing.T) {
	o := newOffice(t)
	for body, field := range map[string]string{
		`{}`:                          "name",
		`{"name":""}`:                 "name",
		`{"name":7}`:                  "name",
		`{"name":"x","app_id":["x"]}`: "app_id",
		`{"name":"x","calls_webhook":"https://"}`:                         "calls_webhook",
		`{"name":"x","calls_webhook":{}}`:                                 "calls_webhook.url",
		`{"name":"x","calls_webhook":{"url":5}}`:                          "calls_webhook.url",
		`{"name":"x","subscriber_webhook":{"url":"http://example.com/"}}`: "subscriber_webhook.url",
	} {
		o.do("POST", "/admin/apps", body).wantProblem(t, 422, "invalid_field", field)
	}
	o.do("POST", "/admin/apps", `[]`).wantProblem(t, 400, "bad_json")
	o.do("POST", "/admin/apps", `{"name":"x"`).wantProblem(t, 400, "bad_json")
	o.send("POST", "/admin/apps", strings.NewReader("name=x"), "Content-Type", "application/x-www-form-urlencoded").
		wantProblem(t, 415, "unsupported_media_type")
	o.do("POST", "/admin/apps", `{"name":"`+strings.Repeat("x", 300<<10)+`"}`).wantProblem(t, 413, "too_large")
	o.do("PATCH", "/admin/apps/nobody", `{"name":"x"}`).wantProblem(t, 404, "not_found")
	o.do("DELETE", "/admin/apps/nobody", "").wantProblem(t, 404, "not_found")
	require.Empty(t, o.store.apps)

	o.store.broken = errors.New("disk of doom")
	a := o.do("POST", "/admin/apps", `{"name":"x"}`)
	a.wantProblem(t, 500, "internal")
	require.NotContains(t, a.body, "doom")
}

func TestWebhookURLs(t *testing.T) {
	o := newOffice(t, func(c *Config) { c.URLs.AllowHTTP = true })
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","calls_webhook":{"url":"http://localhost:9000/"}}`).StatusCode)
	o.do("POST", "/admin/apps", `{"name":"x","calls_webhook":{"url":"https://example.com/`+strings.Repeat("x", 2048)+`"}}`).
		wantProblem(t, 422, "invalid_field", "calls_webhook.url")
}

func TestKeys(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	made := o.do("POST", "/admin/apps/x/keys", `{"scopes":["calls:read"]}`)
	require.Equal(t, 201, made.StatusCode)
	m := made.json(t)
	require.Equal(t, fmt.Sprintf(`{"key_id":%q,"api_key":%q,"scopes":["calls:read"]}`, m["key_id"], m["api_key"]), made.body)
	a, _ := o.store.App("x")
	require.Len(t, a.Keys, 2)
	require.False(t, a.Keys[1].Allows(tenant.ScopeControl))
	require.Contains(t, o.do("POST", "/admin/apps/x/keys", `{}`).body, `"scopes":["calls:read","calls:control"]`)

	for _, bad := range []string{`{"scopes":[]}`, `{"scopes":["calls:everything"]}`, `{"scopes":"calls:read"}`, `{"scopes":[1]}`, `{"scopes":null}`} {
		o.do("POST", "/admin/apps/x/keys", bad).wantProblem(t, 422, "invalid_field", "scopes")
	}
	require.Equal(t, 204, o.do("DELETE", "/admin/apps/x/keys/"+m["key_id"].(string), "").StatusCode)
	o.do("DELETE", "/admin/apps/x/keys/"+m["key_id"].(string), "").wantProblem(t, 404, "not_found")
	o.do("POST", "/admin/apps/nobody/keys", `{}`).wantProblem(t, 404, "not_found")
	a, _ = o.store.App("x")
	require.Len(t, a.Keys, 2)
}

// An app's streams end properly before it is gone: its keys first, then every
// subscriber, then the app.
func TestDeletingAnAppUnlinksItsSubscribers(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	for i := range 1201 {
		p := engine.Profile{ID: fmt.Sprintf("s%04d", i), Network: networkID}
		o.store.subscribers[p.ID] = &tenant.SubscriberInfo{Profile: p, Apps: []string{"x", "y"}}
	}
	o.store.log = nil
	require.Equal(t, 204, o.do("DELETE", "/admin/apps/x", "").StatusCode)
	log := o.store.notes()
	require.Len(t, log, 1203)
	require.Equal(t, "change app x", log[0])
	require.Contains(t, log[1:1202], "unlink x s1200")
	require.Equal(t, "delete app x", log[1202])
	require.Equal(t, []string{"y"}, o.store.subscribers["s0007"].Apps)
}

// If it breaks off half way, the app is still there and can be deleted again.
func TestDeletingAnAppCanBeRepeated(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x"}`).StatusCode)
	o.store.subscribers["s"] = &tenant.SubscriberInfo{Profile: engine.Profile{ID: "s"}, Apps: []string{"x"}}
	o.store.refuse = &engine.Error{Code: engine.CodeBusy, Message: "later"}
	o.do("DELETE", "/admin/apps/x", "").wantProblem(t, 503, "busy")
	a, ok := o.store.App("x")
	require.True(t, ok)
	require.Empty(t, a.Keys, "nobody uses it any more")
	o.store.refuse = nil
	require.Equal(t, 204, o.do("DELETE", "/admin/apps/x", "").StatusCode)
}

func TestPagesOfApps(t *testing.T) {
	o := newOffice(t)
	for i := range 5 {
		require.Equal(t, 201, o.do("POST", "/admin/apps", fmt.Sprintf(`{"name":"n%d"}`, i)).StatusCode)
	}
	path, names := "/admin/apps?limit=2", ""
	for path != "" {
		a := o.do("GET", path, "")
		for _, m := range regexp.MustCompile(`"name":"(n\d)"`).FindAllStringSubmatch(a.body, -1) {
			names += m[1]
		}
		path = ""
		if link := a.Header.Get("Link"); link != "" {
			path, _, _ = strings.Cut(link[1:], ">")
		}
	}
	require.Equal(t, "n0n1n2n3n4", names)
	o.do("GET", "/admin/apps?after=MTpub3doZXJl", "").wantProblem(t, 422, "invalid_field", "after")
}

// An operator who changes a URL leaves the rest of the webhook as the app has
// made it, and lets one that was disabled go on.
func TestANewURLKeepsTheRestOfAWebhook(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x","calls_webhook":{"url":"https://one.example.com"}}`).StatusCode)
	full := o.store.apps["x"].Calls
	full.Retired, full.SigningKey = []tenant.Retired{{Secret: "whsec_old", Until: 9}}, "whsk_x"
	full.Headers, full.Batch, full.Extended = []tenant.Header{{Name: "X-Tenant", Value: "42"}}, true, true
	full.Filter, full.Paused, full.Held = engine.Filter{States: 1 << engine.StateHeld}, true, []string{"alice"}
	for _, url := range []string{"https://two.example.com", "https://two.example.com"} {
		full.Disabled = "gone"
		o.store.apps["x"] = o.store.apps["x"].With(engine.StreamCalls, full)
		require.Equal(t, 200, o.do("PATCH", "/admin/apps/x", `{"calls_webhook":{"url":"`+url+`"}}`).StatusCode)
		full.URL, full.Disabled = url, ""
		require.Equal(t, full, o.store.apps["x"].Calls)
	}
	full.Disabled = "gone"
	o.store.apps["x"] = o.store.apps["x"].With(engine.StreamCalls, full)
	require.Equal(t, 200, o.do("PATCH", "/admin/apps/x", `{"name":"y"}`).StatusCode)
	require.Equal(t, full, o.store.apps["x"].Calls, "it was not named")
}

func TestAppsThatMustShowWhoseReceiverItIs(t *testing.T) {
	o := newOffice(t)
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x","challenge":true}`).StatusCode)
	require.Equal(t, true, o.do("GET", "/admin/apps/x", "").json(t)["challenge"])
	require.Equal(t, true, o.do("PATCH", "/admin/apps/x", `{"name":"y"}`).json(t)["challenge"])
	require.Equal(t, false, o.do("PATCH", "/admin/apps/x", `{"challenge":false}`).json(t)["challenge"])
	for _, bad := range []string{`"yes"`, `1`, `{}`} {
		o.do("PATCH", "/admin/apps/x", `{"challenge":`+bad+`}`).wantProblem(t, 422, "invalid_field", "challenge")
		o.do("POST", "/admin/apps", `{"name":"x","challenge":`+bad+`}`).wantProblem(t, 422, "invalid_field", "challenge")
	}
}

// Where a webhook may not go can be told at once, for some.
func TestURLsTheGuardRefuses(t *testing.T) {
	o := newOffice(t, func(c *Config) { c.URLs.Guard = &webhook.Guard{} })
	o.do("POST", "/admin/apps", `{"name":"x","calls_webhook":{"url":"https://10.0.0.1/"}}`).wantProblem(t, 422, "invalid_field", "calls_webhook.url")
	require.Equal(t, 201, o.do("POST", "/admin/apps", `{"name":"x","app_id":"x","calls_webhook":{"url":"https://example.com/"}}`).StatusCode)
	o.do("PATCH", "/admin/apps/x", `{"subscriber_webhook":{"url":"https://[::1]/"}}`).wantProblem(t, 422, "invalid_field", "subscriber_webhook.url")
}
