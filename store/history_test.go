package store

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
)

const appUUID = "e1c1eef6-8c12-4031-8cc9-ae667c839476"

// kept is a store whose clock stands, with a subscriber of two apps.
type kept struct {
	*ageing
	alice *engine.Subscriber
	calls engine.CallID // so far
}

func newKept(t *testing.T) *kept {
	k := &kept{ageing: newAgeing(t), alice: storetest.Subscriber("Alice")}
	k.alice.Streams = []engine.Stream{{App: appUUID, Linked: true}, {App: "other", Linked: true}}
	storetest.Put(t, k.Store, []engine.Record{{Kind: engine.RecordProfile, Subscriber: k.alice}, storetest.Of(k.alice)}, nil)
	return k
}

func (k *kept) id(sub *engine.Subscriber) engine.CallID {
	k.calls++
	return k.calls<<10 | engine.CallID(engine.SlotOf(sub.ID))
}

// ends stores a call of somebody that is over.
func (k *kept) ends(sub *engine.Subscriber, change func(*engine.Call)) engine.CallID {
	c := engine.Call{
		ID: k.id(sub), State: engine.StateReleased, Direction: engine.Incoming, Cause: engine.CauseNormal,
		CreatedAt: k.now.Load() - 60_000, AnsweredAt: k.now.Load() - 50_000, ReleasedAt: k.now.Load(),
	}
	if change != nil {
		change(&c)
	}
	storetest.Put(k.T, k.Store, []engine.Record{{Kind: engine.RecordCall, Subscriber: sub, Call: &c}}, nil)
	return c.ID
}

// history is all of what a query finds, page by page.
func (k *kept) history(q engine.HistoryQuery) (all []engine.CallID) {
	k.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	for {
		n := 0
		last, more, err := k.History(q, func(p *engine.Profile, c *engine.Call) error {
			n++
			all = append(all, c.ID)
			return nil
		})
		require.NoError(k.T, err)
		require.LessOrEqual(k.T, n, q.Limit)
		if !more {
			return all
		}
		q.Behind = last
	}
}

func TestHistoryIsReadFromTheNewestOn(t *testing.T) {
	k := newKept(t)
	bob := storetest.Subscriber("bob")
	bob.Streams = []engine.Stream{{App: appUUID, Linked: true}}
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(bob)}, nil)
	missed := func(c *engine.Call) { c.AnsweredAt, c.Cause = 0, engine.CauseNoAnswer }
	out := func(c *engine.Call) { c.Direction = engine.Outgoing }
	first := k.ends(k.alice, nil)
	second := k.ends(bob, nil) // in the same ms
	k.now.Add(1000)
	third := k.ends(k.alice, missed)
	k.now.Add(1000)
	fourth := k.ends(bob, out)
	start := k.now.Load() - 2000
	for _, c := range []struct {
		what string
		q    engine.HistoryQuery
		want []engine.CallID
	}{
		{"all", engine.HistoryQuery{}, []engine.CallID{fourth, third, second, first}},
		{"one by one", engine.HistoryQuery{Limit: 1}, []engine.CallID{fourth, third, second, first}},
		{"of one subscriber", engine.HistoryQuery{Subscriber: "alice"}, []engine.CallID{third, first}},
		{"outgoing", engine.HistoryQuery{Direction: engine.Outgoing}, []engine.CallID{fourth}},
		{"answered", engine.HistoryQuery{Answered: engine.SaidYes}, []engine.CallID{fourth, second, first}},
		{"missed", engine.HistoryQuery{Answered: engine.SaidNo}, []engine.CallID{third}},
		{"by cause", engine.HistoryQuery{Cause: engine.CauseNoAnswer}, []engine.CallID{third}},
		{"from", engine.HistoryQuery{From: start + 1000}, []engine.CallID{fourth, third}},
		{"to", engine.HistoryQuery{To: start + 1000}, []engine.CallID{second, first}},
		{"between", engine.HistoryQuery{From: start + 1, To: start + 2000}, []engine.CallID{third}},
		{"all together", engine.HistoryQuery{Subscriber: "bob", Direction: engine.Incoming, Answered: engine.SaidYes, To: start + 1}, []engine.CallID{second}},
	} {
		c.q.App = appUUID
		require.Equal(t, c.want, k.history(c.q), c.what)
		if c.q.Limit = 1; true {
			require.Equal(t, c.want, k.history(c.q), "%s, one by one", c.what)
		}
	}
	require.Equal(t, []engine.CallID{third, first}, k.history(engine.HistoryQuery{App: "other"}), "bob is not the other app's")
	require.Empty(t, k.history(engine.HistoryQuery{App: "nobody"}))
}

