package broadworks

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

func numbered(seq int) string {
	return event(fmt.Sprint("e", seq), "s1", fmt.Sprint(seq), bob, "CallUpdatedEvent", alertingCall)
}

func (s *story) sequences() (all []uint32) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, ev := range s.sink.events {
		all = append(all, ev.Sequence)
	}
	return all
}

func (s *story) resynced() int {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return len(s.sink.resyncs)
}

// While a channel of a set ends, events of one subscription may come on two:
// what is ahead waits for what is missing (dossier §3.6).
func TestEventsThatOvertakeEachOtherAreHandedOverInOrder(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.Network.XSPs = []string{"http://xsp1", "http://xsp2"} }, func(s *story) {
		one, two := s.bw.opened()[0], s.bw.opened()[1]
		one.say(numbered(7))
		s.after(time.Millisecond)
		two.say(numbered(9))
		two.say(numbered(10))
		s.after(300 * time.Millisecond)
		require.Equal(s, []uint32{7}, s.sequences())
		require.Equal(s, []string{"e7"}, s.bw.acked(), "what waits is not acknowledged")
		one.say(numbered(8))
		s.after(time.Millisecond)
		require.Equal(s, []uint32{7, 8, 9, 10}, s.sequences())
		require.ElementsMatch(s, []string{"e7", "e8", "e9", "e10"}, s.bw.acked())
	})
}

// What stays missing is not waited for long: the core sees the gap and asks for
// a snapshot.
func TestAGapIsNotWaitedForForLong(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.say(numbered(2147483646))
		s.say(numbered(1)) // 2147483647 is missing, then they wrap
		require.Len(s, s.sequences(), 1)
		s.after(501 * time.Millisecond)
		require.Equal(s, []uint32{2147483646, 1}, s.sequences())
		s.say(numbered(2))
		require.Len(s, s.sequences(), 3, "nothing waits any more")
	})
}

// A snapshot says all that the missing ones could say.
func TestASnapshotWaitsForNothing(t *testing.T) {
	tell(t, nil, func(s *story) {
		s.say(numbered(4))
		s.say(numbered(6))
		s.say(event("e8", "s1", "8", bob, "CallSubscriptionResyncEvent", ""))
		require.Equal(s, []uint32{4, 8, 6}, s.sequences(), "6 is old news to the core, and goes by its number")
		require.Equal(s, engine.EventSnapshot, s.sink.events[1].Kind)
		require.ElementsMatch(s, []string{"e4", "e8", "e6"}, s.bw.acked())
	})
}

// The numbers of a group are everybody's: an event that turns up after it was
// given up must not be applied over what followed it.
func TestALateEventOfAGroupIsNotApplied(t *testing.T) {
	tell(t, func(_ *script, c *Config) {
		c.Network.Subscribe = subscribeEnterprise
		c.Network.Targets = []tenant.Target{{Enterprise: "ent1"}}
	}, func(s *story) {
		s.after(time.Second)
		s.say(numbered(1))
		s.say(numbered(3))
		require.Len(s, s.sink.kinds(), 1)
		n := s.resynced()
		s.after(time.Second)
		require.Len(s, s.sink.kinds(), 2)
		require.Equal(s, n+1, s.resynced(), "the missing one may have been about anybody")
		s.say(numbered(2))
		require.Len(s, s.sink.kinds(), 2)
		require.Equal(s, n+2, s.resynced())
		require.ElementsMatch(s, []string{"e1", "e2", "e3"}, s.bw.acked())
	})
}
