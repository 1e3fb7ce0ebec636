package webhook

import "time"

// The schedule is pure: the same age, count and random number give the same
// delay. Nothing here reads a clock.

// steps are the waits between the attempts on one head event. The first
// attempt is immediate; the last step repeats until the event is exhausted.
var steps = [...]time.Duration{
	1 * time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	60 * time.Second, 120 * time.Second, 300 * time.Second,
}

const (
	// exhaustAfter is the age at which an event that still fails parks its stream.
	exhaustAfter = 72 * time.Hour
	// exhaustTries is how often this process must have seen it fail as well:
	// after a long stop of our own, one unlucky attempt does not park a stream.
	exhaustTries = 3
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = 10 * time.Minute
)

// stepAt is the position in the schedule of an event of that age: the attempts
// made so far happened at least half of their delays after each other, so the
// age alone tells how many there were, and a restart keeps the position.
func stepAt(age time.Duration) int {
	var earliest time.Duration
	for i, d := range steps {
		earliest += d / 2
		if age < earliest {
			return i
		}
	}
	return len(steps) - 1
}

// delay is how long to wait after a failure. failures counts those this
// process saw on the event: a clock that jumped back must not turn the
// schedule into a hammer. random is any number; it spreads the wait over
// [d/2, d]. A receiver's Retry-After is honoured between d and ten minutes.
func delay(age time.Duration, failures int, retryAfter time.Duration, random uint64) time.Duration {
	i := min(max(stepAt(age), failures-1), len(steps)-1)
	d := steps[i]
	if retryAfter > 0 {
		return min(max(retryAfter, d), maxRetryAfter)
	}
	half := uint64(d / 2)                     // #nosec G115 -- a wait is not negative
	return d - time.Duration(random%(half+1)) // #nosec G115 -- a wait is not negative
}

// exhausted reports whether the stream is parked now rather than tried again.
func exhausted(age time.Duration, failures int) bool {
	return age >= exhaustAfter && failures >= exhaustTries
}
