package actor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/engine"
)

// Metrics is what the directory counts. A nil Metrics counts nothing.
type Metrics struct {
	transitions *prometheus.CounterVec
	commands    *prometheus.HistogramVec
	asks        *prometheus.HistogramVec
	events      *prometheus.CounterVec
	refusals    *prometheus.CounterVec
	depth       *prometheus.GaugeVec
	dropped     prometheus.Counter
	liveCalls   prometheus.Gauge
	goroutines  prometheus.Gauge

	moves          series[prometheus.Counter]  // of transitions
	carriedOut     series[prometheus.Observer] // of commands, those that were not refused, by verb
	verdicts       series[prometheus.Counter]  // of events
	commandsQueued prometheus.Gauge            // of depth
	factsQueued    prometheus.Gauge
}

// latency spans a memory read to a command that waits for its phone: 50 µs to 13 s.
var latency = prometheus.ExponentialBuckets(0.00005, 2, 18)

// NewMetrics registers the directory's series.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_transitions_total", Help: "Call state transitions.",
		}, []string{"from", "on", "to", "synthetic"}),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "offhook_command_seconds", Help: "Commands, from the API to the durable answer.", Buckets: latency,
		}, []string{"verb", "outcome"}),
		asks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "offhook_provider_ask_seconds", Help: "Requests to the provider.", Buckets: latency,
		}, []string{"verb", "outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_events_total", Help: "Provider events by what became of them.",
		}, []string{"verdict"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_commands_refused_total", Help: "Commands refused because a queue was full.",
		}, []string{"queue"}),
		depth: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "offhook_inbox_depth", Help: "Inputs that wait for an owner.",
		}, []string{"queue"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "offhook_facts_overflowed_total", Help: "Facts replaced by a durable resync mark.",
		}),
		liveCalls:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "offhook_live_calls", Help: "Calls that are not released."}),
		goroutines: prometheus.NewGauge(prometheus.GaugeOpts{Name: "offhook_owners_awake", Help: "Subscribers that have a goroutine right now."}),
	}
	reg.MustRegister(m.transitions, m.commands, m.asks, m.events, m.refusals, m.depth, m.dropped, m.liveCalls, m.goroutines)
	m.moves = make(series[prometheus.Counter], states*triggers*states*2)
	m.carriedOut = make(series[prometheus.Observer], engine.VerbGetConference+1)
	m.verdicts = make(series[prometheus.Counter], engine.EventIgnored+1)
	m.commandsQueued, m.factsQueued = m.depth.WithLabelValues("commands"), m.depth.WithLabelValues("facts")
	return m
}

const (
	states   = int(engine.StateReleased) + 1
	triggers = int(engine.OnUnknown) + 1
)

func (m *Metrics) transition(t engine.Move) {
	if m == nil {
		return
	}
	n := 2 * ((int(t.From)*triggers+int(t.On))*states + int(t.To))
	if t.Synthetic {
		n++
	}
	m.moves.at(n, func() prometheus.Counter {
		return m.transitions.WithLabelValues(t.From.String(), t.On.String(), t.To.String(), yes(t.Synthetic))
	}).Inc()
}

func (m *Metrics) command(v engine.Verb, r engine.Reply, took time.Duration) {
	if m == nil || v == engine.VerbGet || v == engine.VerbList || v == engine.VerbGetConference {
		return
	}
	if r.Err != nil {
		m.commands.WithLabelValues(v.String(), string(r.Err.Code)).Observe(took.Seconds())
		return
	}
	m.carriedOut.at(int(v), func() prometheus.Observer { return m.commands.WithLabelValues(v.String(), "ok") }).Observe(took.Seconds())
}

func (m *Metrics) asked(v engine.Verb, k engine.OutcomeKind, took time.Duration) {
	if m != nil {
		m.asks.WithLabelValues(v.String(), k.String()).Observe(took.Seconds())
	}
}

var verdicts = []string{"applied", "duplicate", "gap", "ignored"}

func (m *Metrics) event(v engine.EventVerdict) {
	if m != nil {
		m.verdicts.at(int(v), func() prometheus.Counter { return m.events.WithLabelValues(verdicts[v]) }).Inc()
	}
}

func (m *Metrics) refused(queue string) {
	if m != nil {
		m.refusals.WithLabelValues(queue).Inc()
	}
}

func (m *Metrics) queuedCommands(n float64) {
	if m != nil {
		m.commandsQueued.Add(n)
	}
}

func (m *Metrics) queuedFacts(n float64) {
	if m != nil {
		m.factsQueued.Add(n)
	}
}

func (m *Metrics) overflowed(n int) {
	if m != nil {
		m.dropped.Add(float64(n))
	}
}

func (m *Metrics) live(n int) {
	if m != nil && n != 0 {
		m.liveCalls.Add(float64(n))
	}
}

func (m *Metrics) awake(n float64) {
	if m != nil {
		m.goroutines.Add(n)
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
