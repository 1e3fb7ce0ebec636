package actor

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// counted is a store that counts what is read of subscribers.
type counted struct {
	*memory
	reads atomic.Int64
}

func (s *counted) Load(id string) (*engine.Subscriber, error) {
	s.reads.Add(1)
	return s.memory.Load(id)
}

func (s *counted) UserOf(network, user string) (string, error) {
	s.reads.Add(1)
	return s.memory.UserOf(network, user)
}

// atWarmDesk is atDesk with memory for those who were busy, about so many.
func atWarmDesk(t *testing.T, kept int, story func(h *desk, s *counted)) {
	t.Helper()
	s := &counted{}
	atDesk(t, func(h *desk) { story(h, s) }, func(c *Config) {
		s.memory = c.Store.(*memory)
		c.Store, c.Kept = s, kept
	})
}

func (h *desk) callOf(call string) {
	h.tellOf(call, engine.EventReceived, engine.StatusAlerting)
	h.tellOf(call, engine.EventAnswered, engine.StatusActive)
	h.tellOf(call, engine.EventReleased, engine.StatusReleased)
	synctest.Wait()
}

func TestTheNextCallOfALineReadsNothing(t *testing.T) {
	atWarmDesk(t, 0, func(h *desk, s *counted) {
		before := s.reads.Load()
		for _, call := range []string{"c1", "c2", "c3"} {
			h.callOf(call)
			time.Sleep(time.Hour)
			require.Nil(t, h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1}).Err)
			_, refused := h.SubscriberCalls(context.Background(), app1, alice)
			require.Nil(t, refused)
		}
		require.Equal(t, before, s.reads.Load())
		require.Len(t, h.states(), 9)
		h.each(func(e *entry) { require.Zero(t, e.place, "whoever dozes waits for nothing") })
	})
}

func (h *desk) each(fn func(e *entry)) {
	synctest.Wait()
	for i := range h.shards {
		h.shards[i].mu.Lock()
		for _, e := range h.shards[i].entries {
			fn(e)
		}
		h.shards[i].mu.Unlock()
	}
}

func (u *userIndex) len() (n int) {
	for i := range u.shards {
		n += len(u.shards[i].of)
	}
	return n
}

func TestWhoWasBusyLongestAgoMakesRoom(t *testing.T) {
	atWarmDesk(t, 2*shards, func(h *desk, s *counted) {
		// All in one shard: two of them have room.
		ids := []string{alice}
		home, _ := h.shard(alice)
		for n := 0; len(ids) < 4; n++ {
			id := fmt.Sprintf("user%d@example.com", n)
			if of, _ := h.shard(id); of == home {
				h.provision(id)
				ids = append(ids, id)
			}
		}
		busy := func(id string) {
			require.Nil(t, h.Do(context.Background(), id, engine.Command{Verb: engine.VerbList, App: app1}).Err)
			synctest.Wait()
		}
		reads := func(id string) bool {
			before := s.reads.Load()
			busy(id)
			return s.reads.Load() > before
		}
		for _, id := range ids {
			busy(id)
		}
		require.Equal(t, 2, h.inMemory())
		require.Equal(t, 2, h.users.len())
		require.False(t, reads(ids[2]))
		require.True(t, reads(ids[0]), "the first one was forgotten")
		require.True(t, reads(ids[3]), "and now the last, since the third was busy after him")
		require.Equal(t, 2, h.inMemory())
	})
}

// Whoever has a call is no guest of the queue, however many come after him.
func TestALiveCallIsNotForgotten(t *testing.T) {
	atWarmDesk(t, 1, func(h *desk, _ *counted) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		for n := range 2 * shards {
			h.provision(fmt.Sprintf("user%d@example.com", n))
		}
		require.LessOrEqual(t, h.inMemory(), shards+1)
		require.Equal(t, engine.StateRinging, h.only().Call.State)
		h.tell(engine.EventReleased, engine.StatusReleased)
		require.Equal(t, []string{"ringing", "released"}, h.states())
	})
}

// What is in memory of somebody who dozes is what is true of him.
func TestWhoDozesIsProvisionedLikeAnybody(t *testing.T) {
	tell := func(h *desk, user string) {
		h.Deliver(net1, user, &engine.Event{ID: user, Kind: engine.EventReceived, Facts: []engine.Fact{{
			ProviderID: "c1", Status: engine.StatusAlerting, Personality: engine.Terminator,
		}}}, h.receipts)
		synctest.Wait()
	}
	profile := engine.Profile{ID: alice, Number: "+15125550100", Name: "Alice B", Network: net1, ProviderUser: "alice-at-work"}
	t.Run("a rename", func(t *testing.T) {
		atWarmDesk(t, 0, func(h *desk, _ *counted) {
			_, refused := h.PutProfile(context.Background(), profile)
			require.Nil(t, refused)
			tell(h, alice)
			require.Empty(t, h.states(), "nobody has that name now")
			require.Equal(t, 1, h.receipts.count())
			tell(h, "Alice-At-Work")
			require.Equal(t, []string{"ringing"}, h.states())
			require.Equal(t, "Alice B", h.only().Profile.Name)
		})
	})
	t.Run("a deletion", func(t *testing.T) {
		atWarmDesk(t, 0, func(h *desk, _ *counted) {
			require.Nil(t, h.Delete(context.Background(), alice))
			require.Zero(t, h.inMemory(), "nobody is not kept")
			tell(h, alice)
			require.Empty(t, h.states())
			_, refused := h.PutProfile(context.Background(), engine.Profile{ID: "other", Network: net1, ProviderUser: alice})
			require.Nil(t, refused)
		})
	})
	t.Run("an app that follows no more, and again", func(t *testing.T) {
		atWarmDesk(t, 0, func(h *desk, _ *counted) {
			h.callOf("c1")
			require.Nil(t, h.Unlink(context.Background(), app1, alice))
			_, refused := h.SubscriberCalls(context.Background(), app1, alice)
			require.Equal(t, engine.CodeNotFound, refused.Code)
			h.callOf("c2")
			require.Nil(t, h.Link(context.Background(), app1, alice))
			h.callOf("c3")
			require.Equal(t, []string{"ringing", "active", "released", "ringing", "active", "released"}, h.states(), "numbered on")
		})
	})
	t.Run("somebody who is not provisioned", func(t *testing.T) {
		atWarmDesk(t, 0, func(h *desk, _ *counted) {
			before := h.inMemory()
			require.Equal(t, engine.CodeNotFound, h.Do(context.Background(), "nobody", engine.Command{Verb: engine.VerbList, App: app1}).Err.Code)
			require.Equal(t, before, h.inMemory(), "is not kept")
		})
	})
}
