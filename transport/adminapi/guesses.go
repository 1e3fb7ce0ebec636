package adminapi

import (
	"math"
	"net/netip"
	"sync"
	"time"
)

// Guesses bounds how fast the token can be guessed. Zeroes are defaults.
type Guesses struct {
	Free     int              // wrong tokens of one address before it has to wait; zero means 5
	Wait     time.Duration    // the first wait, which doubles with each wrong token after it; zero means 1 s
	Longest  time.Duration    // no wait is longer; zero means 15 min
	Familiar time.Duration    // nor, for a familiar address, than this; zero means 10 s
	All      float64          // wrong tokens a second of all addresses that are not familiar; zero means 10
	Burst    int              // of those, at once after a pause; zero means 100
	Now      func() time.Time // nil means time.Now
}

func (g Guesses) fill() Guesses {
	fill(&g.Free, 5)
	fill(&g.Wait, time.Second)
	fill(&g.Longest, 15*time.Minute)
	fill(&g.Familiar, 10*time.Second)
	fill(&g.All, 10)
	fill(&g.Burst, 100)
	if g.Now == nil {
		g.Now = time.Now
	}
	return g
}

func fill[T comparable](have *T, otherwise T) {
	var zero T
	if *have == zero {
		*have = otherwise
	}
}

const (
	familiarFor = 24 * time.Hour // an address stays so long after the right token came from it
	rememberFor = time.Hour      // wrong tokens are, after the last of them
	maxGuessers = 4096           // addresses that are remembered
)

// guard of the token. While an address has to wait nothing from it is looked
// at, the right token included: an answer that told it from a wrong one would be
// a guess that did not wait.
//
// Whoever may administer must not be locked out by whoever may not. So two kinds
// of addresses never wait long, and are not held off when everybody else's wrong
// tokens together are too many: those the right token came from within a day, and
// loopback, from which one can always get in at the machine itself.
type guesses struct {
	limits Guesses

	mu  sync.Mutex
	of  map[netip.Addr]*guesser
	all time.Time // when the bucket of all wrong tokens is full again
}

type guesser struct {
	wrong int
	last  time.Time // wrong token
	until time.Time // has to wait
	right time.Time // when the right token came; zero for never
}

func newGuesses(limits Guesses) *guesses {
	return &guesses{limits: limits.fill(), of: map[netip.Addr]*guesser{}}
}

// judge counts a token that came from an address. It returns for how many
// seconds the address has to wait instead of hearing whether it was right; zero
// means that it may hear.
func (g *guesses) judge(addr netip.Addr, right bool) (wait int) {
	now := g.limits.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	who := g.of[addr]
	familiar := addr.IsLoopback() || who != nil && !who.right.IsZero() && now.Sub(who.right) < familiarFor
	if who != nil && now.Before(who.until) {
		return seconds(who.until.Sub(now))
	}
	interval := time.Duration(float64(time.Second) / g.limits.All)
	full := now
	if g.all.After(now) {
		full = g.all
	}
	full = full.Add(interval)
	if over := full.Sub(now) - interval*time.Duration(g.limits.Burst); over > 0 && !familiar {
		return seconds(over)
	}
	if who == nil {
		g.room(now)
		who = &guesser{}
		g.of[addr] = who
	}
	if right {
		who.right = now
		return 0
	}
	if !familiar {
		g.all = full
	}
	if now.Sub(who.last) > rememberFor {
		who.wrong = 0
	}
	who.wrong++
	who.last = now
	if over := who.wrong - g.limits.Free; over >= 0 {
		longest := g.limits.Longest
		if familiar {
			longest = min(longest, g.limits.Familiar)
		}
		who.until = now.Add(min(longest, g.limits.Wait<<min(over, 30)))
	}
	return 0
}

// room makes room for one more address. Those that mean nothing any more go
// first, then any that are not familiar: whoever has that many addresses is held
// off by the bound on all of them.
func (g *guesses) room(now time.Time) {
	if len(g.of) < maxGuessers {
		return
	}
	for addr, who := range g.of {
		if now.Sub(who.last) > rememberFor && now.Sub(who.right) > familiarFor {
			delete(g.of, addr)
		}
	}
	for _, familiar := range []bool{false, true} {
		for addr, who := range g.of {
			if len(g.of) < maxGuessers*3/4 {
				return
			}
			if familiar || now.Sub(who.right) > familiarFor {
				delete(g.of, addr)
			}
		}
	}
}

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
