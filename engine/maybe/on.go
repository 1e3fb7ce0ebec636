//go:build maybe

package maybe

import (
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"sync"
	"time"
)

// On says whether this build has sites at all.
const On = true

// state is one for the whole process: sites are wherever the code is.
var state struct {
	mu     sync.Mutex
	dice   *rand.Rand // nil while disarmed
	seed   uint64
	on     float64
	fire   float64
	counts map[string]Count
	watch  func(site string)
	only   string // the one site that may fire; "" for all
}

// draw returns a number when the site's rare thing happens now.
func draw(site string) (uint64, bool) {
	s := &state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dice == nil {
		return 0, false
	}
	c := s.counts[site]
	c.Reached++
	fires := (s.only == "" || s.only == site) && chosen(s.seed, site) < s.on && s.dice.Float64() < s.fire
	if fires {
		c.Fired++
	}
	s.counts[site] = c
	return s.dice.Uint64(), fires
}

// chosen is a number between 0 and 1 that a seed gives a site.
func chosen(seed uint64, site string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(site))
	return rand.New(rand.NewPCG(seed, h.Sum64())).Float64()
}

// Now reports whether the site's rare thing happens now.
func Now(site string) bool {
	_, fires := draw(site)
	return fires
}

// Delay waits for up to most if the site's rare thing happens now. No lock may
// be held.
func Delay(site string, most time.Duration) {
	n, fires := draw(site)
	if !fires {
		return
	}
	state.mu.Lock()
	watch := state.watch
	state.mu.Unlock()
	if watch != nil {
		watch(site)
	}
	time.Sleep(time.Duration(n % uint64(most)))
}

// Early is a wait cut short if the site's rare thing happens now.
func Early(site string, d time.Duration) time.Duration {
	if n, fires := draw(site); fires && d > 0 {
		return time.Duration(n % uint64(d))
	}
	return d
}

// Reader reads less than it could if the site's rare thing happens.
func Reader(site string, r io.Reader) io.Reader { return short{site, r} }

type short struct {
	site string
	r    io.Reader
}

func (s short) Read(b []byte) (int, error) {
	if n, fires := draw(s.site); fires && len(b) > 1 {
		b = b[:1+n%min(uint64(len(b)-1), 16)]
	}
	return s.r.Read(b)
}

// Arm lets rare things happen. on is the chance of a site to be on at all with
// this seed, fire that of a site that is on each time it is reached.
func Arm(seed uint64, on, fire float64) {
	s := &state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dice == nil || s.seed != seed {
		s.dice = rand.New(rand.NewPCG(seed, 7))
	}
	s.seed, s.on, s.fire = seed, on, fire
	if s.counts == nil {
		s.counts = map[string]Count{}
	}
}

// Only lets nothing happen but at one site; "" is all of them again.
func Only(site string) {
	state.mu.Lock()
	defer state.mu.Unlock()
	state.only = site
}

// Disarm lets nothing happen any more.
func Disarm() {
	state.mu.Lock()
	defer state.mu.Unlock()
	state.dice = nil
}

// Watch has fn called, from whatever goroutine is there, when a Delay is about
// to wait: the moment to turn the power off.
func Watch(fn func(site string)) {
	state.mu.Lock()
	defer state.mu.Unlock()
	state.watch = fn
}

// Count is how often a site was reached, and fired, since the process started.
type Count struct{ Reached, Fired int64 }

// Counts are those of all sites that were reached while armed.
func Counts() map[string]Count {
	state.mu.Lock()
	defer state.mu.Unlock()
	return maps.Clone(state.counts)
}
