package replay

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/transport/webhook"
)

// verdict is what became of one event.
type verdict uint8

const (
	unsettled verdict = iota // the task ended first
	delivered
	failed
	skipped // it waits in normal delivery, or is not kept any more
)

func (v verdict) String() string {
	return [...]string{"unsettled", "delivered", "failed", "skipped"}[v]
}

// pauses are the waits before an event is tried again; after the last it has
// failed.
var pauses = [...]time.Duration{1 * time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}

const (
	// crowded is how long to wait for room among all redeliveries.
	crowded = 200 * time.Millisecond
	// A webhook that is paused is looked at again after growing waits.
	minRest, maxRest = time.Second, time.Minute
)

const (
	reasonGone    = "the webhook was removed"
	reasonRefused = "the receiver answered 410 Gone"
	reasonPerson  = "canceled on request"
	noteStopped   = "waits: the webhook or the stream is paused or disabled"
	noteTrouble   = "waits: the log cannot be read"
)

// share is what the tasks of one app may have under way together.
type share struct {
	tasks  int           // running; guarded by the Replayer
	slots  chan struct{} // one in it for each attempt under way
	probe  chan struct{} // the one attempt while there is no answer
	silent atomic.Bool   // the last attempt got no answer: one at a time, so that a dead receiver does not hold everybody's room
}

// send tries one event until it is settled.
func (t *run) send(it item) verdict {
	rest := minRest
	for tries := 0; ; {
		a, err := t.attempt(it)
		switch {
		case err == nil && a.Status/100 == 2:
			t.waits("")
			return delivered
		case err == nil && a.Status == http.StatusGone:
			t.quit(reasonRefused)
			return unsettled
		case err == nil:
			t.waits("")
			if tries == len(pauses) {
				return failed
			}
			t.sleep(t.jitter(pauses[tries]))
			tries++
		case errors.Is(err, webhook.ErrWaiting), errors.Is(err, webhook.ErrUnknownEvent):
			return skipped
		case t.ctx.Err() != nil:
		case errors.Is(err, webhook.ErrBusy):
			t.sleep(t.jitter(crowded))
		default:
			if errors.Is(err, webhook.ErrStopped) {
				if t.gone() {
					t.quit(reasonGone)
					return unsettled
				}
				t.waits(noteStopped)
			} else {
				t.waits(noteTrouble)
				t.r.log.Error("event cannot be sent again", "app", it.stream.App, "sub", it.stream.Subscriber, "sequence", it.sequence, "error", err)
			}
			t.sleep(t.jitter(rest))
			rest = min(2*rest, maxRest)
		}
		if t.ctx.Err() != nil {
			return unsettled
		}
	}
}

// attempt waits for room and makes one.
func (t *run) attempt(it item) (a engine.Attempt, err error) {
	if err := take(t.ctx, t.share.slots); err != nil {
		return a, err
	}
	defer free(t.share.slots)
	if t.share.silent.Load() {
		if err := take(t.ctx, t.share.probe); err != nil {
			return a, err
		}
		defer free(t.share.probe)
	}
	if err := take(t.ctx, t.r.slots); err != nil {
		return a, err
	}
	defer free(t.r.slots)
	a, err = t.r.cfg.Lanes.Redeliver(t.ctx, it.stream, it.sequence)
	if err == nil {
		t.share.silent.Store(a.Status == 0)
	}
	return a, err
}

func take(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func free(slots chan struct{}) { <-slots }

// gone reports whether the webhook is no more.
func (t *run) gone() bool { return !wanted(t.r.cfg.Tenants, &t.source.r) }

func wanted(tenants Tenants, r *Range) bool {
	a, ok := tenants.App(r.App)
	return ok && a.Receiver(r.Kind).Set()
}

// jitter spreads a wait over [d/2, d].
func (t *run) jitter(d time.Duration) time.Duration {
	return d - time.Duration(t.r.cfg.Random()%uint64(d/2+1)) // #nosec G115 -- a wait is not negative
}

func (t *run) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.ctx.Done():
	}
}
