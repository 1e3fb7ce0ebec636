package adminapi

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

var (
	guesserAt  = netip.MustParseAddr("192.0.2.1")
	operatorAt = netip.MustParseAddr("198.51.100.7")
	machine    = netip.MustParseAddr("127.0.0.1")
)

func TestGuessingWaitsLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses(Guesses{})
		for range 5 {
			require.Zero(t, g.judge(guesserAt, false), "anybody mistypes")
		}
		for _, want := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900} {
			require.Equal(t, want, g.judge(guesserAt, false))
			require.Equal(t, want, g.judge(guesserAt, true), "a right guess is not told from a wrong one")
			require.Zero(t, g.judge(operatorAt, true), "who knows the token is not kept out by who does not")
			time.Sleep(time.Duration(want) * time.Second)
			require.Zero(t, g.judge(guesserAt, false), "asking in between has not made it longer")
		}
		time.Sleep(15 * time.Minute)
		require.Zero(t, g.judge(guesserAt, true))
		time.Sleep(rememberFor + time.Second)
		for range 5 {
			require.Zero(t, g.judge(guesserAt, false), "after an hour nothing is held against anybody")
		}
	})
}

// A day of guessing as fast as one is let, from one address: what it comes to.
func TestADayOfGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for addr, most := range map[netip.Addr]int{guesserAt: 5 + 10 + 24*4, machine: 5 + 4 + 24*360} {
			g := newGuesses(Guesses{})
			looked, end := 0, time.Now().Add(24*time.Hour)
			for time.Now().Before(end) {
				wait := g.judge(addr, false)
				if wait == 0 {
					looked++
				}
				time.Sleep(time.Duration(wait) * time.Second)
			}
			require.LessOrEqual(t, looked, most, "%v", addr)
			require.Greater(t, looked, most*9/10)
		}
	})
}

// An attacker with any number of addresses gets ten guesses a second, and
// keeps out neither the machine itself nor where the operator was before.
func TestGuessingFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses(Guesses{})
		require.Zero(t, g.judge(operatorAt, true))
		looked := 0
		const attacked = 10 * time.Minute
		random := rand.New(rand.NewPCG(1, 2))
		for begin := time.Now(); time.Since(begin) < attacked; time.Sleep(10 * time.Millisecond) {
			for range 5 {
				if g.judge(netip.AddrFrom4([4]byte{10, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32())}), false) == 0 {
					looked++
				}
			}
			require.Zero(t, g.judge(operatorAt, true))
			require.Zero(t, g.judge(machine, true))
			require.LessOrEqual(t, len(g.of), maxGuessers, "it has no memory for all of them")
		}
		require.LessOrEqual(t, looked, 100+10*int(attacked.Seconds())+1)
		for i := byte(0); g.judge(netip.AddrFrom4([4]byte{172, 16, 0, i}), false) == 0; i++ { // the last there is
		}
		stranger := netip.MustParseAddr("203.0.113.9")
		require.Equal(t, 1, g.judge(stranger, true), "nobody who was never here is heard while it lasts")
		time.Sleep(time.Second)
		require.Zero(t, g.judge(stranger, true))
	})
}

// Behind a proxy, or on the machine, everybody has one address: the wait is
// short there, and the way in is never closed for long.
func TestFamiliarAddressesWaitALittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, addr := range []netip.Addr{machine, operatorAt, netip.MustParseAddr("::1")} {
			g := newGuesses(Guesses{})
			require.Zero(t, g.judge(addr, true))
			for range 1000 {
				wait := g.judge(addr, false)
				require.LessOrEqual(t, wait, 10)
				time.Sleep(time.Duration(wait) * time.Second)
			}
			time.Sleep(10 * time.Second)
			require.Zero(t, g.judge(addr, true))
		}
	})
}

// Those who are familiar are forgotten last.
func TestRoomForAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuesses(Guesses{All: 1e9, Burst: 1 << 30})
		require.Zero(t, g.judge(operatorAt, true))
		for i := range 3 * maxGuessers {
			g.judge(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false)
			require.LessOrEqual(t, len(g.of), maxGuessers)
		}
		require.Contains(t, g.of, operatorAt)
		for i := range 3 * maxGuessers {
			g.judge(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), true)
			require.LessOrEqual(t, len(g.of), maxGuessers)
		}
		time.Sleep(2 * familiarFor)
		g.judge(operatorAt, true)
		for i := range maxGuessers {
			g.judge(netip.AddrFrom4([4]byte{12, byte(i >> 16), byte(i >> 8), byte(i)}), true)
		}
		require.LessOrEqual(t, len(g.of), maxGuessers)
	})
}

func TestWrongTokensAreCountedAndHeldOff(t *testing.T) {
	reg := prometheus.NewRegistry()
	now := time.Unix(1_000_000, 0)
	o := newOffice(t, func(c *Config) {
		c.Metrics, c.Gatherer, c.Guesses = NewMetrics(reg), reg, Guesses{Free: 2, Now: func() time.Time { return now }}
	})
	guess := func() answer { return o.send("GET", "/admin/apps", nil, "Authorization", "Bearer guess") }
	guess().wantProblem(t, 401, "unauthorized")
	guess().wantProblem(t, 401, "unauthorized")
	for _, a := range []answer{guess(), o.do("GET", "/admin/apps", "")} {
		a.wantProblem(t, 429, "rate_limited")
		require.Equal(t, "1", a.Header.Get("Retry-After"))
	}
	o.send("GET", "/admin/apps", nil, "Authorization", "").wantProblem(t, 401, "unauthorized")
	now = now.Add(time.Second)
	require.Equal(t, 200, o.do("GET", "/admin/apps", "").StatusCode)
	metrics := o.do("GET", "/metrics", "").body
	require.Contains(t, metrics, `offhook_http_refused_keys_total{listener="admin",reason="wrong"} 2`)
	require.Contains(t, metrics, `offhook_http_rate_limited_total{bound="wrong_token",listener="admin"} 2`)
}
