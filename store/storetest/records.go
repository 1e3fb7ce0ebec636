package storetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func hostileIDs(t *testing.T, open Open) {
	s := open(t)
	list := []string{
		"a", "a\x00", "a\x00b", "a\x00\x01", "a\x00ÿ", "a\x01", "a/b", "a/", "\x00", "\x00\x00", "a b", "ä", "日本", "😀", "aa",
		"a\x00\x01\x00calls", "%00", "\x7f", "\u0100",
	}
	for i, id := range list {
		sub := Subscriber(id)
		sub.Number = ids(i)
		sub.ProviderUser = id
		Put(t, s, []engine.Record{
			{Kind: engine.RecordProfile, Subscriber: sub}, Of(sub),
			{Kind: engine.RecordIntent, Subscriber: sub, Intent: &engine.Intent{App: id, Key: id, Dialed: ids(i), OpenedAt: 1}},
		}, []engine.Notification{Told(id, sub, 1), Told("app", sub, 1)})
	}
	closed(t, s)
	s = open(t)
	defer closed(t, s)
	for i, id := range list {
		sub, err := s.Load(id)
		require.NoError(t, err)
		require.NotNil(t, sub, "%q", id)
		require.Equal(t, ids(i), sub.Number, "%q", id)
		user, err := s.UserOf("net", id)
		require.NoError(t, err)
		require.Equal(t, id, user)
		in, err := s.Intent(id, id, id)
		require.NoError(t, err)
		require.Equal(t, ids(i), in.Dialed)
		n := 0
		_, err = s.Events(id, 0, 0, func(ev engine.StoredEvent) error {
			n++
			require.Equal(t, id, ev.Subscriber)
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 1, n, "the log of app %q is its own", id)
		ev, found, err := s.Next(engine.StreamOf("app", id, engine.StreamCalls), 0)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, id, ev.Subscriber)
		_, found, err = s.Next(engine.StreamOf("app", id, engine.StreamCalls), 1)
		require.NoError(t, err)
		require.False(t, found, "the stream of %q ends where another begins", id)
	}
	var streams, folded []string
	for _, id := range list {
		folded = append(folded, engine.Fold(id))
	}
	require.NoError(t, s.Waiting(engine.StreamID{}, 0, func(w engine.Waiting) error {
		if w.Stream.App == "app" {
			streams = append(streams, w.Stream.Subscriber)
		}
		return nil
	}))
	require.ElementsMatch(t, folded, streams)
}

func calls(t *testing.T, open Open) {
	s := open(t)
	sub := Subscriber("Alice")
	id := callOf(sub.ID, 7)
	owner := func() string {
		o, err := s.Owner(id)
		require.NoError(t, err)
		return o
	}
	ended := func() *engine.Call {
		c, err := s.Ended(id)
		require.NoError(t, err)
		return c
	}
	require.Empty(t, owner())
	require.Nil(t, ended())
	c := engine.Call{ID: id, State: engine.StateRinging, Direction: engine.Incoming, RemoteNumber: "+15129104114", CreatedAt: 5}
	Put(t, s, []engine.Record{{Kind: engine.RecordCall, Subscriber: sub, Call: &c}}, nil)
	require.Equal(t, "Alice", owner())
	require.Nil(t, ended(), "it lives: the subscriber's record has it")
	c.State, c.Cause, c.ReleasedAt = engine.StateReleased, engine.CauseNormal, 9
	Put(t, s, []engine.Record{{Kind: engine.RecordCall, Subscriber: sub, Call: &c}}, nil)
	closed(t, s)
	s = open(t)
	defer closed(t, s)
	require.Equal(t, "Alice", owner())
	require.Equal(t, &c, ended())
}

