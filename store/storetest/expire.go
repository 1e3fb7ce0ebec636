package storetest

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// gapBody is what a gap tells a receiver.
type gapBody struct {
	AppID        string `json:"app_id"`
	SubscriberID string `json:"subscriber_id"`
	Sequence     string `json:"sequence_number"`
	From         string `json:"gap_from"`
	Type         string `json:"type"`
	EventID      string `json:"event_id"`
	Timestamp    int64  `json:"timestamp"`
	Calls        []struct {
		CallID   string `json:"call_id"`
		State    string `json:"state"`
		Sequence string `json:"sequence_number"`
	} `json:"calls"`
}

func readGap(t *testing.T, ev engine.StoredEvent) (g gapBody) {
	t.Helper()
	require.NoError(t, json.Unmarshal(ev.Body, &g), string(ev.Body))
	return g
}

// of is an event of a call, in a state, recorded at its number.
func of(app string, sub *engine.Subscriber, sequence uint64, call uint64, state engine.State) engine.Notification {
	n := Told(app, sub, sequence)
	n.Call, n.State = callOf(sub.ID, call), state
	return n
}

func before(t int64) func(at int64) bool { return func(at int64) bool { return at < t } }

func expire(t *testing.T, open Open) {
	s := open(t)
	sub, other := Subscriber("Alice"), Subscriber("alice2")
	id := Stream("app", sub)
	Put(t, s, nil, []engine.Notification{
		of("app", sub, 1, 7, engine.StateRinging), of("app", sub, 2, 7, engine.StateActive), of("app", sub, 3, 8, engine.StateRinging),
		Told("app", other, 1), of("app", sub, 4, 7, engine.StateReleased), of("app", sub, 5, 8, engine.StateActive),
	})
	s.Delivered(id, 1)

	found, err := s.Expire(id, 0, before(2), 100, "evt_none")
	require.NoError(t, err)
	require.False(t, found, "what was delivered is not given up, and nothing else is old")

	found, err = s.Expire(id, s.Durable(), before(5), 100, "evt_none")
	require.NoError(t, err)
	require.False(t, found, "nor what was for an earlier webhook")

	found, err = s.Expire(id, 0, before(5), 100, "evt_gap")
	require.NoError(t, err)
	require.True(t, found)
	for range 2 {
		require.Equal(t, []uint64{4, 5}, waiting(t, s, id, 0))
		ev, _, err := s.Next(id, 0)
		require.NoError(t, err)
		require.EqualValues(t, 2, ev.GapFrom)
		require.EqualValues(t, 100, ev.Time, "its schedule begins now")
		require.Equal(t, "evt_gap", ev.EventID)
		g := readGap(t, ev)
		require.Equal(t, []any{"app", "Alice", "4", "2", "stream.gap", "evt_gap", int64(100)},
			[]any{g.AppID, g.SubscriberID, g.Sequence, g.From, g.Type, g.EventID, g.Timestamp})
		require.Len(t, g.Calls, 2)
		require.Equal(t, callOf(sub.ID, 7).String(), g.Calls[0].CallID)
		require.Equal(t, "released", g.Calls[0].State, "the last that was to be told of it")
		require.Equal(t, "4", g.Calls[0].Sequence)
		require.Equal(t, "ringing", g.Calls[1].State)
		require.Equal(t, []uint64{1}, waiting(t, s, Stream("app", other), 0), "nobody else's")

		var order []uint64
		_, err = s.Events("app", 0, 0, func(ev engine.StoredEvent) error {
			if ev.Stream() == id {
				order = append(order, ev.Sequence)
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, []uint64{1, 2, 3, 4, 5}, order, "in the log the gap stands where the event was")
		closed(t, s)
		s = open(t)
	}
	closed(t, s)
}

func expireAgain(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	sub := Subscriber("alice")
	id := Stream("app", sub)
	for n := uint64(1); n <= 7; n++ {
		Put(t, s, nil, []engine.Notification{of("app", sub, n, n, engine.StateRinging)})
	}
	give := func(old, now int64, eventID string) bool {
		found, err := s.Expire(id, 0, before(old), now, eventID)
		require.NoError(t, err)
		return found
	}
	require.True(t, give(3, 50, "evt_a"), "1 and 2")
	require.False(t, give(3, 50, "evt_b"))
	require.True(t, give(5, 51, "evt_c"), "3 and 4, behind the gap that was perhaps sent already")
	require.Equal(t, []uint64{2, 4, 5, 6, 7}, waiting(t, s, id, 0))
	require.True(t, give(6, 52, "evt_d"), "5 joins the gap that nobody has seen")
	require.False(t, give(6, 52, "evt_e"))
	require.Equal(t, []uint64{2, 5, 6, 7}, waiting(t, s, id, 0))
	ev, _, err := s.Next(id, 2)
	require.NoError(t, err)
	require.Equal(t, "3", readGap(t, ev).From)
	require.True(t, give(53, 90, "evt_f"), "the gaps themselves grew old")
	require.Equal(t, []uint64{7}, waiting(t, s, id, 0))
	ev, _, err = s.Next(id, 0)
	require.NoError(t, err)
	g := readGap(t, ev)
	require.Equal(t, "1", g.From)
	require.Len(t, g.Calls, 7, "no call is forgotten on the way")
	require.False(t, give(91, 99, "evt_g"), "a gap alone stays what it is")
}

func expireMuch(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	sub := Subscriber("alice")
	id := Stream("app", sub)
	const calls = 2500
	for n := uint64(1); n <= calls; n++ {
		s.Submit(0, 0, nil, []engine.Notification{of("app", sub, n, n, engine.StateReleased)}, NewDone())
	}
	Put(t, s, nil, nil)
	rounds := 0
	for more := true; more; rounds++ {
		var err error
		more, err = s.Expire(id, 0, before(1<<40), 1<<41, "evt_gap")
		require.NoError(t, err)
		require.Less(t, rounds, 10)
	}
	named, next := 0, "1"
	for _, n := range waiting(t, s, id, 0) {
		ev, _, err := s.Next(id, n-1)
		require.NoError(t, err)
		g := readGap(t, ev)
		require.Equal(t, next, g.From, "one gap begins behind the other")
		require.Less(t, len(ev.Body), 256<<10)
		named += len(g.Calls)
		next = strconv.FormatUint(ev.Sequence+1, 10)
	}
	require.Equal(t, calls, named)
	require.Equal(t, strconv.FormatUint(calls+1, 10), next)
}
