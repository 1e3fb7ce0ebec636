package broadworks

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/provider"
)

// Metrics of all BroadWorks networks. A nil *Metrics measures nothing.
type Metrics struct {
	link        *prometheus.GaugeVec
	channels    *prometheus.GaugeVec
	users       *prometheus.GaugeVec
	events      *prometheus.CounterVec
	acks        *prometheus.CounterVec
	reconnects  *prometheus.CounterVec
	terminated  *prometheus.CounterVec
	refusedSubs *prometheus.CounterVec
	requests    *prometheus.HistogramVec
	queue       *prometheus.HistogramVec
	unsent      *prometheus.CounterVec
	share       *prometheus.GaugeVec
}

// NewMetrics registers the metrics. It is called once for all networks.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "offhook_broadworks_" + name, Help: help}, append([]string{"network"}, labels...))
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "offhook_broadworks_" + name, Help: help}, append([]string{"network"}, labels...))
	}
	m := &Metrics{
		link:        gauge("link_state", "1 for the state the link is in.", "state"),
		channels:    gauge("channels", "Event streams that are up."),
		users:       gauge("users", "Users followed, and of these subscribed and refused.", "kind"),
		events:      counter("events_total", "Events by what became of them: delivered, duplicate, unknown, nobody, foreign, not_understood, buffered, early, late, control.", "verdict"),
		acks:        counter("acks_total", "Acknowledgements by outcome: sent, failed, dropped.", "outcome"),
		reconnects:  counter("reconnects_total", "Event streams that had to be built again."),
		terminated:  counter("channel_terminations_total", "Event streams the platform ended, by reason.", "reason"),
		refusedSubs: counter("subscriptions_refused_total", "Subscriptions the platform refused."),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "offhook_broadworks_request_seconds", Help: "Requests to the XSPs.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"network", "operation", "outcome"}),
	}
	m.queue = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "offhook_broadworks_queue_seconds", Help: "How long requests waited for their turn at an XSP.",
		Buckets: []float64{.0005, .002, .01, .05, .1, .25, .5, 1, 2, 5},
	}, []string{"network", "class"})
	m.unsent = counter("queue_refused_total", "Requests that were not sent because no turn at an XSP came in time.", "class")
	m.share = gauge("xsp_share", "How much of its bounds on requests an XSP has; less than 1 after it said that it is overloaded.", "xsp")
	reg.MustRegister(m.link, m.channels, m.users, m.events, m.acks, m.reconnects, m.terminated, m.refusedSubs, m.requests, m.queue, m.unsent, m.share)
	return m
}

func (m *Metrics) requested(network, op, outcome string, took time.Duration) {
	if m != nil {
		m.requests.WithLabelValues(network, op, outcome).Observe(took.Seconds())
	}
}

func (m *Metrics) queued(network string, c class, waited time.Duration, err error) {
	if m == nil {
		return
	}
	m.queue.WithLabelValues(network, c.String()).Observe(waited.Seconds())
	if err == errBusy || err == errWaited {
		m.unsent.WithLabelValues(network, c.String()).Inc()
	}
}

func (m *Metrics) event(network, verdict string) {
	if m != nil {
		m.events.WithLabelValues(network, verdict).Inc()
	}
}

func (m *Metrics) acked(network, outcome string) {
	if m != nil {
		m.acks.WithLabelValues(network, outcome).Inc()
	}
}

func (m *Metrics) reconnected(network string) {
	if m != nil {
		m.reconnects.WithLabelValues(network).Inc()
	}
}

func (m *Metrics) channelEnded(network, reason string) {
	if m != nil {
		m.terminated.WithLabelValues(network, reason).Inc()
	}
}

func (m *Metrics) subscriptionRefused(network string) {
	if m != nil {
		m.refusedSubs.WithLabelValues(network).Inc()
	}
}

func (m *Metrics) shareOf(network, xsp string, share float64) {
	if m != nil {
		m.share.WithLabelValues(network, xsp).Set(share)
	}
}

// left forgets an XSP that is gone.
func (m *Metrics) left(network, xsp string) {
	if m != nil {
		m.share.DeleteLabelValues(network, xsp)
	}
}

// Forget forgets how a network stands that is gone: what it was last would be
// told for ever.
func (m *Metrics) Forget(network string) {
	if m == nil {
		return
	}
	for _, g := range []*prometheus.GaugeVec{m.link, m.channels, m.users, m.share} {
		g.DeletePartialMatch(prometheus.Labels{"network": network})
	}
}

func (m *Metrics) status(network string, s provider.Status) {
	if m == nil {
		return
	}
	for _, link := range []provider.Link{provider.LinkDown, provider.LinkUp, provider.LinkGateClosed, provider.LinkDuplicate} {
		v := 0.0
		if s.Link == link {
			v = 1
		}
		m.link.WithLabelValues(network, string(link)).Set(v)
	}
	m.channels.WithLabelValues(network).Set(float64(s.Channels))
	m.users.WithLabelValues(network, "followed").Set(float64(s.Followed))
	m.users.WithLabelValues(network, "subscribed").Set(float64(s.Subscribed))
	m.users.WithLabelValues(network, "refused").Set(float64(s.Refused))
}
