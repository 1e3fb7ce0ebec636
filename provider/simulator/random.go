package simulator

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// random is a line of chance; guarded by Simulator.mu. There are several out of
// one seed: traffic, what clients make, requests, each subscription and each
// channel have their own, so that what one draws changes nothing for another.
// A client whose requests come in another order still finds the same calls.
type random struct{ *rand.Rand }

// These make other lines of chance out of the same seed.
const (
	fateSeed  = 0x6a09e667f3bcc908
	askedSeed = 0xbb67ae8584caa73b
)

func newRandom(seed uint64) random {
	return random{rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15))} // #nosec G404 -- chance, and no secret
}

// uuid is a version 4 UUID of seeded bits: reproducible, and no secret.
func (r random) uuid() string {
	var raw [16]byte
	var out [36]byte
	r.fill(raw[:])
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	hex.Encode(out[0:8], raw[0:4])
	hex.Encode(out[9:13], raw[4:6])
	hex.Encode(out[14:18], raw[6:8])
	hex.Encode(out[19:23], raw[8:10])
	hex.Encode(out[24:36], raw[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

func (r random) hex(n int) string {
	raw := make([]byte, n)
	r.fill(raw)
	return hex.EncodeToString(raw)
}

func (r random) fill(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, r.Uint64())
	}
	for i := range b {
		b[i] = byte(r.Uint32()) // #nosec G115 -- a byte of it is wanted
	}
}

// chance is true with probability p.
func (r random) chance(p float64) bool { return p >= 1 || r.Float64() < p }

// between is a duration in [lo, hi).
func (r random) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(r.Int64N(int64(hi-lo)))
}

// around is an exponentially distributed duration with the given mean, cut at
// six times that so that nothing lasts for ever.
func (r random) around(mean time.Duration) time.Duration {
	return time.Duration(min(r.ExpFloat64(), 6) * float64(mean))
}

// counterBase is where a counter of ids starts. A restarted switch starts
// elsewhere, so a client that reuses old ids is found out.
func (r random) counterBase() int64 { return 1_000_000 + r.Int64N(900_000_000) }
