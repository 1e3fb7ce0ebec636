package store

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"offhook/engine/actor"
)

// Metrics are the store's. A nil *Metrics measures nothing.
type Metrics struct {
	groupSize       prometheus.Histogram
	appendSeconds   prometheus.Histogram
	syncFailures    prometheus.Counter
	attemptsDropped prometheus.Counter
	swept           *prometheus.CounterVec

	store atomic.Pointer[Store] // nil while none is open
}

// NewMetrics registers the store's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		groupSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "offhook_store_append_group_size", Help: "Submissions that shared one sync.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 13),
		}),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "offhook_store_append_seconds", Help: "From the first submission of a group to its being durable.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2, 15),
		}),
		syncFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "offhook_store_sync_failures_total", Help: "Groups that could not be made durable; the first one ends the process.",
		}),
		attemptsDropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "offhook_store_attempts_dropped_total", Help: "Delivery attempts that were not noted, since too many waited to be.",
		}),
		swept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "offhook_store_swept_total", Help: "Records removed because they were old.",
		}, []string{"what"}),
	}
	reg.MustRegister(m.groupSize, m.appendSeconds, m.syncFailures, m.attemptsDropped, m.swept,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_store_waiting_events", Help: "Events that wait for delivery. Counted anew at each sweep.",
		}, func() float64 { return m.read(func(s *Store) float64 { return float64(s.journal.waiting.Load()) }) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_store_disk_bytes", Help: "Bytes in the files of the data directory, the log that is being written included; room the file system set aside for it is not.",
		}, func() float64 {
			return m.read(func(s *Store) float64 { return float64(s.diskBytes()) })
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_store_free_bytes", Help: "Free space of the disk of the data directory; 0 where it cannot tell.",
		}, func() float64 { return m.read(func(s *Store) float64 { return float64(s.space.free.Load()) }) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "offhook_store_shedding", Help: "1 while nothing new is taken since the disk is nearly full.",
		}, func() float64 {
			return m.read(func(s *Store) float64 {
				if s.Room() == actor.RoomEnough {
					return 0
				}
				return 1
			})
		}),
	)
	return m
}

// diskBytes is what the files of the directory hold. Pebble's own count leaves
// out the log that is being written, which is most of a young directory. A file
// that is gone before it is looked at holds nothing.
func (s *Store) diskBytes() (sum int64) {
	fs := s.opts.FS
	names, err := fs.List(s.dir)
	if err != nil {
		return 0
	}
	for _, name := range names {
		if info, err := fs.Stat(fs.PathJoin(s.dir, name)); err == nil && !info.IsDir() {
			sum += info.Size()
		}
	}
	return sum
}

func (m *Metrics) read(f func(*Store) float64) float64 {
	s := m.store.Load()
	if s == nil || s.use() != nil {
		return 0
	}
	defer s.done()
	return f(s)
}

func (m *Metrics) attach(s *Store) {
	if m != nil {
		m.store.Store(s)
	}
}

func (m *Metrics) detach(s *Store) {
	if m != nil {
		m.store.CompareAndSwap(s, nil)
	}
}

func (m *Metrics) appended(submissions int, since time.Time) {
	if m != nil {
		m.groupSize.Observe(float64(submissions))
		m.appendSeconds.Observe(time.Since(since).Seconds())
	}
}

func (m *Metrics) failed() {
	if m != nil {
		m.syncFailures.Inc()
	}
}

func (m *Metrics) attemptDropped() {
	if m != nil {
		m.attemptsDropped.Inc()
	}
}

func (m *Metrics) sweptRows(what string, n int) {
	if m != nil {
		m.swept.WithLabelValues(what).Add(float64(n))
	}
}
