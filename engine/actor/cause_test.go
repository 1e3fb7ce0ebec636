package actor

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/trace"
)

// tracing is a desk whose requests to the provider are seen with their traces.
type tracing struct {
	*platform
	mu  sync.Mutex
	ids map[engine.Verb]trace.Context
}

func (p *tracing) Ask(ctx context.Context, network string, a engine.Ask) engine.Outcome {
	p.mu.Lock()
	p.ids[a.Verb] = trace.From(ctx)
	p.mu.Unlock()
	return p.platform.Ask(ctx, network, a)
}

func TestWhatComesOfATracedCommandHasItsTrace(t *testing.T) {
	memory := trace.NewMemory(0)
	p := &tracing{ids: map[engine.Verb]trace.Context{}}
	var spans []trace.Span
	atDesk(t, func(h *desk) {
		require.Nil(t, h.Link(context.Background(), "another", alice))
		h.tell(engine.EventReceived, engine.StatusAlerting)
		h.tell(engine.EventAnswered, engine.StatusActive)
		call := h.only().Call.ID
		_, last := h.disk.stream(app1, alice)
		before := last[len(last)-1]
		require.False(t, memory.Of(app1, alice, uint8(engine.StreamCalls), before).Set(), "nobody asked for it")

		at := trace.New(true)
		replied := make(chan engine.Reply)
		go func() {
			replied <- h.DoCall(trace.With(context.Background(), at), engine.Command{Verb: engine.VerbHold, App: app1, Call: call})
		}()
		synctest.Wait()
		p.mu.Lock()
		require.Equal(t, at.ID, p.ids[engine.VerbHold].ID)
		require.NotEqual(t, at.Span, p.ids[engine.VerbHold].Span, "a span of its own")
		p.mu.Unlock()
		h.tell(engine.EventHeld, engine.StatusHeld)
		require.Nil(t, (<-replied).Err)
		require.Equal(t, at, memory.Of(app1, alice, uint8(engine.StreamCalls), before+1), "the event that confirmed it")
		require.False(t, memory.Of("another", alice, uint8(engine.StreamCalls), before+1).Set(), "no other app learns of it")
		require.Len(t, spans, 1)
		require.Equal(t, at.Span, spans[0].Parent)
		require.Equal(t, "provider hold", spans[0].Name)

		h.tell(engine.EventRetrieved, engine.StatusActive)
		synctest.Wait()
		require.False(t, memory.Of(app1, alice, uint8(engine.StreamCalls), before+2).Set(), "the phone did that")
	}, func(c *Config) {
		p.platform = c.Networks.(*platform)
		c.Networks, c.Traces = p, memory
		c.Tracer = &trace.Tracer{Export: func(s trace.Span) { spans = append(spans, s) }}
	})
}
