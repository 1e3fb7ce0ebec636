package webhooks

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"offhook/bench/pacer"
)

// drain measures how fast a backlog leaves: events are journaled first, then a
// dispatcher starts, finds them and delivers. It returns events a second, from
// before the start to the last one's arrival.
func drain(ctx context.Context, k *keeper, m making, events int) (rate float64, err error) {
	b, err := newBed(ctx, k, m)
	if err != nil {
		return 0, err
	}
	defer func() { err = closed(err, b.close()) }()
	if err := b.ringAll(ctx, events); err != nil {
		return 0, err
	}
	rest()
	began := time.Now()
	b.start()
	if rate, err = b.since(ctx, began); err != nil {
		return 0, err
	}
	return rate, b.finish(ctx)
}

// pace is an open loop: events are due at even distances whatever became of
// those before, each at a phone that chance picks.
type pace struct {
	rate   int // events a second
	length time.Duration
	warmUp time.Duration // of length: not counted, connections are being opened
	random *rand.Rand
}

// play plays the pace on a bed and waits until everything arrived. It returns
// how long each event took, from when it was due to its arrival, in ns, and
// how late we were to submit each: what is ours of that, and not offhook's.
func (b *bed) play(ctx context.Context, pc pace, skip int) (took, late []int64, err error) {
	timer, err := pacer.New()
	if err != nil {
		return nil, nil, err
	}
	defer timer.Close()
	events := int(pc.length.Seconds() * float64(pc.rate))
	began := time.Now()
	late = make([]int64, 0, events)
	for i := range events {
		due := began.Add(time.Duration(float64(i) / float64(pc.rate) * float64(time.Second)))
		if err := timer.Until(due); err != nil {
			return nil, nil, err
		}
		if i%64 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		late = append(late, int64(time.Since(due)))
		if err := b.ring(pc.random.IntN(len(b.phones)), due); err != nil {
			return nil, nil, err
		}
	}
	if err := b.synced(ctx); err != nil {
		return nil, nil, err
	}
	if err := b.ledger.wait(ctx, b.heard()); err != nil {
		return nil, nil, err
	}
	p, err := b.ledger.turn(ctx)
	if err != nil {
		return nil, nil, err
	}
	from := began.Add(pc.warmUp).UnixNano()
	for _, a := range p.Arrivals {
		due := b.due[a.Stream][a.Sequence-1]
		if due >= from && int(a.Stream)/b.perApp != skip {
			took = append(took, a.At-due)
		}
	}
	if len(took) == 0 {
		return nil, nil, fmt.Errorf("a round of %v is too short for %d events a second", pc.length, pc.rate)
	}
	return took, late, p.check()
}

// rush journals events as fast as the store takes them, on a bed that
// delivers meanwhile. It returns events a second, from before the first was
// submitted to the last one's arrival.
func (b *bed) rush(ctx context.Context, events int) (rate float64, err error) {
	rest()
	began := time.Now()
	if err := b.ringAll(ctx, events); err != nil {
		return 0, err
	}
	return b.since(ctx, began)
}

// ringAll lets as many things happen, one phone after the other, and waits
// until all of them are durable.
func (b *bed) ringAll(ctx context.Context, events int) error {
	for i := range events {
		if err := b.ring(i%len(b.phones), time.Now()); err != nil {
			return err
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return b.synced(ctx)
}

// since waits until everything arrived. It returns the arrivals a second.
func (b *bed) since(ctx context.Context, began time.Time) (rate float64, err error) {
	if err := b.ledger.wait(ctx, b.heard()); err != nil {
		return 0, err
	}
	p, err := b.ledger.turn(ctx)
	if err != nil {
		return 0, err
	}
	return perSecond(p.Arrivals, began), p.check()
}

// perSecond is how many events a second came since began.
func perSecond(arrivals []arrival, began time.Time) float64 {
	last := slices.MaxFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.At, b.At) }).At
	return float64(len(arrivals)) / time.Duration(last-began.UnixNano()).Seconds()
}

// live plays a pace on a bed of its own, and then rushes events through it.
func live(ctx context.Context, k *keeper, m making, pc pace, events int) (took, late []int64, rate float64, err error) {
	b, err := newBed(ctx, k, m)
	if err != nil {
		return nil, nil, 0, err
	}
	defer func() { err = closed(err, b.close()) }()
	rest()
	b.start()
	if took, late, err = b.play(ctx, pc, m.deaf); err != nil {
		return nil, nil, 0, err
	}
	if rate, err = b.rush(ctx, events); err != nil {
		return nil, nil, 0, err
	}
	return took, late, rate, b.finish(ctx)
}
