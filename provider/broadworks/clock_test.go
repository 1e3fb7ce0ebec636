package broadworks

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider"
)

// Half a day of a provider whose platform refuses carol, and loses a channel now
// and then: what it asked for in each ten minutes.
func halfADay(t *testing.T, set func(dice *rand.Rand) time.Duration) (asked []map[string]int) {
	tell(t, func(bw *script, c *Config) {
		var wall atomic.Int64
		c.Now = func() int64 { return time.Now().UnixMilli() + wall.Load() }
		bw.on("POST /user/"+carol, says(409, ""))
		dice := rand.New(rand.NewPCG(1, 2))
		c.Random = func() float64 { wall.Store(set(dice).Milliseconds()); return 0.5 } // whenever it plans something
	}, func(s *story) {
		s.p.Follow(carol)
		seen := 0
		for range 6 * 12 {
			s.after(10 * time.Minute)
			all := s.bw.requests()
			counts := map[string]int{}
			for _, r := range all[seen:] {
				method, path, _ := strings.Cut(r, " ")
				counts[method+path[strings.LastIndexByte(path, '/'):]]++
			}
			seen = len(all)
			asked = append(asked, counts)
			if len(asked)%10 == 0 {
				s.bw.last().close()
			}
			require.Equal(s, provider.UserSubscribed, s.p.User(bob).State)
			st := s.p.User(carol)
			left := time.Duration(st.RetryAt-s.p.cfg.Now()) * time.Millisecond
			require.Equal(s, provider.UserOverQuota, st.State)
			require.True(s, 0 <= left && left <= 30*time.Minute, "asked again in %s, as the clock shows it", left)
		}
	})
	return asked
}

// Whoever sets the clock of the machine, seconds or years, back or ahead: every
// subscription is renewed in time, and who was refused is asked for again in time.
func TestSettingTheClockChangesNoRequest(t *testing.T) {
	still := halfADay(t, func(*rand.Rand) time.Duration { return 0 })
	renewed, refused := 0, 0
	for _, asked := range still {
		renewed += asked["PUT/s1"]
		refused += asked["POST/"+carol]
	}
	require.InDelta(t, 28, renewed, 7, "half of an hour's life is over, or a channel was lost")
	require.InDelta(t, 48, refused, 2, "every quarter of an hour")
	set := halfADay(t, func(dice *rand.Rand) time.Duration {
		by := []time.Duration{3 * time.Second, time.Hour, 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour}[dice.IntN(4)]
		return by * time.Duration(dice.IntN(3)-1)
	})
	require.Equal(t, still, set)
}

// A restart takes the clock as it finds it: a subscription that is remembered
// is renewed if it may stand, and made again if it does not. Nobody is dropped.
func TestTheClockIsSetWhileNobodyIsThere(t *testing.T) {
	for _, by := range []time.Duration{0, -time.Hour, time.Hour, -10 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour} {
		var cfg Config
		tell(t, func(_ *script, c *Config) {
			c.Memory = NewMemory()
			cfg = *c
		}, func(s *story) {
			s.after(time.Minute)
			cfg.Now = func() int64 { return time.Now().Add(by).UnixMilli() }
			s.start(cfg)
			s.after(time.Minute)
			require.Equal(s, provider.UserSubscribed, s.p.User(bob).State, by)
			if by <= 0 {
				require.Equal(s, 1, s.bw.count("POST /com.broadsoft.xsi-events/v2.0/user/"+bob), "the one that was remembered")
			}
			puts := s.bw.count("PUT ")
			s.after(time.Hour)
			require.Greater(s, s.bw.count("PUT "), puts, "and it is renewed")
			require.Equal(s, provider.UserSubscribed, s.p.User(bob).State, by)
		})
	}
}
