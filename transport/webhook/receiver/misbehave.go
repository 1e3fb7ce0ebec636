package receiver

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// Misbehaviour is what a receiver does to its sender, on purpose. The zero
// value behaves.
type Misbehaviour struct {
	FailRate float64       // how many of the requests, 0 to 1, are refused before they are taken: they must come again
	Status   int           // what refused ones are answered with; zero means 500
	DropRate float64       // how many connections are closed after the event was taken: it must be repeated
	Delay    time.Duration // before every answer
	Seed     uint64        // the same seed and order of arrival give the same choices
}

func (m Misbehaviour) check() error {
	switch {
	case !(m.FailRate >= 0 && m.FailRate <= 1), !(m.DropRate >= 0 && m.DropRate <= 1): // NaN too
		return errors.New("a rate is between 0 and 1")
	case m.Status != 0 && (m.Status < 300 || m.Status > 599):
		return errors.New("a failing status is between 300 and 599: a 2xx would lose what it was answered to")
	case m.Delay < 0:
		return errors.New("a delay is not negative")
	}
	return nil
}

func (m Misbehaviour) status() int {
	if m.Status == 0 {
		return http.StatusInternalServerError
	}
	return m.Status
}

// chaos makes the choices of one receiver. Its lock is the receiver's.
type chaos struct {
	failRate, dropRate float64
	fail, drop         *rand.Rand // apart, so that one rate does not move the other's choices
}

func (m Misbehaviour) start() *chaos {
	return &chaos{
		failRate: m.FailRate, dropRate: m.DropRate,
		fail: rand.New(rand.NewPCG(m.Seed, 1)), drop: rand.New(rand.NewPCG(m.Seed, 2)), // #nosec G404 -- chance, and no secret
	}
}

func (c *chaos) fails() bool { return c.fail.Float64() < c.failRate }
func (c *chaos) drops() bool { return c.drop.Float64() < c.dropRate }

// wait waits, unless whoever asked has gone.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
