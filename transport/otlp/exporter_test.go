package otlp

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"offhook/engine/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector is one in memory. It answers what it is told to, and then 200.
type collector struct {
	mu      sync.Mutex
	answers []int
	asked   []time.Time
	spans   []*otlp.Span
	service string
	hangs   bool
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, time.Now())
	if c.hangs {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	status := 200
	if len(c.answers) > 0 {
		status, c.answers = c.answers[0], c.answers[1:]
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var data otlp.TracesData
	if err := proto.Unmarshal(body, &data); err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
		status = 400
	}
	if status == 200 {
		for _, rs := range data.ResourceSpans {
			c.service = rs.Resource.Attributes[0].Value.GetStringValue()
			for _, ss := range rs.ScopeSpans {
				c.spans = append(c.spans, ss.Spans...)
			}
		}
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {"7"}}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func export(t *testing.T, c *collector, change func(*Config), story func(t *testing.T, e *Exporter, m *Metrics)) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMetrics(prometheus.NewRegistry())
		cfg := Config{Endpoint: "http://collector.example.com/v1/traces", Version: "1", Metrics: m, Client: &http.Client{Transport: c}}
		if change != nil {
			change(&cfg)
		}
		story(t, New(cfg), m)
	})
}

func count(m *Metrics, outcome string) int {
	return int(testutil.ToFloat64(m.spans.WithLabelValues(outcome)))
}

func TestSpansReachTheCollectorAsTheyAre(t *testing.T) {
	c := &collector{}
	export(t, c, nil, func(t *testing.T, e *Exporter, m *Metrics) {
		root := trace.New(true)
		at := root.Child()
		start := time.Now()
		e.Export(trace.Span{Context: at, Parent: root.Span, Name: "provider hold", Kind: trace.Client, Start: start, End: start.Add(time.Millisecond),
			Attributes: []trace.Attribute{{Name: "offhook.outcome", Value: "refused"}, {Name: "http.response.status_code", Value: 503}}, Failed: "refused"})
		e.Export(trace.Span{Context: root, Name: "PUT /x", Kind: trace.Server, Start: start, End: start})
		time.Sleep(3 * time.Second)
		c.mu.Lock()
		defer c.mu.Unlock()
		require.Len(t, c.asked, 1, "they wait for each other")
		require.Equal(t, "offhook", c.service)
		require.Len(t, c.spans, 2)
		s := c.spans[0]
		require.Equal(t, root.ID[:], s.TraceId)
		require.Equal(t, at.Span[:], s.SpanId)
		require.Equal(t, root.Span[:], s.ParentSpanId)
		require.Equal(t, otlp.Span_SPAN_KIND_CLIENT, s.Kind)
		require.Equal(t, otlp.Status_STATUS_CODE_ERROR, s.Status.Code)
		require.EqualValues(t, time.Millisecond, s.EndTimeUnixNano-s.StartTimeUnixNano)
		require.Equal(t, "refused", s.Attributes[0].Value.GetStringValue())
		require.EqualValues(t, 503, s.Attributes[1].Value.GetIntValue())
		require.Empty(t, c.spans[1].ParentSpanId)
		require.Equal(t, otlp.Span_SPAN_KIND_SERVER, c.spans[1].Kind)
		require.NoError(t, e.Stop(t.Context()))
		require.Equal(t, 2, count(m, "sent"))
	})
}

func TestABusyCollectorIsAskedLaterAndOneThatRefusesIsNot(t *testing.T) {
	c := &collector{answers: []int{503, 429}}
	export(t, c, nil, func(t *testing.T, e *Exporter, m *Metrics) {
		e.Export(trace.Span{Context: trace.New(true), Start: time.Now(), End: time.Now()})
		time.Sleep(time.Minute)
		c.mu.Lock()
		require.Len(t, c.asked, 3)
		require.Equal(t, 7*time.Second, c.asked[1].Sub(c.asked[0]), "as it asked for")
		require.Len(t, c.spans, 1)
		c.answers = []int{400}
		c.mu.Unlock()
		e.Export(trace.Span{Context: trace.New(true), Start: time.Now(), End: time.Now()})
		time.Sleep(time.Minute)
		require.NoError(t, e.Stop(t.Context()))
		require.Len(t, c.asked, 4)
		require.Equal(t, 1, count(m, "dropped"))
	})
}

// A collector that is gone costs nobody time, and only so much memory.
func TestWhatIsNotTakenIsDropped(t *testing.T) {
	c := &collector{hangs: true}
	export(t, c, func(cfg *Config) { cfg.Queue, cfg.Batch = 10, 5 }, func(t *testing.T, e *Exporter, m *Metrics) {
		began := time.Now()
		for range 100 {
			e.Export(trace.Span{Context: trace.New(true), Start: time.Now(), End: time.Now()})
			synctest.Wait()
		}
		require.Zero(t, time.Since(began), "nobody waited")
		require.Equal(t, 85, count(m, "dropped"), "one batch is on its way, ten spans wait")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, e.Stop(ctx))
		require.Equal(t, 100, count(m, "dropped"))
	})
}

func TestAStopSendsWhatWaits(t *testing.T) {
	c := &collector{}
	export(t, c, nil, func(t *testing.T, e *Exporter, m *Metrics) {
		for range 700 {
			e.Export(trace.Span{Context: trace.New(true), Start: time.Now(), End: time.Now()})
		}
		require.NoError(t, e.Stop(t.Context()))
		require.Len(t, c.spans, 700)
		require.Equal(t, 700, count(m, "sent"))
	})
}