// What ended before an app was linked is not its own; what did while it was is
// for as long as it still is.
func TestHistoryIsForWhoIsLinked(t *testing.T) {
	k := newKept(t)
	k.alice.Streams[1].Linked = false
	before := k.ends(k.alice, nil)
	k.now.Add(1)
	k.alice.Streams[1].Linked = true
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(k.alice)}, nil)
	during := k.ends(k.alice, nil)
	other := engine.HistoryQuery{App: "other"}
	require.Equal(t, []engine.CallID{during}, k.history(other))
	require.Equal(t, []engine.CallID{during, before}, k.history(engine.HistoryQuery{App: appUUID}))
	sees := func(app string, call engine.CallID) bool {
		_, found, _, err := k.Timeline(app, call)
		require.NoError(t, err)
		return found
	}
	require.True(t, sees(appUUID, before))
	require.False(t, sees("other", before))
	require.True(t, sees("other", during))

	k.alice.Streams[1].Linked = false
	k.now.Add(1)
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(k.alice)}, nil)
	require.Empty(t, k.history(other))
	require.False(t, sees("other", during))
	k.alice.Streams[1].Linked = true
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(k.alice)}, nil)
	require.Equal(t, []engine.CallID{during}, k.history(other), "linked again")

	k.alice.Deleted = true
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(k.alice)}, nil)
	require.Empty(t, k.history(engine.HistoryQuery{App: appUUID}))
	require.False(t, sees(appUUID, before))
}

// A page that finds little is bounded by what it looks at.
func TestAPageOfHistoryIsBounded(t *testing.T) {
	k := newKept(t)
	found := k.ends(k.alice, func(c *engine.Call) { c.Direction = engine.Outgoing })
	for range pastScan + 10 {
		k.now.Add(1)
		c := engine.Call{ID: k.id(k.alice), State: engine.StateReleased, Direction: engine.Incoming, ReleasedAt: k.now.Load()}
		k.Submit(0, 0, []engine.Record{{Kind: engine.RecordCall, Subscriber: k.alice, Call: &c}}, nil, storetest.NewDone())
	}
	storetest.Put(t, k.Store, nil, nil)
	q := engine.HistoryQuery{App: appUUID, Direction: engine.Outgoing, Limit: 10}
	_, more, err := k.History(q, func(*engine.Profile, *engine.Call) error { return fmt.Errorf("found too soon") })
	require.NoError(t, err)
	require.True(t, more, "short, and more to come")
	require.Equal(t, []engine.CallID{found}, k.history(q))
}

