package operations

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

func TestAnEndpointThatFailsForAWhileIsToldAndSoIsItsRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		o.is(webhook.BackingOff)
		began := time.Now().UnixMilli()
		s.Tell(notice(failing))
		time.Sleep(59 * time.Second)
		require.Empty(t, o.told(appURL))
		time.Sleep(2 * time.Second)
		require.Equal(t, types(failing), o.told(appURL))
		require.Equal(t, types(failing), o.told(operatorURL))
		for _, p := range o.taken() {
			want := map[string]any{
				"event_id": p.id, "type": "endpoint.failing", "app_id": "app", "webhook": "calls", "since": float64(began),
				"reason": "no answer in time", "timestamp": float64(began + 60_000),
			}
			if p.url == operatorURL {
				want["app_name"] = "Dialler"
			}
			require.Equal(t, want, p.fields)
		}
		time.Sleep(time.Hour)
		require.Len(t, o.taken(), 2, "it is told once")
		s.Tell(notice(recovered))
		time.Sleep(time.Second)
		require.Equal(t, types(failing, recovered), o.told(appURL))
		require.Equal(t, types(failing, recovered), o.told(operatorURL))
		time.Sleep(5 * time.Minute)
		forgotten(t, s) // what is well
		o.close(s)
	})
}

func TestAShortOutageIsNobodysBusiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		for range 20 {
			s.Tell(notice(failing))
			time.Sleep(50 * time.Second)
			s.Tell(notice(recovered))
			time.Sleep(time.Second)
		}
		s.Tell(notice(recovered))
		time.Sleep(time.Hour)
		require.Empty(t, o.tried())
		forgotten(t, s)
		o.close(s)
	})
}

func TestDisabledIsToldAtOnceAndTakesThePlaceOfFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		s.Tell(notice(failing))
		time.Sleep(30 * time.Second)
		s.Tell(notice(disabled))
		time.Sleep(time.Second)
		require.Equal(t, types(disabled), o.told(appURL))
		time.Sleep(time.Hour)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}

func TestWhatNobodyTookIsReplacedByWhatIsTrueNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answers(func(url string, m message) webhook.Outcome {
			if url == appURL {
				return refused(503)
			}
			return webhook.Outcome{Class: webhook.Delivered, Status: 204}
		})
		s := o.open()
		s.Tell(notice(failing))
		time.Sleep(10 * time.Minute)
		require.Empty(t, o.told(appURL))
		require.Equal(t, types(failing), o.told(operatorURL), "one receiver does not wait for the other")
		s.Tell(notice(recovered))
		s.Tell(notice(disabled))
		o.answers(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, types(disabled), o.told(appURL))
		toldOperator := slices.DeleteFunc(o.told(operatorURL), func(w webhook.What) bool { return w == recovered })
		require.Equal(t, types(failing, disabled), toldOperator, "who takes messages may have been told of the moment between")
		o.close(s)
	})
}

func TestAnotherOutageIsAnotherMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answers(func(string, message) webhook.Outcome { return refused(503) })
		s := o.open()
		s.Tell(notice(failing))
		time.Sleep(5 * time.Minute)
		s.Tell(notice(recovered))
		second := notice(failing)
		s.Tell(second)
		o.answers(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, types(failing), o.told(appURL))
		for _, p := range o.taken() {
			require.Equal(t, second.At, p.Since)
			require.NotEqual(t, o.tried()[0].id, p.id)
		}
		o.close(s)
	})
}

func TestRecoveredIsToldOnlyToThoseWhoMayThinkOtherwise(t *testing.T) {
	for name, tt := range map[string]struct {
		out  webhook.Outcome
		want []webhook.What
	}{
		"they refused to hear of the failure":          {refused(500), nil},
		"nobody knows whether they heard of it or not": {silence, types(recovered)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.answers(func(string, message) webhook.Outcome { return tt.out })
				s := o.open()
				s.Tell(notice(failing))
				time.Sleep(5 * time.Minute)
				s.Tell(notice(recovered))
				o.answers(nil)
				time.Sleep(time.Hour)
				require.Equal(t, tt.want, o.told(appURL))
				forgotten(t, s)
				o.close(s)
			})
		})
	}
}

