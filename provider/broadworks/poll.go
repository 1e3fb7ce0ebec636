package broadworks

import (
	"context"
	"net/http"
	"slices"
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
// Only well-formed answers count: anything less and there is no picture. The
// conference is read only where a call is said to be in one.
func (p *Provider) poll(ctx context.Context, user string) engine.Outcome {
	list, out := p.listCalls(ctx, user, classPoll)
	if out.Kind != engine.OutcomeAccepted {
		return out
	}
	snapshot := &engine.Snapshot{}
	for _, l := range list {
		maybe.Delay("broadworks: in the midst of a snapshot", 2*time.Second) // calls come and go while it is read
		if !p.polls.wait(ctx) {
			return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "no answer in time"}
		}
		fact, out := p.readCall(ctx, p.userPath(user)+"/calls/"+escape(l.id), classPoll)
		switch out.Kind {
		case engine.OutcomeAccepted:
			if fact.InConference == engine.SaidNothing {
				fact.InConference = l.inConference
			}
			snapshot.Facts = append(snapshot.Facts, fact)
		case engine.OutcomeGone: // it ended since the list was made
		default:
			return out
		}
	}
	if slices.ContainsFunc(list, listed.joined) && p.polls.wait(ctx) {
		snapshot.Conference = p.readConference(ctx, user, classPoll)
	}
	return engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: snapshot}
}

// listed is one call of a list.
type listed struct {
	id           string
	inConference engine.Said
}

func (l listed) joined() bool { return l.inConference == engine.SaidYes }

// perhapsJoined reports whether nobody says that the call is in no conference.
func (l listed) perhapsJoined() bool { return l.inConference != engine.SaidNo }

// listCalls reads which calls a user has. With an outcome that is not accepted
// there is no list.
func (p *Provider) listCalls(ctx context.Context, user string, c class) (list []listed, out engine.Outcome) {
	if c == classPoll && !p.polls.wait(ctx) {
		return nil, engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "no answer in time"}
	}
	a, err := p.read(ctx, p.userPath(user)+"/calls", c)
	if out, bad := failed(a, err, false); bad {
		return nil, out
	}
	understood := false
	p.understand(a.body, func(d *document) {
		if understood = d.kind == docCalls; understood {
			for i := range d.calls {
				if id := d.text(d.calls[i].id); id != "" {
					list = append(list, listed{id, d.calls[i].inConference})
				}
			}
		}
	})
	if a.status != http.StatusOK || !understood || len(list) > maxPolled {
		return nil, engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "the provider's answer was not understood"}
	}
	return list, engine.Outcome{Kind: engine.OutcomeAccepted}
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
