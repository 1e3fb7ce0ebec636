package broadworks

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errBusy   = errors.New("too many requests wait for the XSP")
	errWaited = errors.New("the XSP is busy: no turn came in time")
)

// class is the order in which requests that wait for an XSP have their turn.
type class uint8

const (
	classCommand class = iota // somebody waits for it
	classPoll                 // comparing and subscribing: it can wait
	numClasses
)

func (c class) String() string {
	if c == classCommand {
		return "command"
	}
	return "poll"
}

// How much of its bounds an XSP keeps when it is overloaded: half of what it
// had for each 503, and a little more for each second without one.
const (
	leastShare = 1.0 / 64
	shareStep  = 1.0 / 16
	shareEvery = time.Second
	maxPause   = 30 * time.Second // of a Retry-After
)

// limiter bounds what one XSP is asked: requests per second and requests at
// once. No real rate is published (dossier §1.9), so the bounds are settings,
// and the XSP's own 503 is heeded besides. Acknowledgements, heartbeats and
// the renewal of channels are not held up: they are few, or bounded by the
// events they answer, and the platform would end the channel.
type limiter struct {
	rate     float64       // requests per second; no second sees more
	inFlight int           // requests at once
	waiting  int           // requests that may wait
	patience time.Duration // how long one waits for its turn

	mu      sync.Mutex
	share   float64 // of rate and inFlight, while the XSP is overloaded
	changed time.Time
	until   time.Time // the XSP asked to be left alone so long
	tokens  float64
	filled  time.Time
	running int
	queued  int
	queues  [numClasses][]*turn
	timer   *time.Timer // for the next token
}

// turn is one request that waits.
type turn struct {
	come  chan struct{} // closed when it is there
	state turnState
}

type turnState uint8

const (
	turnWaits turnState = iota
	turnCame
	turnGivenUp
)

func newLimiter(cfg *Config) *limiter {
	return &limiter{
		rate: cfg.XSPRate, inFlight: cfg.InFlight, waiting: cfg.Waiting, patience: cfg.QueueTime,
		share: 1, tokens: cfg.XSPRate / 10, filled: time.Now(),
	}
}

// enter waits for the turn of a request; leave must follow. An error means
// that nothing was sent.
func (l *limiter) enter(ctx context.Context, c class) (waited time.Duration, err error) {
	began := time.Now()
	t, err := l.join(c, began)
	if t == nil {
		return 0, err
	}
	patience := time.NewTimer(l.patience)
	defer patience.Stop()
	select {
	case <-t.come:
		return time.Since(began), nil
	case <-patience.C:
		err = errWaited
	case <-ctx.Done():
		err = ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state == turnCame { // just now: somebody else shall have it
		l.running--
		l.tokens++
	} else {
		t.state = turnGivenUp
		l.queued--
	}
	l.serve(time.Now())
	return time.Since(began), err
}

// join takes a turn at once, which is nil without an error, or queues.
func (l *limiter) join(c class, now time.Time) (*turn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.serve(now)
	if l.queued >= l.waiting || l.until.Sub(now) > l.patience {
		return nil, errBusy
	}
	t := &turn{come: make(chan struct{})}
	l.queues[c] = append(l.queues[c], t)
	l.queued++
	l.serve(now)
	if t.state == turnCame {
		return nil, nil
	}
	return t, nil
}

func (l *limiter) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running--
	l.serve(time.Now())
}

// serve gives turns as far as the bounds allow. l.mu is held.
func (l *limiter) serve(now time.Time) {
	l.fill(now)
	for l.queued > 0 && l.running < l.most() && l.tokens >= 1 && !now.Before(l.until) {
		t := l.first()
		if t == nil {
			return
		}
		l.queued--
		l.running++
		l.tokens--
		t.state = turnCame
		close(t.come)
	}
	if l.queued > 0 && l.running < l.most() {
		l.wakeLater(now)
	}
}

// first takes the next in turn: commands before polls.
func (l *limiter) first() *turn {
	for c := range l.queues {
		for len(l.queues[c]) > 0 {
			t := l.queues[c][0]
			l.queues[c][0] = nil
			l.queues[c] = l.queues[c][1:]
			if t.state == turnWaits {
				return t
			}
		}
	}
	return nil
}

// fill adds the tokens of the time that passed. A tenth of a second's worth
// may be saved up, and is taken off the rate, so that no second sees more than
// the rate.
func (l *limiter) fill(now time.Time) {
	l.tokens = min(l.tokens+now.Sub(l.filled).Seconds()*l.pace(), max(1, l.rate*l.share/10))
	l.filled = now
}

// pace is how many tokens come per second.
func (l *limiter) pace() float64 {
	r := l.rate * l.share
	if r > 20 {
		return r * 0.9
	}
	return r
}

func (l *limiter) most() int { return max(1, int(float64(l.inFlight)*l.share)) }

// wakeLater serves again when there is a token.
func (l *limiter) wakeLater(now time.Time) {
	in := time.Duration((1 - l.tokens) / l.pace() * float64(time.Second))
	in = max(in, l.until.Sub(now), time.Millisecond)
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timer = time.AfterFunc(in, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.serve(time.Now())
	})
}

// answered learns from the status of an answer: overloaded halves the share,
// at most once a second, since the answers to what was in flight come
// together. retryAfter is how long the XSP asks to be left alone. It returns the
// share.
func (l *limiter) answered(overloaded bool, retryAfter time.Duration) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if overloaded && retryAfter > 0 {
		l.until = now.Add(min(retryAfter, maxPause))
	}
	if now.Sub(l.changed) < shareEvery || !overloaded && l.share == 1 {
		return l.share
	}
	l.fill(now)
	l.changed = now
	if overloaded {
		l.share = max(l.share/2, leastShare)
	} else {
		l.share = min(l.share+shareStep, 1)
		l.serve(now)
	}
	return l.share
}

// pause is how long the XSP still asks to be left alone.
func (l *limiter) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.until))
}
