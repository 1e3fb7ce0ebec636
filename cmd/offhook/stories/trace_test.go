package stories

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"offhook/bench/prove/rig"
)

// heard are the requests somebody was sent, by what the test wants to know.
type heard struct {
	mu  sync.Mutex
	all []http.Header
}

// of has a handler's requests heard.
func (h *heard) of(next http.Handler, name func(*http.Request, []byte) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		header := r.Header.Clone()
		header.Set("Heard", name(r, body))
		h.mu.Lock()
		h.all = append(h.all, header)
		h.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// find waits for a request whose name has a text in it.
func (h *heard) find(t *testing.T, text string) http.Header {
	t.Helper()
	for range rig.Poll(20 * time.Second) {
		h.mu.Lock()
		i := slices.IndexFunc(h.all, func(x http.Header) bool { return strings.Contains(x.Get("Heard"), text) })
		var found http.Header
		if i >= 0 {
			found = h.all[i]
		}
		h.mu.Unlock()
		if found != nil {
			return found
		}
	}
	t.Fatalf("nobody heard %q", text)
	return nil
}

// collector is an OpenTelemetry collector that keeps the names of spans.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string][]*otlp.Span // by trace id
}

func newCollector(t *testing.T) *collector {
	c := &collector{spans: map[string][]*otlp.Span{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var data otlp.TracesData
		if r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &data) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, rs := range data.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, s := range ss.Spans {
					id := hex.EncodeToString(s.TraceId)
					c.spans[id] = append(c.spans[id], s)
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// span waits for a span of a trace.
func (c *collector) span(t *testing.T, id, name string) *otlp.Span {
	t.Helper()
	for range rig.Poll(20 * time.Second) {
		c.mu.Lock()
		all := c.spans[id]
		c.mu.Unlock()
		for _, s := range all {
			if strings.Contains(s.Name, name) {
				return s
			}
		}
	}
	t.Fatalf("no span %q in trace %s", name, id)
	return nil
}

// logged waits for a line with two texts in it.
func logged(p *rig.Process, one, other string) bool {
	for range rig.Poll(20 * time.Second) {
		for line := range strings.Lines(p.Output()) {
			if strings.Contains(line, one) && strings.Contains(line, other) {
				return true
			}
		}
	}
	return false
}

// A request's trace goes to the platform, to the events that come of it and to
// their webhooks, in headers, in the log and in spans; and to no other app.
func TestATraceGoesFromTheRequestToTheWebhook(t *testing.T) {
	l := rig.NewLedger(t)
	state := func(_ *http.Request, body []byte) string {
		var d rig.Delivery
		_ = json.Unmarshal(body, &d)
		return d.State
	}
	var webhooks, others, platform heard
	l.Config.Handler = webhooks.of(l.Config.Handler, state)
	other := httptest.NewServer(others.of(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), state))
	t.Cleanup(other.Close)
	spans := newCollector(t)

	w := rig.Checked.Platform(t, 2)
	xsp := httptest.NewServer(platform.of(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: w.SimAddr}),
		func(r *http.Request, _ []byte) string { return r.Method + " " + r.URL.Path }))
	t.Cleanup(xsp.Close)
	config, err := os.ReadFile(w.Config)
	require.NoError(t, err)
	require.Contains(t, string(config), "http://"+w.SimAddr)
	require.NoError(t, os.WriteFile(w.Config, []byte(strings.ReplaceAll(string(config), "http://"+w.SimAddr, xsp.URL)), 0o600))
	w.Env = []string{"OFFHOOK_LOG_LEVEL=debug", "OFFHOOK_TRACING_ENDPOINT=" + spans.URL, "OFFHOOK_TRACING_SAMPLE_RATIO=1"}
	w.Begin(t, l, 2)
	made := rig.Must(t, 201, "POST", w.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"name":"another","calls_webhook":{"url":%q}}`, other.URL)).JSON(t)
	rig.Must(t, 204, "PUT", w.Admin("/admin/apps/"+made["app_id"].(string)+"/subscribers/"+w.Subscribers[0]["subscriber_id"].(string)), rig.Operator, "")
	w.Followed(2)

	// Somebody who traces nothing gets a trace of his own.
	placed, err := w.Place(w.Subscribers[0], "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	own := placed.Header.Get("traceresponse")
	require.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-01$`, own)
	require.Contains(t, platform.find(t, "/calls/new").Get("traceparent"), own[3:35])
	require.Contains(t, webhooks.find(t, "ringing").Get("traceparent"), own[3:35])
	w.Until(call, "active")

	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	a := rig.Must(t, 204, "PUT", w.API("/calls/"+call+"/hold"), w.Key, "", "traceparent", "00-"+id+"-"+parent+"-01")
	require.Contains(t, a.Header.Get("traceresponse"), id)
	asked := platform.find(t, "/Hold")
	require.Contains(t, asked.Get("traceparent"), id)
	require.Equal(t, id, asked.Get("TrackingID"))
	told := webhooks.find(t, "held")
	require.Contains(t, told.Get("traceparent"), id)
	require.Empty(t, others.find(t, "held").Get("traceparent"), "what an app asks is its own affair")
	for _, line := range []string{`msg="provider asked"`, "msg=transition", `msg="event caused"`, `msg="webhook attempt"`} {
		require.True(t, logged(w.Process, line, "trace="+id), "%s has the trace:\n%s", line, w.Output())
	}
	server := spans.span(t, id, "PUT /apps/{app_id}/calls/{call_id}/hold")
	require.Equal(t, parent, hex.EncodeToString(server.ParentSpanId))
	for _, name := range []string{"provider hold", "webhook calls"} {
		require.Equal(t, server.SpanId, spans.span(t, id, name).ParentSpanId, name)
	}
	require.Equal(t, hex.EncodeToString(spans.span(t, id, "provider hold").SpanId), asked.Get("traceparent")[36:52])
	require.Equal(t, hex.EncodeToString(spans.span(t, id, "webhook calls").SpanId), told.Get("traceparent")[36:52])

	// What is no traceparent is none.
	a = rig.Must(t, 204, "PUT", w.API("/calls/"+call+"/resume"), w.Key, "", "traceparent", "00-"+strings.Repeat("0", 32)+"-"+parent+"-01")
	require.NotContains(t, a.Header.Get("traceresponse"), strings.Repeat("0", 32))
	rig.Must(t, 204, "DELETE", w.API("/calls/"+call), w.Key, "")
	w.Drain()
}
