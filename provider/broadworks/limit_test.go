package broadworks

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// seconds counts what happens in each second.
type seconds struct {
	mu sync.Mutex
	n  map[int64]int
}

func (s *seconds) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		s.n = map[int64]int{}
	}
	s.n[time.Now().Unix()]++
}

func (s *seconds) peak() (most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.n {
		most = max(most, n)
	}
	return most
}

func TestNoSecondSeesMoreRequestsThanTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&Config{XSPRate: 50, InFlight: 8, Waiting: 1000, QueueTime: time.Minute})
		var took seconds
		var wg sync.WaitGroup
		began := time.Now()
		for range 200 {
			wg.Go(func() {
				_, err := l.enter(t.Context(), classPoll)
				require.NoError(t, err)
				took.count()
				l.leave()
			})
		}
		wg.Wait()
		require.LessOrEqual(t, took.peak(), 50)
		require.InDelta(t, 200/45.0, time.Since(began).Seconds(), 0.5, "and hardly fewer")
	})
}

func TestCommandsGoBeforePolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&Config{XSPRate: 1000, InFlight: 1, Waiting: 1000, QueueTime: time.Minute})
		_, err := l.enter(t.Context(), classPoll)
		require.NoError(t, err)
		var mu sync.Mutex
		var order []class
		var wg sync.WaitGroup
		for _, c := range []class{classPoll, classPoll, classCommand, classPoll, classCommand} {
			wg.Go(func() {
				_, err := l.enter(t.Context(), c)
				require.NoError(t, err)
				mu.Lock()
				order = append(order, c)
				mu.Unlock()
				time.Sleep(time.Second)
				l.leave()
			})
			synctest.Wait()
		}
		l.leave()
		wg.Wait()
		require.Equal(t, []class{classCommand, classCommand, classPoll, classPoll, classPoll}, order)
	})
}

func TestWhoeverGivesUpItsTurnHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&Config{XSPRate: 1000, InFlight: 1, Waiting: 2, QueueTime: 3 * time.Second})
		_, err := l.enter(t.Context(), classCommand)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 2)
		go func() { _, err := l.enter(ctx, classCommand); left <- err }()
		synctest.Wait()
		go func() { _, err := l.enter(t.Context(), classCommand); left <- err }()
		synctest.Wait()
		_, err = l.enter(t.Context(), classCommand)
		require.Equal(t, errBusy, err, "no more may wait")
		cancel()
		require.Equal(t, context.Canceled, <-left)
		require.Equal(t, errWaited, <-left)
		l.leave()
		_, err = l.enter(t.Context(), classPoll)
		require.NoError(t, err)
	})
}

func TestAnOverloadedXSPIsAskedLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&Config{XSPRate: 100, InFlight: 32, Waiting: 10, QueueTime: time.Second})
		time.Sleep(time.Minute)
		share := 1.0
		for range 50 {
			share = l.answered(true, 0)
		}
		require.Equal(t, 0.5, share, "the answers to what was in flight count once")
		for range 20 {
			time.Sleep(time.Second)
			share = l.answered(true, 0)
		}
		require.Equal(t, leastShare, share, "something is always asked")
		require.Equal(t, 1, l.most())
		for range 16 {
			time.Sleep(time.Second)
			share = l.answered(false, 0)
		}
		require.Equal(t, 1.0, share, "back in a quarter of a minute")

		l.answered(true, time.Hour)
		_, err := l.enter(t.Context(), classCommand)
		require.Equal(t, errBusy, err, "it asked to be left alone: another XSP may do")
		time.Sleep(maxPause)
		_, err = l.enter(t.Context(), classCommand)
		require.NoError(t, err)
		l.leave()
	})
}

// What waits too long for its turn is refused as not sent, and counted.
func TestACommandThatWaitsTooLongIsNotSent(t *testing.T) {
	reg := prometheus.NewRegistry()
	tell(t, func(_ *script, c *Config) {
		c.InFlight, c.Metrics = 1, NewMetrics(reg)
	}, func(s *story) {
		s.bw.on("PUT /Hold", func(http.ResponseWriter, *http.Request) { time.Sleep(8 * time.Second) })
		held := make(chan engine.Outcome, 1)
		go func() { held <- s.ask(engine.VerbHold) }()
		s.after(time.Millisecond)
		began := time.Now()
		out := s.ask(engine.VerbOriginate)
		require.Equal(s, engine.OutcomeNotSent, out.Kind)
		require.Equal(s, 2*time.Second, time.Since(began))
		require.Zero(s, s.bw.count("/calls/new"))
		require.Equal(s, engine.OutcomeAccepted, (<-held).Kind)
	})
	require.Equal(t, 1.0, metric(t, reg, "offhook_broadworks_queue_refused_total"))
}

// metric is the sum of a counter, or the number of a histogram's observations.
func metric(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

// Requests are spread over the XSPs that have an event stream; one that is
// overloaded gets fewer, and its commands are not retried elsewhere: it
// answered.
func TestLoadIsSharedAndFollowsTheXSPs(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.Network.XSPs = []string{"http://xsp1", "http://xsp2"} }, func(s *story) {
		var mu sync.Mutex
		asked := map[string]int{}
		s.bw.on("PUT /Hold", func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			asked[r.Host]++
			if r.Host == "xsp1" {
				w.Header().Set("Retry-After", "20")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		var outs []engine.OutcomeKind
		for range 6 {
			outs = append(outs, s.ask(engine.VerbHold).Kind)
		}
		require.Equal(s, map[string]int{"xsp1": 1, "xsp2": 5}, asked, fmt.Sprint(outs))
		s.after(21 * time.Second)
		s.ask(engine.VerbHold)
		s.ask(engine.VerbHold)
		require.Equal(s, 2, asked["xsp1"], "after its rest it is asked again")
	})
}
