package hookapi_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/transport/hookapi"
)

// badSettings is what each member may not be.
var badSettings = map[string][]string{
	"url": {
		`null`, `""`, `5`, `["https://x"]`, `"http://example.com"`, `"https://127.0.0.1/"`, `"https://10.0.0.1:8443"`, `"https://user:pass@example.com"`,
		`"https://example.com:22"`, `"https://example.com:0"`, `"https://[::1]/"`, `"https://0x7f000001/"`, `"https://example.com/` + strings.Repeat("x", 2048) + `"`,
	},
	"batch":              {`1`, `"true"`, `[]`},
	"extended_events":    {`0`, `"no"`, `{}`},
	"filter":             {`[]`, `"held"`, `7`},
	"filter.states":      {`{"states":[]}`, `{"states":["none"]}`, `{"states":["HELD"]}`, `{"states":"held"}`, `{"states":[1]}`},
	"filter.directions":  {`{"directions":[]}`, `{"directions":["both"]}`, `{"directions":[""]}`},
	"filter.subscribers": {`{"subscribers":[]}`, `{"subscribers":[""]}`, `{"subscribers":["a\u0000b"]}`, `{"subscribers":[7]}`, manySubscribers(1001)},
	"headers": {
		`[]`, `"X: y"`, `{"":"x"}`, `{"X Y":"x"}`, `{"X:":"x"}`, `{"Höst":"x"}`, `{"X\r\nY":"x"}`, `{"` + strings.Repeat("x", 65) + `":"x"}`,
		`{"Host":"x"}`, `{"content-length":"0"}`, `{"Transfer-Encoding":"chunked"}`, `{"Connection":"close"}`, `{"webhook-id":"x"}`, `{"Webhook-Signature":"x"}`,
		`{"Proxy-Authorization":"x"}`, `{"User-Agent":"x"}`, `{"Content-Type":"text/plain"}`, `{"X-Forwarded-For":"x"}`, manyHeaders(17), `{"X":"1","x":"2"}`, longHeaders,
	},
	"headers.X": {
		`{"X":null}`, `{"X":""}`, `{"X":7}`, `{"X":"a\r\nY: b"}`, `{"X":" a"}`, `{"X":"a "}`, `{"X":"ä"}`, `{"X":"\u0000"}`, `{"X":"•••"}`,
		`{"X":"` + strings.Repeat("x", 1025) + `"}`,
	},
	"signing": {`"v2"`, `"v1a"`, `true`, `""`},
	"secret": {
		`""`, `"hush"`, `"whsec_"`, `"whsec_MTIz"`, `"whsec_!!!"`, `"whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`, `7`,
		`"whsec_` + strings.Repeat("A", 88) + `"`, // 66 bytes
	},
}

func manySubscribers(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%q", fmt.Sprint("user", i))
	}
	return `{"subscribers":[` + strings.Join(list, ",") + `]}`
}

// longHeaders are more than fit into a request, each of them not too long.
var longHeaders = strings.ReplaceAll(`{"A":"v","B":"v","C":"v","D":"v","E":"v"}`, "v", strings.Repeat("v", 1000))

func manyHeaders(n int) string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("X-", i)] = "x"
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func TestSettingsThatAreRefused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		before := func() tenant.Receiver { return c.receiver("calls") }
		refuse := func(method string) {
			was := before()
			for field, values := range badSettings {
				member, _, _ := strings.Cut(field, ".")
				for _, value := range values {
					body := map[string]json.RawMessage{"url": json.RawMessage(`"https://example.com/"`)}
					body[member] = json.RawMessage(value)
					b, err := json.Marshal(body)
					require.NoError(t, err)
					c.do(method, "/webhooks/calls", string(b)).wantsProblem(422, "invalid_field", field)
				}
			}
			require.Equal(t, was, before(), "what is refused changes nothing")
		}
		refuse("PUT")
		c.do("PUT", "/webhooks/calls", `{}`).wantsProblem(422, "invalid_field", "url")
		c.set("calls", `{"url":"`+hookURL+`"}`)
		refuse("PUT")
		refuse("PATCH")
		c.do("PUT", "/webhooks/subscriber", `{"url":"`+hookURL+`","filter":{"states":["held"]}}`).wantsProblem(422, "invalid_field", "filter")
		c.do("PUT", "/webhooks/calls", manySettings()).wants(200)
	})
}

// manySettings is as much as there may be.
func manySettings() string {
	return `{"url":"https://example.com","filter":` + manySubscribers(1000) + `,"headers":` + manyHeaders(16) + `}`
}

func TestBodiesThatAreRefused(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		c.set("calls", `{"url":"`+hookURL+`"}`)
		for _, r := range []string{
			"PUT /webhooks/calls", "PATCH /webhooks/calls", "PUT /webhooks/calls/rotate-secret", "PUT /webhooks/calls/redeliver", "POST /webhooks/calls/redeliveries",
		} {
			method, path, _ := strings.Cut(r, " ")
			for _, bad := range []string{`[]`, `{"url":`, `"x"`, `{"url":"a","url":"b"}`, strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "\xff"} {
				c.do(method, path, bad).wantsProblem(400, "bad_json")
			}
			c.do(method, path, "url=x", "Content-Type", "application/x-www-form-urlencoded").wantsProblem(415, "unsupported_media_type")
			c.do(method, path, `{"url":"`+strings.Repeat("x", 300<<10)+`"}`).wantsProblem(413, "too_large")
		}
	})
}

func TestKindsThereAreNot(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		for _, kind := range []string{"call", "Calls", "%63alls%00", "subscribers", "*", "%2e%2e"} {
			c.do("PUT", "/webhooks/"+kind, `{"url":"`+hookURL+`"}`).wantsProblem(404, "not_found")
			c.do("GET", "/webhooks/"+kind+"/attempts", "").wantsProblem(404, "not_found")
		}
		c.do("POST", "/webhooks", `{}`).wantsProblem(405, "method_not_allowed")
	})
}

// Everything about a webhook needs one.
func TestWithoutAWebhookThereIsNothing(t *testing.T) {
	both(t, func(t *testing.T, c clerk) {
		for _, r := range hookapi.New(hookapi.Config{Prober: c.prober, Replays: c.replays}).Routes() {
			path := strings.NewReplacer("{kind}", "calls", "{subscriber_id}", "alice@example.com", "{task_id}", "rpl_1").Replace(r.Path)
			if r.Path == "/webhooks" || r.Method == "PUT" && r.Path == "/webhooks/{kind}" {
				continue
			}
			c.do(r.Method, path, `{"subscriber_id":"alice@example.com","sequence_number":"1"}`).wantsProblem(404, "not_found")
		}
	})
}