func TestACallThatIsOverSaysWhatItWentOnAs(t *testing.T) {
	k := newKept(t)
	was := k.ends(k.alice, func(c *engine.Call) { c.Cause = engine.CauseParked })
	by := k.id(k.alice)
	storetest.Put(t, k.Store, []engine.Record{{Kind: engine.RecordReplaced, Subscriber: k.alice, Replaced: was, By: by}}, nil)
	c, err := k.Ended(was)
	require.NoError(t, err)
	require.Equal(t, by, c.More.ReplacedBy)
	n := 0
	_, _, err = k.History(engine.HistoryQuery{App: appUUID, Limit: 1}, func(_ *engine.Profile, c *engine.Call) error {
		n++
		require.Equal(t, by, c.More.ReplacedBy)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestATimelineIsWhatAnAppMaySeeOfIt(t *testing.T) {
	k := newKept(t)
	call, other := k.id(k.alice), k.id(k.alice)
	live := engine.Call{ID: call, State: engine.StateActive, CreatedAt: k.now.Load()}
	k.alice.Calls = []engine.Call{live}
	event := storetest.Told(appUUID, k.alice, 1)
	event.Call = call
	trace := func(all ...engine.Trace) engine.Record {
		return engine.Record{Kind: engine.RecordTrace, Subscriber: k.alice, Traces: all}
	}
	begin := k.now.Load()
	fact := engine.Trace{Call: call, Kind: engine.TraceFact, Event: engine.EventAnswered, Status: engine.StatusActive, Synthetic: true, Number: 7}
	move := engine.Trace{Call: call, Kind: engine.TraceMove, From: engine.StateRinging, To: engine.StateActive, On: engine.OnActive}
	told := engine.Trace{Call: call, Kind: engine.TraceTold, App: appUUID, Number: 1}
	storetest.Put(t, k.Store, []engine.Record{
		storetest.Of(k.alice), {Kind: engine.RecordCall, Subscriber: k.alice, Call: &live},
		trace(fact, engine.Trace{Call: other, Kind: engine.TraceFact, Event: engine.EventHeld}, move, told,
			engine.Trace{Call: call, Kind: engine.TraceTold, App: "other", Number: 5}, engine.Trace{Kind: engine.TraceFact}),
	}, []engine.Notification{event})
	k.Attempt(engine.Attempt{Stream: event.Stream(), Sequence: 1, Number: 1, At: begin + 5, Status: 500})
	k.now.Add(10)
	command := engine.Trace{Call: call, Kind: engine.TraceCommand, App: appUUID, Verb: engine.VerbHold}
	theirs := engine.Trace{Call: call, Kind: engine.TraceCommand, App: "other", Verb: engine.VerbEnd}
	storetest.Put(t, k.Store, []engine.Record{trace(command, theirs)}, nil)
	k.Attempt(engine.Attempt{Stream: event.Stream(), Sequence: 1, Number: 2, At: begin + 12, Status: 200})
	k.days(1.5) // it lasts
	asked := engine.Trace{Call: call, Kind: engine.TraceAsked, Verb: engine.VerbHold}
	outcome := engine.Trace{Call: call, Kind: engine.TraceOutcome, Verb: engine.VerbHold, Outcome: engine.OutcomeRefused}
	reply := engine.Trace{Call: call, Kind: engine.TraceReply, App: appUUID, Verb: engine.VerbHold, Code: engine.CodeProviderError}
	storetest.Put(t, k.Store, []engine.Record{trace(asked, outcome, reply), trace(fact)}, nil)
	end := k.now.Load()

	read := func(app string) (list []engine.Moment) {
		t.Helper()
		list, found, more, err := k.Timeline(app, call)
		require.NoError(t, err)
		require.True(t, found)
		require.False(t, more)
		return list
	}
	check := func() {
		t.Helper()
		list := read(appUUID)
		require.Len(t, list, 10)
		require.Equal(t, engine.Moment{At: begin, Trace: told, EventID: event.EventID}, list[2])
		for i, want := range []engine.Trace{fact, move, told, {}, command, {}, asked, outcome, reply, fact} {
			require.Equal(t, want, list[i].Trace, i)
		}
		require.EqualValues(t, 500, list[3].Attempt.Status)
		require.EqualValues(t, 200, list[5].Attempt.Status)
		require.Equal(t, []int64{begin, begin, begin, begin + 5, begin + 10, begin + 12, end, end, end, end}, times(list))
	}
	check()
	list := read("other")
	require.Len(t, list, 7)
	require.Equal(t, theirs, list[3].Trace)
	require.Empty(t, list[2].EventID, "that event was never stored")
	_, found, _, err := k.Timeline("stranger", call)
	require.NoError(t, err)
	require.False(t, found)

	live.State, live.ReleasedAt = engine.StateReleased, k.now.Load()
	k.alice.Calls = nil
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(k.alice), {Kind: engine.RecordCall, Subscriber: k.alice, Call: &live}}, nil)
	check() // the same once it is over
	require.NoError(t, k.Close())
	k.Store = openIn(t, k.opts.FS, func(o *Options) { o.Clock, o.History = k.opts.Clock, k.opts.History })
	check()
}

func times(list []engine.Moment) (all []int64) {
	for _, m := range list {
		all = append(all, m.At)
	}
	return all
}

func TestATimelineIsBounded(t *testing.T) {
	k := newKept(t)
	call := k.ends(k.alice, nil)
	k.now.Add(-20_000)
	for range maxMoments + 1 {
		k.now.Add(1)
		k.Submit(0, 0, []engine.Record{{Kind: engine.RecordTrace, Subscriber: k.alice, Traces: []engine.Trace{
			{Call: call, Kind: engine.TraceCommand, App: "other", Verb: engine.VerbHold},
		}}}, nil, storetest.NewDone())
	}
	storetest.Put(t, k.Store, nil, nil)
	list, _, more, err := k.Timeline("other", call)
	require.NoError(t, err)
	require.Len(t, list, maxMoments)
	require.True(t, more)
	list, found, more, err := k.Timeline(appUUID, call)
	require.NoError(t, err)
	require.True(t, found)
	require.Empty(t, list, "what others do takes nobody's place")
	require.False(t, more)
}

// History is kept for a time of its own, and goes as a whole.
func TestHistoryIsForgottenAsAWhole(t *testing.T) {
	k := newKept(t)
	bob := storetest.Subscriber("bob")
	bob.Streams = []engine.Stream{{App: "third", Linked: true}}
	storetest.Put(t, k.Store, []engine.Record{storetest.Of(bob)}, nil)
	ends := func(sub *engine.Subscriber) {
		for range sweepStep/2 + 1 {
			id := k.ends(sub, nil)
			storetest.Put(t, k.Store, []engine.Record{
				{Kind: engine.RecordTrace, Subscriber: sub, Traces: []engine.Trace{{Call: id, Kind: engine.TraceFact}}},
				{Kind: engine.RecordReplaced, Subscriber: sub, Replaced: id, By: id + 1<<40},
			}, nil)
		}
	}
	const n = sweepStep/2 + 1
	ends(k.alice)
	ends(bob)
	k.days(2)
	ends(k.alice)
	rows := func() []int {
		require.NoError(t, k.Sweep())
		return []int{k.rows(prefixCall), k.rows(prefixPast), k.rows(prefixLog), k.rows(prefixNext), k.rows(prefixAge)}
	}
	k.days(4.9)
	require.Equal(t, []int{3 * n, 5 * n, 3 * n, 3 * n, 6 * n}, rows())
	k.days(1.2)
	require.Equal(t, []int{n, 2 * n, n, n, 2 * n}, rows())
	require.Len(t, k.history(engine.HistoryQuery{App: "other"}), n)
	k.days(2)
	require.Equal(t, []int{0, 0, 0, 0, 0}, rows())
}

func TestHistoryIsKeptForAMonth(t *testing.T) {
	o := Options{Retention: time.Hour}.fill()
	require.Equal(t, 30*24*time.Hour, o.History)
}

func TestAnAppThatIsDeletedLeavesNoHistory(t *testing.T) {
	k := newKept(t)
	require.NoError(t, k.PutApp(&tenant.App{ID: appUUID}))
	k.ends(k.alice, nil)
	require.NoError(t, k.PutOnce(&engine.Once{App: appUUID, Key: "k"}))
	require.NoError(t, k.PutOnce(&engine.Once{App: appUUID + "0", Key: "k"}))
	require.Equal(t, 2, k.rows(prefixPast))
	require.NoError(t, k.DeleteApp(appUUID))
	require.Equal(t, 1, k.rows(prefixPast), "the other app's")
	require.Equal(t, 1, k.rows(prefixOnce))
}

// What is not durable yet is not shown.
func TestHistoryWaitsForTheDisk(t *testing.T) {
	for name, read := range map[string]func(*Store, engine.CallID) (int, error){
		"history": func(s *Store, _ engine.CallID) (n int, err error) {
			_, _, err = s.History(engine.HistoryQuery{App: "app", Limit: 10}, func(*engine.Profile, *engine.Call) error { n++; return nil })
			return n, err
		},
		"timeline": func(s *Store, call engine.CallID) (int, error) {
			list, _, _, err := s.Timeline("app", call)
			return len(list), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs := newSlow()
				s := openIn(t, fs)
				sub := storetest.Subscriber("alice")
				sub.Streams = []engine.Stream{{App: "app", Linked: true}}
				storetest.Put(t, s, []engine.Record{storetest.Of(sub)}, nil)
				release := fs.hold()
				c := engine.Call{ID: 1<<10 | engine.CallID(engine.SlotOf("alice")), State: engine.StateReleased, ReleasedAt: time.Now().UnixMilli()}
				s.Submit(0, 0, []engine.Record{
					{Kind: engine.RecordCall, Subscriber: sub, Call: &c},
					{Kind: engine.RecordTrace, Subscriber: sub, Traces: []engine.Trace{{Call: c.ID, Kind: engine.TraceFact}}},
				}, nil, storetest.NewDone())
				<-fs.asked
				synctest.Wait() // the disk may be asked before the rows can be read
				shown := 0
				var failed error
				go func() { shown, failed = read(s, c.ID) }()
				synctest.Wait()
				require.Zero(t, shown, "shown before it was durable")
				release()
				synctest.Wait()
				require.NoError(t, failed)
				require.Equal(t, 1, shown)
				require.NoError(t, s.Close())
			})
		})
	}
}

