package e2e

import (
	"context"
	"math/rand/v2"
	"time"

	"offhook/bench/pacer"
)

// Due is when an event of a line was due.
type Due struct {
	Line int32
	Step uint32 // of its calls; the webhook has this number
	At   int64  // ns since the epoch
}

// play tells events at even distances, each on a line that chance picks,
// whatever became of those before. It returns when each was due, and how late
// it left here: what is ours of that, and not offhook's.
func (p *platform) play(ctx context.Context, rate int, length time.Duration, seed uint64) (due []Due, late []int64, err error) {
	timer, err := pacer.New()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = timer.Close() }()
	random := rand.New(rand.NewPCG(seed, 1))
	events := int(length.Seconds() * float64(rate))
	due, late = make([]Due, 0, events), make([]int64, 0, events)
	began := time.Now().Add(10 * time.Millisecond)
	var document []byte
	for i := range events {
		at := began.Add(time.Duration(float64(i) / float64(rate) * float64(time.Second)))
		if err := timer.Until(at); err != nil {
			return nil, nil, err
		}
		if i%64 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		l := p.lines[random.IntN(len(p.lines))]
		l.mu.Lock()
		late = append(late, int64(time.Since(at)))
		document = l.next(document[:0], false, time.Now().UnixMilli())
		p.channel.say(document)
		due = append(due, Due{int32(l.id), uint32(l.steps), at.UnixNano()}) // #nosec G115 -- of a benchmark
		l.mu.Unlock()
	}
	return due, late, nil
}

// most is how many documents leave in one go.
const most = 64

// rush tells events as fast as they are acknowledged, one line after the other:
// no more than a window of them is open at a time. It returns how many there
// were, and when it began.
func (p *platform) rush(ctx context.Context, window int, length time.Duration) (events int, began time.Time, err error) {
	began = time.Now()
	end := began.Add(length)
	before := p.acked.Load()
	var documents []byte
	var ends []int
	for next := 0; ; {
		now := time.Now()
		if now.After(end) {
			return events, began, nil
		}
		room := min(window-int(int64(events)-(p.acked.Load()-before)), most)
		if room <= 0 {
			select {
			case <-p.freed:
			case <-ctx.Done():
				return 0, began, ctx.Err()
			}
			continue
		}
		documents, ends = documents[:0], ends[:0]
		for range room {
			l := p.lines[next%len(p.lines)]
			next++
			l.mu.Lock()
			documents = l.next(documents, false, now.UnixMilli())
			l.mu.Unlock()
			ends = append(ends, len(documents))
		}
		p.channel.write(documents, ends...)
		events += room
	}
}

// answer leaves every line with a call that is answered, for commands.
func (p *platform) answer() {
	for _, l := range p.lines {
		l.mu.Lock()
		for l.steps%len(life) <= atAnswered {
			p.channel.say(l.next(nil, false, time.Now().UnixMilli()))
		}
		l.mu.Unlock()
	}
}

// open is how many events are not acknowledged.
func (p *platform) open() (n int) {
	for _, l := range p.lines {
		l.mu.Lock()
		n += l.open
		l.mu.Unlock()
	}
	return n
}
