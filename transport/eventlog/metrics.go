package eventlog

import "github.com/prometheus/client_golang/prometheus"

// Metrics measures streams. A nil *Metrics measures nothing.
type Metrics struct {
	open   prometheus.Gauge
	events prometheus.Counter
	ends   *prometheus.CounterVec
}

// NewMetrics registers what the package measures.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "offhook_event_streams", Help: "Event streams that are open.",
		}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "offhook_event_stream_events_total", Help: "Events written to streams.",
		}),
		ends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_event_streams_ended_total",
			Help: "Streams that ended, by reason: left, slow, drain, revoked, failed.",
		}, []string{"reason"}),
	}
	reg.MustRegister(m.open, m.events, m.ends)
	return m
}

func (m *Metrics) opened() {
	if m != nil {
		m.open.Inc()
	}
}

func (m *Metrics) ended(reason string) {
	if m != nil {
		m.open.Dec()
		m.ends.WithLabelValues(reason).Inc()
	}
}

func (m *Metrics) sent(events int) {
	if m != nil && events > 0 {
		m.events.Add(float64(events))
	}
}
