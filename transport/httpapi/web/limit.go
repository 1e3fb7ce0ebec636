package web

import (
	"hash/maphash"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Rate is how many requests one key or one address may send.
type Rate struct {
	PerSecond float64 // zero means the default of whoever asks; negative means no bound
	Burst     int     // requests at once after a pause; zero means two seconds' worth
}

// Limiter is a token bucket for each of many keys. It keeps one number for
// each, the time at which the bucket will be full again (GCRA), and forgets
// those that are full. It counts from when it was made: that somebody sets the
// clock neither fills buckets nor empties them.
type Limiter[K comparable] struct {
	bound  atomic.Pointer[bound] // nil for none
	seed   maphash.Seed
	born   time.Time
	shards [16]shard[K]
}

type bound struct {
	interval int64 // ns for one token
	room     int64 // ns worth of tokens in a full bucket
}

type shard[K comparable] struct {
	mu   sync.Mutex
	full map[K]int64 // ns since born
}

// bucketsPerShard bounds the memory an attacker with many addresses can take.
const bucketsPerShard = 8192

// NewLimiter makes a limiter. A zero rate means the other one.
func NewLimiter[K comparable](r Rate, otherwise Rate) *Limiter[K] {
	l := &Limiter[K]{seed: maphash.MakeSeed(), born: time.Now()}
	for i := range l.shards {
		l.shards[i].full = map[K]int64{}
	}
	l.Set(r, otherwise)
	return l
}

// Set has another rate hold from now on. What was taken stays taken.
func (l *Limiter[K]) Set(r Rate, otherwise Rate) {
	if r.PerSecond == 0 {
		r.PerSecond = otherwise.PerSecond
		if r.Burst == 0 {
			r.Burst = otherwise.Burst
		}
	}
	if r.PerSecond < 0 {
		l.bound.Store(nil)
		return
	}
	if r.Burst <= 0 {
		r.Burst = int(max(1, 2*r.PerSecond))
	}
	b := &bound{interval: max(1, int64(float64(time.Second)/r.PerSecond))}
	b.room = b.interval * int64(r.Burst)
	l.bound.Store(b)
}

// Take takes a token. If there is none it reports false and after how many
// seconds there will be one.
func (l *Limiter[K]) Take(key K, now time.Time) (ok bool, retry int) {
	if l == nil {
		return true, 0
	}
	b := l.bound.Load()
	if b == nil {
		return true, 0
	}
	t := int64(now.Sub(l.born))
	sh := &l.shards[maphash.Comparable(l.seed, key)%uint64(len(l.shards))]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	full, known := sh.full[key]
	if !known {
		full = t
	}
	full = max(full, t) + b.interval
	if wait := full - t - b.room; wait > 0 {
		return false, int(math.Ceil(float64(wait) / float64(time.Second)))
	}
	if !known && len(sh.full) >= bucketsPerShard {
		sh.sweep(t)
	}
	sh.full[key] = full
	return true, 0
}

// sweep forgets full buckets. If there are none it forgets any few: an attack
// from that many addresses is not one that this can hold off.
func (sh *shard[K]) sweep(t int64) {
	for key, full := range sh.full {
		if full <= t {
			delete(sh.full, key)
		}
	}
	for key := range sh.full {
		if len(sh.full) < bucketsPerShard*3/4 {
			return
		}
		delete(sh.full, key)
	}
}