// drawTrace draws a trace with what its kind has.
func drawTrace(t *rapid.T) engine.Trace {
	b := func(what string) uint8 { return rapid.Uint8().Draw(t, what) }
	tr := engine.Trace{Call: engine.CallID(rapid.Uint64Range(1, 3).Draw(t, "call")), Kind: engine.TraceKind(rapid.Uint8Range(1, 7).Draw(t, "kind"))}
	tr.Synthetic = rapid.Bool().Draw(t, "synthetic")
	if hasApp(tr.Kind) {
		tr.App = rapid.OneOf(rapid.String(), rapid.Just(appUUID), rapid.Just("E1c1eef6-8c12-4031-8cc9-ae667c839476"),
			rapid.StringMatching(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), rapid.StringMatching(`[0-9a-f-]{36}`)).Draw(t, "app")
	}
	switch tr.Kind {
	case engine.TraceFact:
		tr.Event, tr.Status, tr.Number = engine.EventKind(b("event")), engine.Status(b("status")), rapid.Uint64().Draw(t, "number")
	case engine.TraceMove:
		tr.From, tr.To, tr.On = engine.State(b("from")), engine.State(b("to")), engine.Trigger(b("on"))
	case engine.TraceOutcome:
		tr.Verb, tr.Outcome = engine.Verb(b("verb")), engine.OutcomeKind(b("outcome"))
	case engine.TraceCommand, engine.TraceAsked:
		tr.Verb = engine.Verb(b("verb"))
	case engine.TraceReply:
		tr.Verb, tr.Code = engine.Verb(b("verb")), engine.Code(rapid.String().Draw(t, "code"))
	case engine.TraceTold:
		tr.Number = rapid.Uint64().Draw(t, "number")
	}
	return tr
}

