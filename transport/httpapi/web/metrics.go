package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures one listener. A nil *Metrics measures nothing.
type Metrics struct {
	requests *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	limits   *prometheus.CounterVec
	expiry   *expiry
}

// NewMetrics registers the measures of a listener, "api" or "admin".
func NewMetrics(reg prometheus.Registerer, listener string) *Metrics {
	of := prometheus.Labels{"listener": listener}
	m := &Metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "offhook_http_request_seconds", ConstLabels: of,
			Help:    "Requests by route pattern, method and class of status, with the time until the handler was done.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"route", "method", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_http_refused_keys_total", ConstLabels: of,
			Help: "Requests whose key or token was refused, by reason.",
		}, []string{"reason"}),
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_http_rate_limited_total", ConstLabels: of,
			Help: "Requests and connections over a bound, by what was bounded.",
		}, []string{"bound"}),
	}
	m.expiry = newExpiry(of)
	reg.MustRegister(m.requests, m.refused, m.limits, m.expiry)
	return m
}

// observe counts a request. Methods are labels, so unknown ones are one.
func (m *Metrics) observe(route, method string, status int, took time.Duration) {
	if m == nil {
		return
	}
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
	default:
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

// shows has the certificate of a listener watched, or no more.
func (m *Metrics) shows(c *certificate, on bool) {
	if m != nil && c != nil {
		m.expiry.watch(c, on)
	}
}

// Refused counts a key that did not open.
func (m *Metrics) Refused(reason string) {
	if m != nil {
		m.refused.WithLabelValues(reason).Inc()
	}
}

// Limited counts a request over a bound.
func (m *Metrics) Limited(bound string) {
	if m != nil {
		m.limits.WithLabelValues(bound).Inc()
	}
}
