package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures deliveries. The label endpoint is app id and kind, which
// are nobody's personal data. A nil *Metrics measures nothing.
type Metrics struct {
	attempts *prometheus.CounterVec
	took     prometheus.Histogram
	latency  prometheus.Histogram
	parks    *prometheus.CounterVec
	outages  *prometheus.CounterVec
	gone     *prometheus.CounterVec
	given    *prometheus.CounterVec
	reg      prometheus.Registerer
}

// NewMetrics registers what the package measures.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "offhook_webhook_" + name, Help: help}, labels)
	}
	m := &Metrics{
		reg:      reg,
		attempts: counter("attempts_total", "Delivery attempts by outcome.", "endpoint", "outcome"),
		parks:    counter("streams_parked_total", "Streams parked since an event failed for too long.", "endpoint"),
		outages:  counter("endpoint_outages_total", "Times an endpoint stopped answering.", "endpoint"),
		gone:     counter("endpoint_disabled_total", "Times an endpoint answered 410 Gone.", "endpoint"),
		given:    counter("gaps_total", "Gaps made of events that nobody took for as long as they are kept.", "endpoint"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "offhook_webhook_attempt_seconds", Help: "How long one attempt took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "offhook_webhook_latency_seconds", Help: "From the recording of an event to its 2xx.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 20),
		}),
	}
	reg.MustRegister(m.attempts, m.parks, m.outages, m.gone, m.given, m.took, m.latency)
	return m
}

func (m *Metrics) attempt(k endpointKey, o Outcome) {
	if m == nil {
		return
	}
	m.attempts.WithLabelValues(k.String(), string(o.Class)).Inc()
	m.took.Observe(o.Took.Seconds())
}

func (m *Metrics) delivered(age time.Duration) {
	if m != nil {
		m.latency.Observe(max(0, age.Seconds()))
	}
}

func (m *Metrics) parked(k endpointKey) {
	if m != nil {
		m.parks.WithLabelValues(k.String()).Inc()
	}
}

func (m *Metrics) opened(k endpointKey) {
	if m != nil {
		m.outages.WithLabelValues(k.String()).Inc()
	}
}

func (m *Metrics) disabled(k endpointKey) {
	if m != nil {
		m.gone.WithLabelValues(k.String()).Inc()
	}
}

func (m *Metrics) gaps(k endpointKey, n int) {
	if m != nil {
		m.given.WithLabelValues(k.String()).Add(float64(n))
	}
}

// watch lets scrapes read the dispatcher.
func (m *Metrics) watch(d *Dispatcher) {
	if m != nil {
		m.reg.MustRegister(&gauges{d})
	}
}

var (
	descFlying  = prometheus.NewDesc("offhook_webhook_in_flight", "Attempts under way.", nil, nil)
	descWaiting = prometheus.NewDesc("offhook_webhook_waiting_streams", "Streams with something undelivered.", []string{"endpoint"}, nil)
	descOldest  = prometheus.NewDesc("offhook_webhook_oldest_undelivered_seconds", "Age of the oldest undelivered event known; 0 for none.", []string{"endpoint"}, nil)
	descWindow  = prometheus.NewDesc("offhook_webhook_concurrency", "Attempts the endpoint may have under way.", []string{"endpoint"}, nil)
)

// gauges reads the dispatcher when somebody asks, and costs nothing otherwise.
type gauges struct{ d *Dispatcher }

func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descFlying, descWaiting, descOldest, descWindow} {
		ch <- d
	}
}

func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descFlying, float64(g.d.flying.Load()))
	for _, s := range g.d.Status() {
		label := endpointKey{s.App, s.Kind}.String()
		gauge(descWaiting, float64(s.Waiting), label)
		gauge(descOldest, s.Oldest.Seconds(), label)
		gauge(descWindow, float64(s.Concurrency), label)
	}
}
