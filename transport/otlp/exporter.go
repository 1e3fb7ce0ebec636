package otlp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"offhook/engine/trace"
)

// Config is what an Exporter works with. Zeroes are defaults.
type Config struct {
	Endpoint string // the URL spans are POSTed to
	Version  string // of offhook
	Instance string // of this installation
	Log      *slog.Logger
	Metrics  *Metrics

	Queue   int           // spans that may wait; zero means 4,096
	Batch   int           // of them in one request; zero means 512
	Every   time.Duration // how long a span waits for others; zero means 2 s
	Timeout time.Duration // of one request; zero means 10 s
	Tries   int           // of one batch; zero means 5
	Client  *http.Client  // nil means one that follows no redirect and asks no proxy
}

// Exporter sends spans. Make it with New, end it with Stop.
type Exporter struct {
	cfg   Config
	queue chan trace.Span
	stop  chan struct{}
	ended chan struct{}

	ctx    context.Context // of requests; ends when Stop has no more time
	giveUp context.CancelFunc
}

// New makes an exporter, which begins to send at once.
func New(cfg Config) *Exporter {
	def(&cfg.Queue, 4096)
	def(&cfg.Batch, 512)
	def(&cfg.Every, 2*time.Second)
	def(&cfg.Timeout, 10*time.Second)
	def(&cfg.Tries, 5)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{
			Transport:     &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	e := &Exporter{cfg: cfg, queue: make(chan trace.Span, cfg.Queue), stop: make(chan struct{}), ended: make(chan struct{})}
	e.ctx, e.giveUp = context.WithCancel(context.Background())
	go e.run()
	return e
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Export takes a span. It does not wait: a full queue drops it.
func (e *Exporter) Export(s trace.Span) {
	select {
	case e.queue <- s:
	default:
		e.cfg.Metrics.dropped(1)
	}
}

// Stop sends what waits, as long as ctx allows, and leaves no goroutine.
func (e *Exporter) Stop(ctx context.Context) error {
	close(e.stop)
	defer e.cfg.Client.CloseIdleConnections()
	defer e.giveUp()
	select {
	case <-e.ended:
		return nil
	case <-ctx.Done():
		e.giveUp()
		<-e.ended
		return fmt.Errorf("traces not sent: %w", ctx.Err())
	}
}

func (e *Exporter) run() {
	defer close(e.ended)
	tick := time.NewTicker(e.cfg.Every)
	defer tick.Stop()
	batch := make([]trace.Span, 0, e.cfg.Batch)
	flush := func() {
		if len(batch) > 0 {
			e.send(batch)
			clear(batch)
			batch = batch[:0]
		}
	}
	for {
		select {
		case s := <-e.queue:
			if batch = append(batch, s); len(batch) == e.cfg.Batch {
				flush()
			}
		case <-tick.C:
			flush()
		case <-e.stop:
			for {
				select {
				case s := <-e.queue:
					if batch = append(batch, s); len(batch) == e.cfg.Batch {
						flush()
					}
					continue
				default:
				}
				flush()
				return
			}
		}
	}
}

// send makes the tries of one batch. Spans that come meanwhile wait in the queue.
func (e *Exporter) send(batch []trace.Span) {
	body, err := proto.Marshal(e.request(batch))
	if err != nil {
		e.lose(len(batch), err)
		return
	}
	pause := time.Second
	for try := 1; ; try++ {
		after, err := e.post(body)
		switch {
		case err == nil:
			e.cfg.Metrics.sent(len(batch))
			return
		case after < 0 || try == e.cfg.Tries || !e.wait(max(after, pause)):
			e.lose(len(batch), err)
			return
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// wait reports false when it is time to end.
func (e *Exporter) wait(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.stop:
		return false
	}
}

func (e *Exporter) lose(spans int, err error) {
	e.cfg.Metrics.dropped(spans)
	e.cfg.Log.Warn("traces not exported", "spans", spans, "err", err)
}

// post makes one request. With an error it says how long the collector wants
// to be left alone; less than zero means that it will never take these.
func (e *Exporter) post(body []byte) (after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.cfg.Endpoint, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "offhook/"+e.cfg.Version)
	res, err := e.cfg.Client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10))
	if res.StatusCode/100 == 2 {
		return 0, nil
	}
	err = fmt.Errorf("the collector answered %d", res.StatusCode)
	switch res.StatusCode { // what may be sent again (OTLP, “Retryable Response Codes”)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return min(max(time.Duration(seconds)*time.Second, 0), time.Minute), err
	}
	return -1, err
}

// Metrics counts spans. A nil *Metrics counts nothing.
type Metrics struct{ spans *prometheus.CounterVec }

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "offhook_trace_spans_total", Help: "Spans handed to the collector, and dropped because it did not take them in time.",
	}, []string{"outcome"})}
	reg.MustRegister(m.spans)
	return m
}

func (m *Metrics) sent(n int) {
	if m != nil {
		m.spans.WithLabelValues("sent").Add(float64(n))
	}
}

func (m *Metrics) dropped(n int) {
	if m != nil {
		m.spans.WithLabelValues("dropped").Add(float64(n))
	}
}
