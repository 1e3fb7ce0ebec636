package provision

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/engine/tenant"
)

// Metrics of the provisioning of all networks. A nil *Metrics measures nothing.
type Metrics struct {
	entries  *prometheus.GaugeVec
	owned    *prometheus.GaugeVec
	left     *prometheus.GaugeVec
	braked   *prometheus.GaugeVec
	full     *prometheus.GaugeVec
	every    *prometheus.GaugeVec
	changes  *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// NewMetrics registers the metrics. It is called once for all networks.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "offhook_provisioning_" + name, Help: help}, append([]string{"network"}, labels...))
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "offhook_provisioning_" + name, Help: help}, append([]string{"network"}, labels...))
	}
	m := &Metrics{
		entries:  gauge("entries", "Users the source had when everything was looked at last."),
		owned:    gauge("subscribers", "Subscribers that came from the source."),
		left:     gauge("left_alone", "Users that are not provisioned, by why: by_hand, conflict, skipped.", "why"),
		braked:   gauge("braked", "Subscribers that would be deleted if the operator confirmed it; 0 when nothing is held."),
		full:     gauge("last_full_timestamp_seconds", "When everything was looked at last with success; 0 for never."),
		every:    gauge("every_seconds", "How often everything is to be looked at."),
		changes:  counter("changes_total", "Subscribers added, changed, renamed and deleted.", "kind"),
		failures: counter("failures_total", "What went wrong: diff, read, watch, braked.", "what"),
	}
	reg.MustRegister(m.entries, m.owned, m.left, m.braked, m.full, m.every, m.changes, m.failures)
	return m
}

// Forget forgets how a network stands that is not provisioned from anywhere any
// more: what it was last would be told for ever.
func (m *Metrics) Forget(network string) {
	if m == nil {
		return
	}
	for _, g := range []*prometheus.GaugeVec{m.entries, m.owned, m.left, m.braked, m.full, m.every} {
		g.DeletePartialMatch(prometheus.Labels{"network": network})
	}
}

func (m *Metrics) status(network string, every time.Duration, s *tenant.ProvisioningStatus) {
	if m == nil {
		return
	}
	m.entries.WithLabelValues(network).Set(float64(s.Entries))
	m.owned.WithLabelValues(network).Set(float64(s.Provisioned))
	m.left.WithLabelValues(network, "by_hand").Set(float64(s.ByHand))
	m.left.WithLabelValues(network, "conflict").Set(float64(s.Conflicts))
	m.left.WithLabelValues(network, "skipped").Set(float64(s.Skipped))
	braked := 0
	if s.Braked != nil {
		braked = s.Braked.Missing
	}
	m.braked.WithLabelValues(network).Set(float64(braked))
	m.full.WithLabelValues(network).Set(float64(s.LastFull) / 1000)
	m.every.WithLabelValues(network).Set(every.Seconds())
}

func (m *Metrics) changed(network, kind string) {
	if m != nil {
		m.changes.WithLabelValues(network, kind).Inc()
	}
}

func (m *Metrics) failed(network, what string) {
	if m != nil {
		m.failures.WithLabelValues(network, what).Inc()
	}
}
