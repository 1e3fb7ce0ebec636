package webhook

import "time"

// A breaker stops the traffic to an endpoint that does not answer. It opens
// after five connections in a row came to nothing, and then lets one waiting
// head event through at a time, on the schedule of retries, until an answer
// comes. It also opens when an endpoint answers but refuses everything: what
// looks like many bad events is one bad receiver.
//
// It is plain state; endpoint.go has the lock and the timer.
type breaker struct {
	state   breakerState
	silent  int       // attempts without an answer, in a row
	refused int       // attempts without a 2xx, in a row
	since   time.Time // of the first of these
	cause   openCause // why it opened
	opened  time.Time // since when the endpoint is out
	probes  int       // that failed since
	until   time.Time // when the next probe may leave
}

type breakerState uint8

const (
	closed   breakerState = iota
	open                  // nothing leaves before until
	halfOpen              // one attempt at a time
)

type openCause uint8

const (
	causeSilent openCause = iota
	causeRefusing
)

const (
	silentLimit  = 5
	refusedLimit = 32
	refusedFor   = 30 * time.Second
	// A single stream that is refused again and again is that stream's matter.
	refusedLanes = 16
	// Who refuses is alive, and the next event of another stream may please it.
	refusedPause = 5 * time.Second
)

// good takes a 2xx. It reports whether the endpoint has just come back.
func (b *breaker) good() (recovered bool) {
	recovered = b.state != closed
	*b = breaker{}
	return recovered
}

// answered takes an answer that is not a 2xx. It reports whether the endpoint
// has just come back: who refuses is not silent.
func (b *breaker) answered(now time.Time) (recovered bool) {
	b.silent = 0
	b.refuse(now)
	if b.state != closed && b.cause == causeSilent {
		*b = breaker{refused: b.refused, since: b.since}
		return true
	}
	return false
}

// noAnswer takes an attempt that came to nothing.
func (b *breaker) noAnswer(now time.Time) {
	b.silent++
	b.refuse(now)
}

func (b *breaker) refuse(now time.Time) {
	if b.refused == 0 {
		b.since = now
	}
	b.refused++
}

// unsure takes a probe that never left: there is to be another soon.
func (b *breaker) unsure(now time.Time) {
	if b.state == halfOpen {
		b.state, b.until = open, now.Add(steps[0])
	}
}

// tripped reports whether a closed breaker has to open. waiting is the number
// of lanes that wait for another try.
func (b *breaker) tripped(waiting int, now time.Time) (openCause, bool) {
	switch {
	case b.silent >= silentLimit:
		return causeSilent, true
	case b.refused >= refusedLimit && waiting >= refusedLanes && now.Sub(b.since) >= refusedFor:
		return causeRefusing, true
	}
	return 0, false
}

// trip opens the breaker, or closes the gate again after a failed probe. age is
// that of the event that failed: with it a restart keeps the pace.
func (b *breaker) trip(cause openCause, now time.Time, age, retryAfter time.Duration, random uint64) {
	if b.state == closed {
		b.opened, b.probes = now, 0
	} else {
		b.probes++
	}
	b.state, b.cause = open, cause
	wait := delay(max(age, now.Sub(b.opened)), b.probes, retryAfter, random)
	if cause == causeRefusing && retryAfter == 0 {
		wait = min(wait, refusedPause)
	}
	b.until = now.Add(wait)
}
