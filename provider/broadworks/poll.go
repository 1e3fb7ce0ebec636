package broadworks

import (
	"context"
	"net/http"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/maybe"
)

// maxPolled is how many calls one poll reads.
const maxPolled = 128

// snapshot compares a user. Renewing its subscription makes the platform send
// an exact snapshot on the event stream (dossier §3.3, §3.6). Where nothing
// would come, the calls are read one by one.
func (p *Provider) snapshot(ctx context.Context, user string) engine.Outcome {
	if out, done := p.renewFor(ctx, user); done {
		return out
	}
	return p.poll(ctx, user)
}

// poll lists the calls and reads each. It races with events; the core knows.
// Only well-formed answers count: anything less and there is no picture.
func (p *Provider) poll(ctx context.Context, user string) engine.Outcome {
	list := p.userPath(user) + "/calls"
	a, err := p.pollOne(ctx, list)
	if out, bad := failed(a, err, false); bad {
		return out
	}
	var ids []string
	listed := false
	p.understand(a.body, func(d *document) {
		if listed = d.kind == docCalls; listed {
			for i := range d.calls {
				if id := d.text(d.calls[i].id); id != "" {
					ids = append(ids, id)
				}
			}
		}
	})
	if a.status != http.StatusOK || !listed || len(ids) > maxPolled {
		return engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "the provider's answer was not understood"}
	}
	snapshot := &engine.Snapshot{}
	for _, id := range ids {
		maybe.Delay("broadworks: in the midst of a snapshot", 2*time.Second) // calls come and go while it is read
		if !p.polls.wait(ctx) {
			return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "no answer in time"}
		}
		fact, out := p.readCall(ctx, list+"/"+escape(id), classPoll)
		switch out.Kind {
		case engine.OutcomeAccepted:
			snapshot.Facts = append(snapshot.Facts, fact)
		case engine.OutcomeGone: // it ended since the list was made
		default:
			return out
		}
	}
	return engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: snapshot}
}

// pollOne reads a list of calls at the pace of polling.
func (p *Provider) pollOne(ctx context.Context, path string) (answer, error) {
	if !p.polls.wait(ctx) {
		return answer{}, ctx.Err()
	}
	return p.read(ctx, path, classPoll)
}

// pacer keeps things apart in time.
type pacer struct {
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

// wait returns when it is one's turn, false if ctx ended before.
func (c *pacer) wait(ctx context.Context) bool {
	c.mu.Lock()
	now := time.Now()
	at := c.next
	if at.Before(now) {
		at = now
	}
	c.next = at.Add(c.every)
	c.mu.Unlock()
	if at.Equal(now) {
		return ctx.Err() == nil
	}
	t := time.NewTimer(at.Sub(now))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func perSecond(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }
