package web

import (
	"crypto/x509"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// expiry measures when the first of a listener's certificates is over. It reads
// them again as a handshake does: what was replaced on disk counts.
type expiry struct {
	desc *prometheus.Desc

	mu sync.Mutex
	of map[*certificate]bool
}

func newExpiry(of prometheus.Labels) *expiry {
	return &expiry{of: map[*certificate]bool{}, desc: prometheus.NewDesc("offhook_tls_certificate_expiry_timestamp_seconds",
		"When the first certificate of the chain that a listener shows is over. Not there for plain HTTP.", nil, of)}
}

func (e *expiry) watch(c *certificate, on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if on {
		e.of[c] = true
	} else {
		delete(e.of, c)
	}
}

// Describe implements prometheus.Collector.
func (e *expiry) Describe(to chan<- *prometheus.Desc) { to <- e.desc }

// Collect implements prometheus.Collector.
func (e *expiry) Collect(to chan<- prometheus.Metric) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var first time.Time
	for c := range e.of {
		if at := c.ends(); first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if !first.IsZero() {
		to <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, float64(first.Unix()))
	}
}

// ends is when the first certificate of the chain is over.
func (c *certificate) ends() (first time.Time) {
	pair, _ := c.get(nil)
	for _, der := range pair.Certificate {
		is, err := x509.ParseCertificate(der)
		if err == nil && (first.IsZero() || is.NotAfter.Before(first)) {
			first = is.NotAfter
		}
	}
	return first
}
