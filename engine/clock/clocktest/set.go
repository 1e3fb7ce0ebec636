// Package clocktest sets the clock of the machine, as far as a test can.
package clocktest

import (
	"time"
	"unsafe"
)

// Set is what time.Now would have given instead of t, had somebody set the clock
// by so many seconds: another time on the wall, and the same reading of the clock
// that nobody sets. No method of a Time does that. t is from time.Now, outside
// of a bubble of virtual time, where there is but one clock.
func Set(t time.Time, by time.Duration) time.Time {
	parts := (*struct {
		wall uint64 // 1 bit: there is another reading; 33 bits: seconds; 30 bits: ns
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&t)) // #nosec G103 -- its test says whether Time still looks like that
	parts.wall += uint64(by/time.Second) << 30 // #nosec G115 -- what is negative is taken away
	return t
}