func wentOn(t *testing.T, open Open) {
	s := open(t)
	sub := Subscriber("Alice")
	sub.Streams = []engine.Stream{{App: "app", Linked: true}}
	sub.Source.Subscription = "order"
	Put(t, s, []engine.Record{Of(sub)}, nil)
	progress := func(c engine.Call) engine.Record {
		sub.Streams[0].Calls++
		sub.Source.Sequence++
		sub.Source.Recent[sub.Source.Next] = uint64(sub.Source.Sequence)
		sub.Source.Next++
		return engine.Record{Kind: engine.RecordProgress, Subscriber: sub, Calls: []engine.Call{c}, Heard: true}
	}
	check := func() {
		t.Helper()
		got, err := s.Load("alice")
		require.NoError(t, err)
		if len(got.Calls) == 0 {
			got.Calls = nil // it is the same
		}
		require.EqualExportedValues(t, *sub, *got)
		live := 0
		require.NoError(t, s.Unsettled(func(string, bool) error { live++; return nil }))
		require.Equal(t, len(sub.Calls), live)
	}
	c := engine.Call{ID: callOf("alice", 1), State: engine.StateRinging, Direction: engine.Incoming, RemoteName: "Bob", CreatedAt: 5}
	sub.Calls = []engine.Call{c}
	Put(t, s, []engine.Record{progress(c)}, nil)
	check()
	c.State, c.AnsweredAt = engine.StateActive, 6
	sub.Calls = []engine.Call{c}
	Put(t, s, []engine.Record{progress(c)}, nil)
	check()
	closed(t, s)
	s = open(t)
	check()

	// It is held and released together, and so is another one that came and went.
	held, other := c, engine.Call{ID: callOf("alice", 2), State: engine.StateRinging}
	held.State, c.State, c.ReleasedAt = engine.StateHeld, engine.StateReleased, 7
	first := progress(held)
	second := progress(other)
	other.State, other.ReleasedAt = engine.StateReleased, 8
	third := progress(c)
	fourth := progress(other)
	sub.Calls, sub.Ended = nil, []engine.Ended{{ID: c.ID, Direction: engine.Incoming, ReleasedAt: 7}, {ID: other.ID, ReleasedAt: 8}}
	Put(t, s, []engine.Record{first, second, third, fourth}, nil)
	check()
	sub.Ended = sub.Ended[1:] // the first is forgotten, which nobody writes by itself
	c.ID, c.State = callOf("alice", 3), engine.StateRinging
	sub.Calls = []engine.Call{c}
	Put(t, s, []engine.Record{progress(c)}, nil)
	check()

	// A record takes the place of all that.
	sub.Name = "Alice Cooper"
	Put(t, s, []engine.Record{Of(sub)}, nil)
	closed(t, s)
	s = open(t)
	defer closed(t, s)
	check()
}

func intents(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	sub := Subscriber("Alice")
	get := func(app, id, key string) *engine.Intent {
		in, err := s.Intent(app, id, key)
		require.NoError(t, err)
		return in
	}
	in := engine.Intent{Call: callOf("alice", 1), App: "app", Key: "k", BodyHash: [32]byte{1, 31: 2}, Dialed: "+1", RemoteName: "Zoë", OpenedAt: 1}
	Put(t, s, []engine.Record{{Kind: engine.RecordIntent, Subscriber: sub, Intent: &in}}, nil)
	require.Equal(t, &in, get("app", "ALICE", "k"))
	require.Nil(t, get("app2", "alice", "k"), "keys of another app are another's")
	require.Nil(t, get("app", "bob", "k"))
	require.Nil(t, get("app", "alice", "K"), "keys are compared as they are")
	in.SettledAt, in.Refusal = 2, engine.CodeProviderError
	Put(t, s, []engine.Record{{Kind: engine.RecordIntent, Subscriber: sub, Intent: &in}}, nil)
	require.Equal(t, &in, get("app", "alice", "k"))
	Put(t, s, []engine.Record{{Kind: engine.RecordNoIntent, Subscriber: sub, Intent: &in}}, nil)
	require.Nil(t, get("app", "alice", "k"), "the key is free again")
	in.Key = ""
	Put(t, s, []engine.Record{{Kind: engine.RecordIntent, Subscriber: sub, Intent: &in}}, nil)
	require.Nil(t, get("app", "alice", ""), "a request without a key is no idempotent one")
}

