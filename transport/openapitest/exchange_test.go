package openapitest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/openapitest"
)

const (
	subscribers = `[{"subscriber_id":"alice@example.com","subscriber_number":"","subscriber_name":"","subscriber_account_id":"","network_id":"n"}]`
	placing     = `{"subscriber_id":"alice@example.com","subscriber_number":"+15125550123","remote_number":"+15125550124"}`
	refusal     = `{"type":"urn:offhook:problem:not_found","title":"Not found","status":404,"code":"not_found","detail":"there is no such resource"}`
)

// exchange is one that is as it should be.
func exchange(change func(x *openapitest.Exchange)) openapitest.Exchange {
	x := openapitest.Exchange{
		Method: "GET", Path: "/apps/a%2Fb/subscribers", Status: 200, Header: http.Header{},
		Answer: http.Header{"Content-Type": {"application/json"}, "Date": {"now"}}, Text: []byte(subscribers),
	}
	change(&x)
	return x
}

func TestWhatIsAsInTheDocumentPasses(t *testing.T) {
	for name, change := range map[string]func(x *openapitest.Exchange){
		"a list": func(*openapitest.Exchange) {},
		"a page of it": func(x *openapitest.Exchange) {
			x.Query = "limit=2&after=x"
			x.Answer.Set("Link", `</apps/a/subscribers?limit=2>; rel="next"`)
		},
		"only its head": func(x *openapitest.Exchange) { x.Method, x.Text = "HEAD", nil },
		"what methods there are": func(x *openapitest.Exchange) {
			x.Method, x.Status, x.Text, x.Answer = "OPTIONS", 204, nil, http.Header{"Allow": {"GET"}}
		},
		"no such path": func(x *openapitest.Exchange) { x.Path, x.Status, x.Text = "/nowhere", 404, []byte(refusal) },
		"a refusal": func(x *openapitest.Exchange) {
			x.Status, x.Text = 404, []byte(refusal)
			x.Answer.Set("Content-Type", "application/problem+json")
		},
		"a refusal of what is wrong": func(x *openapitest.Exchange) {
			x.Query, x.Status = "limit=none&nonsense=1", 422
			x.Text = []byte(strings.NewReplacer("404", "422", "not_found", "invalid_field").Replace(refusal))
			x.Answer.Set("Content-Type", "application/problem+json")
		},
		"a member nobody knows, sent to us": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status, x.Text = "PUT", "/apps/a/calls/callhalf-1:0/transfer", 204, nil
			x.Body = []byte(`{"remote_number":"+15125550124","more":1}`)
		},
	} {
		t.Run(name, func(t *testing.T) { require.NoError(t, openapitest.Public().Check(exchange(change))) })
	}
}

func TestWhatIsNotInTheDocumentFails(t *testing.T) {
	for name, change := range map[string]func(x *openapitest.Exchange){
		"a status": func(x *openapitest.Exchange) { x.Status = 206 },
		"a code": func(x *openapitest.Exchange) {
			x.Status, x.Text = 404, []byte(strings.Replace(refusal, "not_found", "gone", 2))
		},
		"a refusal that is none":   func(x *openapitest.Exchange) { x.Status = 404 },
		"a header":                 func(x *openapitest.Exchange) { x.Answer.Set("X-New", "1") },
		"a header's form":          func(x *openapitest.Exchange) { x.Answer.Set("Link", "/apps") },
		"a header that is missing": func(x *openapitest.Exchange) { x.Path = "/apps/a/events"; x.Text = []byte("[]") },
		"a content type":           func(x *openapitest.Exchange) { x.Answer.Set("Content-Type", "text/html") },
		"no JSON":                  func(x *openapitest.Exchange) { x.Text = []byte("[") },
		"a member":                 func(x *openapitest.Exchange) { x.Text = []byte(strings.Replace(subscribers, "{", `{"new":1,`, 1)) },
		"a member's type":          func(x *openapitest.Exchange) { x.Text = []byte(strings.Replace(subscribers, `"n"`, "7", 1)) },
		"a member that is missing": func(x *openapitest.Exchange) {
			x.Text = []byte(strings.Replace(subscribers, `,"network_id":"n"`, "", 1))
		},
		"a body": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status = "PUT", "/apps/a/calls/callhalf-1:0/hold", 204
		},
		"a route":            func(x *openapitest.Exchange) { x.Path = "/apps/a/nothing" },
		"a method":           func(x *openapitest.Exchange) { x.Method = "DELETE" },
		"a parameter":        func(x *openapitest.Exchange) { x.Query = "only=1" },
		"a parameter's type": func(x *openapitest.Exchange) { x.Query = "limit=few" },
		"an id in the path": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status, x.Text = "DELETE", "/apps/a/calls/7", 204, nil
		},
		"a request without what it needs": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status, x.Text = "PUT", "/apps/a/calls/callhalf-1:0/transfer", 204, nil
		},
		"a request's member": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status, x.Text = "PUT", "/apps/a/calls/callhalf-1:0/transfer", 204, nil
			x.Body = []byte(`{"remote_number":7}`)
		},
		"a request that got no answer of ours": func(x *openapitest.Exchange) {
			x.Method, x.Path, x.Status = "POST", "/apps/a/calls", 502
			x.Body = []byte(strings.Replace(placing, "+15125550124", "", 1))
		},
	} {
		t.Run(name, func(t *testing.T) { require.Error(t, openapitest.Public().Check(exchange(change))) })
	}
}

