package actor

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// watcher counts how often it was told of a subscriber.
type watcher struct {
	mu   sync.Mutex
	told map[string]int
}

func (w *watcher) changed(subscriber string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[string]int{}
	}
	w.told[subscriber]++
}

func (w *watcher) of(subscriber string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told[subscriber]
}

func (h *desk) board() (all []Shown) {
	for part := range BoardParts {
		all = append(all, h.Board(part)...)
	}
	return all
}

func TestTheBoardShowsWhatIsDurableAndSaysWhenItChanges(t *testing.T) {
	w := &watcher{}
	atDesk(t, func(h *desk) {
		require.Zero(t, w.of(alice), "nobody is told of a subscriber without calls")
		require.Empty(t, h.board())

		h.tell(engine.EventReceived, engine.StatusAlerting)
		require.Equal(t, 1, w.of(alice))
		shown := h.board()
		require.Len(t, shown, 1)
		require.Equal(t, alice, shown[0].Profile.ID)
		require.Equal(t, []string{app1}, shown[0].Apps)
		require.Equal(t, engine.StateRinging, shown[0].Calls[0].State)

		h.tell(engine.EventAnswered, engine.StatusActive)
		require.Equal(t, 2, w.of(alice))
		one, ok := h.ShownOf(alice)
		require.True(t, ok)
		require.Equal(t, engine.StateActive, one.Calls[0].State)
		require.Equal(t, engine.StateRinging, shown[0].Calls[0].State, "what was shown before is not changed")

		h.tell(engine.EventReleased, engine.StatusReleased)
		require.Equal(t, 3, w.of(alice), "the end is told too")
		_, ok = h.ShownOf(alice)
		require.False(t, ok)
		require.Empty(t, h.board())
	}, func(c *Config) { c.Changed = w.changed })
}

// Whoever is shown in the place of another is found by what is shown now.
func TestACallIsFoundByWhatIsShownOfIt(t *testing.T) {
	const app2 = "app-2"
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		first := h.only().Call.ID
		require.Nil(t, h.Link(context.Background(), app2, alice))
		require.Len(t, h.Live(app2), 1)
		require.Nil(t, h.Unlink(context.Background(), app1, alice))
		require.Empty(t, h.Live(app1))
		require.Len(t, h.Live(app2), 1)
		require.Nil(t, h.Link(context.Background(), app1, alice))

		h.seq++
		h.Deliver(net1, alice, &engine.Event{ // one call instead of another
			ID: "all", Subscription: "s", Sequence: h.seq, Kind: engine.EventSnapshot,
			Facts: []engine.Fact{{ProviderID: "c2", TrackingID: "t-c2", Status: engine.StatusActive, Personality: engine.Terminator}},
		}, h.receipts)
		second := h.only().Call.ID
		require.NotEqual(t, first, second)
		_, ok := h.Whose(app1, first)
		require.False(t, ok)
		whose, _ := h.Whose(app1, second)
		require.Equal(t, alice, whose)
	})
}
