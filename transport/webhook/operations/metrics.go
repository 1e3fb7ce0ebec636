package operations

import (
	"github.com/prometheus/client_golang/prometheus"

	"offhook/transport/webhook"
)

// Metrics measures operational webhooks. A nil *Metrics measures nothing.
type Metrics struct {
	told     *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// NewMetrics registers what the package measures.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_operational_webhooks_told_total", Help: "Operational webhooks that were taken, by receiver (app, operator) and type.",
		}, []string{"to", "type"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_operational_webhooks_failed_attempts_total", Help: "Attempts to tell that failed, by receiver (app, operator).",
		}, []string{"to"}),
	}
	reg.MustRegister(m.told, m.failures)
	return m
}

func to(app string) string {
	if app == "" {
		return "operator"
	}
	return "app"
}

func (m *Metrics) delivered(app string, what webhook.What) {
	if m != nil {
		m.told.WithLabelValues(to(app), string(what)).Inc()
	}
}

func (m *Metrics) failed(app string) {
	if m != nil {
		m.failures.WithLabelValues(to(app)).Inc()
	}
}