// server answers every request with the same text.
type server struct{ kind, text string }

func (s server) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {s.kind}, "X-Accel-Buffering": {"no"}}, Body: io.NopCloser(strings.NewReader(s.text))}, nil
}

// blamed is a test that is watched for what it is blamed for.
type blamed struct {
	testing.TB
	errs []string
}

func (b *blamed) Error(args ...any)              { b.errs = append(b.errs, args[0].(error).Error()) }
func (b *blamed) Errorf(format string, _ ...any) { b.errs = append(b.errs, format) }
func watched(b *blamed, s server) *http.Client {
	client := &http.Client{Transport: s}
	openapitest.Watch(b, client, map[string]*openapitest.Document{"": openapitest.Public()})
	return client
}

func TestAnExchangeIsJudgedOnceItIsReadOrGivenUp(t *testing.T) {
	b := &blamed{TB: t}
	client := watched(b, server{"application/json", subscribers})
	resp, err := client.Get("http://offhook/apps/a/subscribers")
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, errors.Join(err, resp.Body.Close()))
	require.Len(t, b.errs, 1, "once, and for the header that does not belong there")
	require.Contains(t, b.errs[0], "X-Accel-Buffering")

	resp, err = client.Get("http://offhook/apps/a/subscribers")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, b.errs, 2)
}

func TestAStreamIsJudgedEventByEvent(t *testing.T) {
	for text, errs := range map[string]int{
		"retry: 2000\n\nevent: snapshot\ndata: {\"calls\":[]}\nid: QbFKL-nVIu9RBilZ7YE02Q\n\n: heartbeat\n\n":   0,
		"event: gap\ndata: {\"type\":\"gap\",\"reason\":\"retention\"}\n\n":                                     0,
		"event: gap\ndata: {\"type\":\"gap\",\"reason\":\"bored\"}\n\nevent: snapshot\ndata: {\"calls\":7}\n\n": 2,
		"event: call.state\ndata: {}\n\n": 1,
		"event: call.state\ndata: {}\n":   0, // it has not ended
	} {
		b := &blamed{TB: t}
		resp, err := watched(b, server{"text/event-stream", text}).Get("http://offhook/apps/a/events/stream")
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Len(t, b.errs, errs, text)
		require.NoError(t, resp.Body.Close())
	}
}

func TestAGapIsAsInTheDocument(t *testing.T) {
	var g engine.Gap
	for i := range uint64(3) {
		require.True(t, g.Add(&engine.Notification{App: "a", Subscriber: "s", Sequence: i + 3, Call: engine.CallID(1024 + i), State: engine.StateReleased, Time: 5}, nil))
	}
	body := g.Notification(engine.NewEventID(1, 2), 7).Body
	require.NoError(t, openapitest.Public().Judge("StreamGap", body))
	require.NoError(t, openapitest.Public().Judge("Event", body))
	require.Error(t, openapitest.Public().Judge("CallEvent", body))
}
