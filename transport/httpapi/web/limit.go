package web

import (
	"hash/maphash"
	"math"
	"sync"
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
	interval int64 // ns for one token
	room     int64 // ns worth of tokens in a full bucket
	seed     maphash.Seed
	born     time.Time
	shards   [16]shard[K]
}

type shard[K comparable] struct {
	mu   sync.Mutex
	full map[K]int64 // ns since born
}

// bucketsPerShard bounds the memory an attacker with many addresses can take.
const bucketsPerShard = 8192

// NewLimiter makes a limiter, or nil, which limits nothing.
func NewLimiter[K comparable](r Rate, otherwise Rate) *Limiter[K] {
	if r.PerSecond == 0 {
		r.PerSecond = otherwise.PerSecond
		if r.Burst == 0 {
			r.Burst = otherwise.Burst
		}
	}
	if r.PerSecond < 0 {
		return nil
	}
	if r.Burst <= 0 {
		r.Burst = int(max(1, 2*r.PerSecond))
	}
	l := &Limiter[K]{interval: max(1, int64(float64(time.Second)/r.PerSecond)), seed: maphash.MakeSeed(), born: time.Now()}
	l.room = l.interval * int64(r.Burst)
	for i := range l.shards {
		l.shards[i].full = map[K]int64{}
	}
	return l
}

// Take takes a token. If there is none it reports false and after how many
// seconds there will be one.
func (l *Limiter[K]) Take(key K, now time.Time) (ok bool, retry int) {
	if l == nil {
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
	full = max(full, t) + l.interval
	if wait := full - t - l.room; wait > 0 {
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
