package replay

import "github.com/prometheus/client_golang/prometheus"

// Metrics measures tasks. A nil *Metrics measures nothing.
type Metrics struct {
	running prometheus.Gauge
	events  *prometheus.CounterVec
}

// NewMetrics registers what the package measures.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "offhook_webhook_replay_tasks", Help: "Redelivery tasks that are running.",
		}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_webhook_replayed_events_total",
			Help: "Events that redelivery tasks are done with, by outcome: delivered, failed, skipped.",
		}, []string{"outcome"}),
	}
	reg.MustRegister(m.running, m.events)
	return m
}

func (m *Metrics) began() {
	if m != nil {
		m.running.Inc()
	}
}

func (m *Metrics) ended() {
	if m != nil {
		m.running.Dec()
	}
}

func (m *Metrics) settled(v verdict) {
	if m != nil {
		m.events.WithLabelValues(v.String()).Inc()
	}
}
