//go:build !maybe

package maybe

import (
	"io"
	"time"
)

// On says whether this build has sites at all.
const On = false

// Now reports whether the site's rare thing happens now.
func Now(site string) bool { return false }

// Delay waits for up to most if the site's rare thing happens now. No lock may
// be held.
func Delay(site string, most time.Duration) {}

// Early is a wait cut short if the site's rare thing happens now.
func Early(site string, d time.Duration) time.Duration { return d }

// Reader reads less than it could if the site's rare thing happens.
func Reader(site string, r io.Reader) io.Reader { return r }

// Arm lets rare things happen. on is the chance of a site to be on at all with
// this seed, fire that of a site that is on each time it is reached.
func Arm(seed uint64, on, fire float64) {}

// Only lets nothing happen but at one site; "" is all of them again.
func Only(site string) {}

// Disarm lets nothing happen any more.
func Disarm() {}

// Watch has fn called, from whatever goroutine is there, when a Delay is about
// to wait: the moment to turn the power off.
func Watch(fn func(site string)) {}

// Count is how often a site was reached, and fired, since the process started.
type Count struct{ Reached, Fired int64 }

// Counts are those of all sites that were reached while armed.
func Counts() map[string]Count { return nil }