func users(t *testing.T, open Open) {
	s := open(t)
	defer closed(t, s)
	of := func(network, user string) string {
		id, err := s.UserOf(network, user)
		require.NoError(t, err)
		return id
	}
	sub := Subscriber("Alice")
	sub.ProviderUser = "alice@bw"
	profile := func(was engine.Profile) {
		Put(t, s, []engine.Record{{Kind: engine.RecordProfile, Subscriber: sub, Was: &was}, Of(sub)}, nil)
	}
	profile(engine.Profile{})
	require.Equal(t, "Alice", of("net", "ALICE@bw"))
	require.Empty(t, of("net2", "alice@bw"))

	was := sub.Profile
	sub.ProviderUser = "alice.smith@bw"
	profile(was)
	require.Empty(t, of("net", "alice@bw"), "renamed at the provider")
	require.Equal(t, "Alice", of("net", "alice.smith@bw"))

	was = sub.Profile
	sub.ProviderUser = "Alice.Smith@BW"
	profile(was)
	require.Equal(t, "Alice", of("net", "alice.smith@bw"), "another spelling of the same")

	was = sub.Profile
	sub.Network = "net2"
	profile(was)
	require.Empty(t, of("net", "alice.smith@bw"))
	require.Equal(t, "Alice", of("net2", "alice.smith@bw"))

	sub.Deleted = true
	Put(t, s, []engine.Record{{Kind: engine.RecordNoSubscriber, Subscriber: sub}}, nil)
	require.Empty(t, of("net2", "alice.smith@bw"))
	got, err := s.Load("alice")
	require.NoError(t, err)
	require.True(t, got.Deleted, "the counters of its streams stay")

	sub.Deleted = false
	profile(engine.Profile{})
	require.Equal(t, "Alice", of("net2", "alice.smith@bw"), "provisioned again")
}

func unsettled(t *testing.T, open Open) {
	s := open(t)
	list := func() (live, marked []string) {
		require.NoError(t, s.Unsettled(func(id string, m bool) error {
			if m {
				marked = append(marked, id)
			} else {
				live = append(live, id)
			}
			return nil
		}))
		slices.Sort(live)
		slices.Sort(marked)
		return live, marked
	}
	reopen := func() {
		closed(t, s)
		s = open(t)
	}
	talking, dialling, deferring, idle, both := Subscriber("Talking"), Subscriber("dialling"), Subscriber("deferring"), Subscriber("idle"), Subscriber("both")
	talking.Calls = []engine.Call{{ID: callOf("talking", 1), State: engine.StateActive}}
	dialling.Intents = []engine.Intent{{Call: callOf("dialling", 1), OpenedAt: 1}}
	deferring.Streams = []engine.Stream{{App: "app", Deferred: []engine.Deferred{{Time: 1}}}}
	idle.Intents = []engine.Intent{{OpenedAt: 1, SettledAt: 2}}
	both.Calls = []engine.Call{{ID: callOf("both", 1), State: engine.StateRinging}}
	for _, sub := range []*engine.Subscriber{talking, dialling, deferring, idle, both} {
		Put(t, s, []engine.Record{Of(sub)}, nil)
	}
	for _, id := range []string{"Marked", "BOTH"} {
		done := NewDone()
		s.Mark(0, 0, id, done)
		done.Wait(t)
	}
	for range 2 {
		live, marked := list()
		require.Equal(t, []string{"deferring", "dialling", "talking"}, live)
		require.Equal(t, []string{"both", "marked"}, marked)
		reopen()
	}
	talking.Calls, deferring.Streams[0].Deferred, dialling.Intents[0].SettledAt = nil, nil, 3
	Put(t, s, []engine.Record{Of(talking), Of(dialling), Of(deferring)}, nil)
	Put(t, s, []engine.Record{{Kind: engine.RecordResynced, Subscriber: both}}, nil)
	live, marked := list()
	require.Equal(t, []string{"both"}, live)
	require.Equal(t, []string{"marked"}, marked)

	// Live again in one group with settling: the last state counts.
	var order Order
	calls := both.Calls
	for i := range 50 {
		both.Calls = nil
		if i%2 == 1 {
			both.Calls = calls
		}
		s.Submit(0, 0, []engine.Record{Of(both)}, nil, order.Nth(i))
	}
	order.Wait(t, 50)
	reopen()
	live, _ = list()
	require.Equal(t, []string{"both"}, live)
	both.Calls = nil
	Put(t, s, []engine.Record{Of(both)}, nil)
	reopen()
	defer func() { closed(t, s) }()
	live, marked = list()
	require.Empty(t, live)
	require.Equal(t, []string{"marked"}, marked)
}