func TestARetryIsTheSameMessageAfterGrowingPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answers(func(string, message) webhook.Outcome { return refused(500) })
		s := o.open(func(c *Config) {
			c.Operator = tenant.Receiver{}
			c.Random = func() uint64 { return 0 } // the longest pauses
		})
		s.Tell(notice(disabled))
		time.Sleep(time.Hour)
		require.Empty(t, o.told(appURL))
		for i, p := range o.tried()[1:] {
			require.Equal(t, o.tried()[0].id, p.id)
			require.Equal(t, o.tried()[0].fields, p.fields)
			pause := p.at.Sub(o.tried()[i].at) - o.takes
			require.Equal(t, min(time.Second<<i, 5*time.Minute), pause)
		}
		n := len(o.tried())
		o.answers(func(string, message) webhook.Outcome {
			return webhook.Outcome{Class: webhook.Refused4xx, Status: 429, RetryAfter: 10 * time.Minute}
		})
		time.Sleep(25 * time.Minute)
		require.LessOrEqual(t, len(o.tried()), n+3, "Retry-After is honoured")
		o.answers(nil)
		time.Sleep(10 * time.Minute)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}

func TestParkedStreamsAreCountedAndSomeAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		s := o.open()
		park := func(from, to int) {
			for i := from; i < to; i++ {
				n := notice(parks)
				n.Subscriber = fmt.Sprintf("s%d@example.com", i)
				s.Tell(n)
			}
		}
		park(0, 500)
		time.Sleep(5 * time.Second)
		require.Empty(t, o.tried(), "what parks one often parks many")
		park(500, 1000)
		time.Sleep(6 * time.Second)
		require.Len(t, o.taken(), 2)
		for _, p := range o.taken() {
			require.Equal(t, parks, p.Type)
			require.Equal(t, 1000, p.Streams)
			require.Len(t, p.SubscriberIDs, maxNamed)
			require.Equal(t, "s0@example.com", p.SubscriberIDs[0])
		}
		o.answers(func(string, message) webhook.Outcome { return refused(500) })
		park(0, 1)
		time.Sleep(11 * time.Second)
		park(1, 3)
		time.Sleep(time.Minute)
		o.answers(nil)
		time.Sleep(10 * time.Minute)
		var counts []int
		for _, p := range o.taken() {
			if p.url == appURL {
				counts = append(counts, p.Streams)
			}
		}
		require.Equal(t, []int{1000, 1, 2}, counts, "a message does not change while it is tried")
		o.close(s)
		require.Empty(t, s.desks["app"].parked)
	})
}

func TestALetterNobodyCanDigestDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.answers(func(_ string, m message) webhook.Outcome {
			if m.Type == parks {
				return refused(500)
			}
			return webhook.Outcome{Class: webhook.Delivered, Status: 200}
		})
		s := o.open()
		n := notice(parks)
		n.Subscriber = "alice"
		s.Tell(n)
		time.Sleep(time.Minute)
		s.Tell(notice(disabled))
		time.Sleep(5 * time.Minute)
		require.Equal(t, types(disabled), o.told(appURL))
		o.close(s)
	})
}

func TestTellWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.takes = time.Hour
		const apps = 200
		for i := range apps {
			o.app(fmt.Sprintf("app%d", i), func(a *tenant.App) { a.Operations.URL = fmt.Sprintf("https://app%d.example/", i) })
		}
		s := o.open()
		began := time.Now()
		for i := range apps {
			for range 100 {
				for _, what := range types(disabled, recovered, failing, disabled) {
					s.Tell(webhook.Notice{App: fmt.Sprintf("app%d", i), Kind: engine.StreamCalls, What: what, At: began.UnixMilli()})
				}
			}
		}
		require.Zero(t, time.Since(began))
		time.Sleep(time.Minute)
		endpoints, _ := remembers(s)
		require.Equal(t, apps, endpoints)
		o.mu.Lock()
		most := o.most
		o.mu.Unlock()
		require.Equal(t, 16, most, "all receivers together")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Stop(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second+time.Minute, time.Since(began), "what is under way is aborted")
		s.Tell(notice(failing))
		require.NoError(t, s.Stop(context.Background()))
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		o := newOffice(t)
		n := 0
		o.answers(func(string, message) webhook.Outcome {
			if n++; n == 1 {
				return refused(500)
			}
			return webhook.Outcome{Class: webhook.Delivered}
		})
		s := o.open(func(c *Config) { c.Operator, c.Metrics = tenant.Receiver{}, NewMetrics(reg) })
		s.Tell(notice(disabled))
		time.Sleep(time.Minute)
		o.close(s)
		families, err := reg.Gather()
		require.NoError(t, err)
		require.Len(t, families, 2)
		for _, f := range families {
			require.Equal(t, 1.0, f.GetMetric()[0].GetCounter().GetValue(), f.GetName())
			require.Equal(t, "app", f.GetMetric()[0].GetLabel()[0].GetValue())
		}
	})
}
