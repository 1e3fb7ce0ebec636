package oci

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of the provisioning interfaces of all networks. A nil *Metrics
// measures nothing.
type Metrics struct {
	requests  *prometheus.HistogramVec
	logins    *prometheus.CounterVec
	connected *prometheus.GaugeVec
	lost      *prometheus.CounterVec
	reports   *prometheus.CounterVec
}

// NewMetrics registers the metrics. It is called once for all networks.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "offhook_oci_" + name, Help: help}, append([]string{"network"}, labels...))
	}
	m := &Metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "offhook_oci_request_seconds", Help: "Requests to OCI-P, by what became of them: ok, refused, failed.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"network", "request", "outcome"}),
		logins: counter("logins_total", "Sessions of OCI-P that were opened or not: ok, refused, failed, unreachable.", "outcome"),
		connected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "offhook_oci_reporting_connected", Help: "1 while the change feed is connected.",
		}, []string{"network"}),
		lost:    counter("reporting_failures_total", "How often the change feed was lost, or could not be reached."),
		reports: counter("notifications_total", "Notifications of the change feed, by what they concern: user, everybody, nobody, keep_alive, not_understood.", "kind"),
	}
	reg.MustRegister(m.requests, m.logins, m.connected, m.lost, m.reports)
	return m
}

func (m *Metrics) asked(network, request, outcome string, took time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(network, request, outcome).Observe(took.Seconds())
	}
}

func (m *Metrics) loggedIn(network, outcome string) {
	if m != nil {
		m.logins.WithLabelValues(network, outcome).Inc()
	}
}

func (m *Metrics) feed(network string, connected bool) {
	if m == nil {
		return
	}
	value := 0.0
	if connected {
		value = 1
	}
	m.connected.WithLabelValues(network).Set(value)
}

func (m *Metrics) feedLost(network string) {
	if m != nil {
		m.lost.WithLabelValues(network).Inc()
	}
}

func (m *Metrics) reported(network, kind string) {
	if m != nil {
		m.reports.WithLabelValues(network, kind).Inc()
	}
}

// Forget forgets how the feed of a network stands that is gone.
func (m *Metrics) Forget(network string) {
	if m != nil {
		m.connected.DeleteLabelValues(network)
	}
}
