package webhook

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/engine/trace"
	"offhook/transport/openapitest"
)

// tap is a receiver that keeps the bytes of each request as they came.
type tap struct {
	url string

	mu  sync.Mutex
	got []string
}

func newTap(t *testing.T) *tap {
	p := new(tap)
	p.url = raw(t, func(c net.Conn, _ *bufio.Reader) {
		for {
			var request bytes.Buffer
			r := bufio.NewReader(io.TeeReader(c, &request)) // one at a time on a connection: nothing is read ahead
			if !swallow(r) {
				return
			}
			p.mu.Lock()
			p.got = append(p.got, request.String())
			p.mu.Unlock()
			if _, err := io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
				return
			}
		}
	})
	return p
}

func (p *tap) last(t *testing.T) (head []string, body string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.NotEmpty(t, p.got)
	before, body, ok := strings.Cut(p.got[len(p.got)-1], "\r\n\r\n")
	require.True(t, ok)
	return strings.Split(before, "\r\n"), body
}

func (p *tap) aim(t *testing.T, r tenant.Receiver) Target {
	t.Helper()
	if r.URL == "" {
		r.URL = p.url
	}
	r.Secrets = []string{testSecret}
	target, err := NewClient(ampleTimes()).Aim("app", r)
	require.NoError(t, err)
	t.Cleanup(target.Close)
	return target
}

func TestARequestByteForByte(t *testing.T) {
	p := newTap(t)
	target := p.aim(t, tenant.Receiver{URL: p.url + "/hook?a=b", Headers: []tenant.Header{{Name: "X-Api-Key", Value: "k3y"}, {Name: "Authorization", Value: "Bearer abc"}}})
	n := note(7)
	require.Equal(t, Delivered, target.Post(&Parcel{ID: n.EventID, Events: []*engine.Notification{n}, GapFrom: 3, Redelivery: true}).Class)
	head, body := p.last(t)
	for i, line := range head {
		if name, _, _ := strings.Cut(line, ": "); name == "webhook-timestamp" || name == "webhook-signature" {
			head[i] = name
		}
	}
	require.Equal(t, []string{
		"POST /hook?a=b HTTP/1.1", "Host: " + strings.TrimPrefix(p.url, "http://"), "User-Agent: offhook/test", "Content-Type: application/json",
		"X-Api-Key: k3y", "Authorization: Bearer abc", fmt.Sprintf("Content-Length: %d", len(n.Body)), "webhook-id: evt_7",
		"webhook-timestamp", "webhook-gap-from: 3", "webhook-redelivery: true", "webhook-signature",
	}, head)
	require.Equal(t, string(n.Body), body)

	require.Equal(t, Delivered, target.Post(parcel(note(8))).Class)
	head, _ = p.last(t)
	for _, line := range head {
		require.NotContains(t, line, "webhook-gap-from")
		require.NotContains(t, line, "webhook-redelivery")
		require.NotContains(t, line, "traceparent", "it came of nobody's request")
	}

	traced := parcel(note(9))
	traced.Trace, _ = trace.Parse([]byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	require.Equal(t, Delivered, target.Post(traced).Class)
	head, _ = p.last(t)
	require.Contains(t, head, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
}

func TestABatchIsAnArrayOfTheBodies(t *testing.T) {
	srv, seen := verifyingServer(t)
	target := aim(t, ampleTimes(), srv.URL)
	large := note(3)
	large.Body = append([]byte(`{"pad":"`), append(bytes.Repeat([]byte("ü"), maxBatchBytes/2), `"}`...)...)
	for _, events := range [][]*engine.Notification{
		{note(1)}, {note(1), note(2)}, {note(1), large, note(2)}, {note(1), note(2)}, // a large one leaves nothing behind
	} {
		var bodies []string
		for _, e := range events {
			bodies = append(bodies, string(e.Body))
		}
		out := target.Post(&Parcel{ID: "batch_1", Batch: true, Events: events})
		require.Equal(t, Delivered, out.Class, "%v", out.Err)
		got := <-seen
		require.Equal(t, "["+strings.Join(bodies, ",")+"]", got)
		var list []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(got), &list))
		require.Len(t, list, len(events))
	}
	require.Equal(t, Delivered, target.Post(parcel(note(9))).Class)
	require.Equal(t, string(note(9).Body), <-seen, "without batch mode a body is itself")
}