// However steps come together, each call has what was its own, in order.
func TestPiecesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, want := map[engine.CallID][]byte{}, map[engine.CallID][]engine.Trace{}
		for since := range int64(rapid.IntRange(1, 5).Draw(t, "steps")) {
			step := rapid.SliceOfN(rapid.Custom(drawTrace), 1, 6).Draw(t, "traces")
			var calls []engine.CallID
			for i, tr := range step {
				if want[tr.Call] = append(want[tr.Call], tr); !contains(calls, tr.Call) {
					calls = append(calls, tr.Call)
					rows[tr.Call] = appendPiece(rows[tr.Call], since, step[i:])
				}
			}
		}
		for call, row := range rows {
			var got []engine.Trace
			last := int64(0)
			require.NoError(t, decodePieces(row, func(since int64, tr *engine.Trace) {
				require.GreaterOrEqual(t, since, last)
				last = since
				tr.Call = call
				got = append(got, *tr)
			}))
			require.Equal(t, want[call], got)
			require.Error(t, decodePieces(row[:len(row)-1], func(int64, *engine.Trace) {}), "cut short")
		}
	})
}

func contains(list []engine.CallID, id engine.CallID) bool {
	for _, have := range list {
		if have == id {
			return true
		}
	}
	return false
}

func FuzzPieces(f *testing.F) {
	f.Add(appendPiece(nil, 5, []engine.Trace{{Call: 1, Kind: engine.TraceTold, App: appUUID, Number: 3}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		_ = decodePieces(b, func(int64, *engine.Trace) { n++ })
		require.LessOrEqual(t, n, len(b))
	})
}

func TestATraceAllocatesNothing(t *testing.T) {
	s := newSubmission(newAgeing(t).opts.Clock, nil)
	sub := storetest.Subscriber("alice")
	put := []engine.Record{{Kind: engine.RecordTrace, Subscriber: sub, Traces: []engine.Trace{
		{Call: 1, Kind: engine.TraceFact}, {Call: 1, Kind: engine.TraceMove}, {Call: 1, Kind: engine.TraceTold, App: appUUID, Number: 300},
		{Call: 2, Kind: engine.TraceCommand, App: "an app of another kind"},
	}}}
	s.encode(put, nil)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.reset()
		s.encode(put, nil)
	}))
	s.reset()
	put[0].Traces = put[0].Traces[:3]
	s.encode(put, nil)
	require.LessOrEqual(t, s.size(), 56, "what a transition adds to the log: more is felt at ten thousand a second")
}