// verifyingServer takes what is signed with testSecret and passes its bodies on.
func verifyingServer(t *testing.T) (srv *httptest.Server, seen chan string) {
	verify, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	seen = make(chan string, 1)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || verify.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if strings.Contains(string(body), `"webhook.test"`) {
			if err := openapitest.Public().Sent("test", r.Header, []byte(strings.Trim(string(body), "[]"))); err != nil {
				t.Error(err)
			}
		}
		seen <- string(body)
	}), seen
}

// injections are what somebody might write to end a line early.
var injections = []string{
	"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\nPOST /evil HTTP/1.1\r\nHost: evil\r\n\r\n", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029",
	"\u560d\u560aX-Evil: 1", // its low bytes are CR LF to who cuts runes into bytes
	"\r\n X-Evil: 1", "\r\n\tX-Evil: 1", "\xe5\x98\x8d\xe5\x98\x8aX-Evil: 1", "\xc0\x8d\xc0\x8a", "\x1b[2J", "\x7f",
}

func TestNothingEndsALineEarly(t *testing.T) {
	p := newTap(t)
	client := NewClient(ampleTimes())
	for _, evil := range injections {
		for _, h := range []tenant.Header{{Name: "X-Fine", Value: "a" + evil}, {Name: "X-Fine", Value: evil + "a"}, {Name: "X-Fine" + evil, Value: "a"}, {Name: evil, Value: "a"}} {
			_, err := client.Aim("app", tenant.Receiver{URL: p.url, Secrets: []string{testSecret}, Headers: []tenant.Header{{Name: "X-Ok", Value: "ok"}, h}})
			require.Error(t, err, "%q: %q", h.Name, h.Value)
			require.NotContains(t, err.Error(), "Evil")
		}
		_, err := client.Aim("app", tenant.Receiver{URL: p.url + "/" + evil, Secrets: []string{testSecret}})
		if err != nil {
			continue
		}
		// What the URL parser takes, it also escapes.
		require.Equal(t, Delivered, p.aim(t, tenant.Receiver{URL: p.url + "/" + evil}).Post(parcel(note(1))).Class, "%q", evil)
		head, _ := p.last(t)
		require.Len(t, head, 8, "%q", evil)
	}
	for _, path := range []string{"/%0d%0aX-Evil:%201", "/?a=%0d%0aX-Evil:%201", "/%E5%98%8D%E5%98%8AX-Evil:%201", "/a b", "/?a b", "/?a=b HTTP/1.1", "/ü?ü=\u2028"} {
		require.Equal(t, Delivered, p.aim(t, tenant.Receiver{URL: p.url + path}).Post(parcel(note(1))).Class, path)
		head, _ := p.last(t)
		require.Len(t, head, 8, path)
		require.Len(t, strings.Split(head[0], " "), 3, path)
	}
	// All that a value may have, and it is one line still.
	value := "\"quoted\"\t, ;=:\\ %0d%0aX-Evil: 1 \\r\\n ~!"
	require.Equal(t, Delivered, p.aim(t, tenant.Receiver{Headers: []tenant.Header{{Name: "X-Fine", Value: value}}}).Post(parcel(note(1))).Class)
	head, _ := p.last(t)
	require.Len(t, head, 9)
	require.Equal(t, "X-Fine: "+value, head[4])
}

func TestHeadersThatAreOursAreNotTaken(t *testing.T) {
	client := NewClient(ampleTimes())
	for _, name := range []string{"Host", "content-length", "Transfer-Encoding", "CONNECTION", "Webhook-Id", "webhook-signature", "Cookie", "Proxy-Authorization", "X Y", ""} {
		_, err := client.Aim("app", tenant.Receiver{URL: "http://127.0.0.1:9/", Secrets: []string{testSecret}, Headers: []tenant.Header{{Name: name, Value: "hunter2"}}})
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
