package store

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/engine/clock"
	"offhook/store/storetest"
)

// line is a subscriber to whom something happens, and what it left to store.
type line struct {
	*rapid.T
	sub   *engine.Subscriber
	out   engine.Effects
	now   int64
	calls int // that began
	asks  []engine.Ask
	lifts []engine.CallID
	state map[string]engine.Status
}

func newLine(t *rapid.T, id string) *line {
	l := &line{T: t, sub: &engine.Subscriber{}, now: 1533331051226, state: map[string]engine.Status{}}
	l.step(engine.Input{Profile: &engine.Profile{ID: id, Number: "+15125550100", Name: "Tommy Tutone", Network: "net", ProviderUser: id}})
	l.step(engine.Input{Link: "app"})
	return l
}

func (l *line) step(in engine.Input) {
	l.now++
	in.Entropy = [2]uint64{uint64(l.now), 1}
	replies := len(l.out.Reply)
	require.NoError(l, engine.Step(l.sub, &in, l.now, &l.out))
	for _, r := range l.out.Reply[replies:] {
		if r.Holds {
			l.lifts = append(l.lifts, r.Call.ID)
		}
	}
	l.asks = append(l.asks, l.out.Ask...)
	l.out.Ask = l.out.Ask[:0]
}

// something happens. What is drawn low happens often.
func (l *line) something() {
	switch rapid.IntRange(0, 12).Draw(l.T, "what") {
	default:
		l.fact()
	case 7:
		l.step(engine.Input{Event: &engine.Event{ID: fmt.Sprint(l.now), Kind: engine.EventHook}})
	case 8:
		l.now += rapid.SampledFrom([]int64{1, 1000, 61_000, engine.EndedMemory / 3}).Draw(l.T, "pause")
		l.step(engine.Input{Tick: true})
	case 9:
		l.step(engine.Input{Command: &engine.Command{Token: uint64(l.now), Verb: engine.VerbOriginate, App: "app", Originate: &engine.Originate{
			SubscriberNumber: "+15125550100", RemoteNumber: "+15125550142", Dialing: &engine.Dialing{CountryCode: "1"},
		}}})
	case 10:
		if len(l.asks) > 0 {
			ask := l.asks[0]
			l.asks = l.asks[1:]
			l.calls++
			l.step(engine.Input{Outcome: &engine.Outcome{Ask: ask.ID, Fact: engine.Fact{ProviderID: fmt.Sprint("c", l.calls)}, Snapshot: &engine.Snapshot{}}})
		}
	case 11:
		if len(l.lifts) > 0 {
			l.step(engine.Input{Lift: l.lifts[0]})
			l.lifts = l.lifts[1:]
		}
	case 12:
		in := rapid.SampledFrom([]engine.Input{{Link: "app2"}, {Unlink: "app2"}, {Unlink: "app"}, {Link: "app"}, {Restart: true}}).Draw(l.T, "rarely")
		l.step(in)
	}
}

func (l *line) fact() {
	id := fmt.Sprint("c", rapid.IntRange(max(1, l.calls-2), l.calls+1).Draw(l.T, "call"))
	to := map[engine.Status][]engine.Status{
		engine.StatusUnknown:  {engine.StatusAlerting},
		engine.StatusAlerting: {engine.StatusActive, engine.StatusHeld, engine.StatusReleased},
		engine.StatusActive:   {engine.StatusHeld, engine.StatusReleased, engine.StatusRemoteHeld},
		engine.StatusHeld:     {engine.StatusActive, engine.StatusReleased},
	}[l.state[id]]
	status := engine.StatusReleased
	if len(to) > 0 {
		status = rapid.SampledFrom(to).Draw(l.T, "status")
	}
	if status == engine.StatusAlerting {
		l.calls++
	}
	l.state[id] = status
	ev := &engine.Event{ID: fmt.Sprint(l.now), Kind: engine.EventOther, Facts: []engine.Fact{{
		ProviderID: id, TrackingID: "t" + id, Status: status, Personality: engine.Terminator,
		RemoteName: rapid.SampledFrom([]string{"", "Bob", "Eve"}).Draw(l.T, "name"),
	}}}
	if rapid.IntRange(0, 9).Draw(l.T, "subscription") == 0 {
		ev.Subscription, ev.Sequence, ev.Kind = fmt.Sprint(l.now), 1, engine.EventSnapshot
	}
	l.step(engine.Input{Event: ev})
}

// submission is what was left to store so far.
func (l *line) submission() *submission {
	s := newSubmission(clock.New(nil, nil), nil)
	s.encode(l.out.Put, l.out.Emit)
	require.NoError(l, s.err)
	l.out.Reset()
	return s
}

// Whatever happens to subscribers, however many steps are stored together, and
// however many of these in one group: the rows are read as the subscribers are.
func TestARecordAndWhatIsBehindIt(t *testing.T) {
	s, n := openIn(t, vfs.NewMem()), 0
	defer func() { require.NoError(t, s.Close()) }()
	rapid.Check(t, func(t *rapid.T) {
		n++
		lines := []*line{newLine(t, fmt.Sprint("Alice", n)), newLine(t, fmt.Sprint("bob", n))}
		for range rapid.IntRange(1, 10).Draw(t, "groups") {
			var group []*submission
			for range rapid.IntRange(0, 4).Draw(t, "submissions") {
				l := rapid.SampledFrom(lines).Draw(t, "line")
				for range rapid.IntRange(1, 6).Draw(t, "steps") {
					l.something()
				}
				group = append(group, l.submission())
			}
			for _, l := range lines { // those who are new
				group = append(group, l.submission())
			}
			batch := s.db.NewBatch()
			_, err := s.journal.write(batch, group)
			require.NoError(t, err)
			require.NoError(t, batch.Commit(pebble.Sync))
			switch rapid.IntRange(0, 19).Draw(t, "then") {
			case 1:
				require.NoError(t, s.db.Flush())
			case 2:
				require.NoError(t, s.Close())
				s, err = Open("data", s.opts)
				require.NoError(t, err)
			}
			live, err := s.liveIDs()
			require.NoError(t, err)
			for _, l := range lines {
				l.check(s)
				_, noted := live[engine.Fold(l.sub.ID)]
				require.Equal(t, unsettled(l.sub), noted)
			}
		}
	})
}

// check reads the subscriber back. What is too old to matter may still be in his
// row: the next step forgets it.
func (l *line) check(s *Store) {
	got, err := s.Load(l.sub.ID)
	require.NoError(l, err)
	want, err := decodeSubscriber(appendSubscriber(nil, l.sub))
	require.NoError(l, err)
	for _, sub := range []*engine.Subscriber{want, got} {
		require.NoError(l, engine.Step(sub, &engine.Input{Tick: true}, l.now, &engine.Effects{}))
	}
	require.Equal(l, appendSubscriber(nil, want), appendSubscriber(nil, got))
}

// talking is a subscriber and what a call of his leaves to store: the record
// whole, and what came behind it.
func talking(t testing.TB) (sub *engine.Subscriber, steps []*submission) {
	sub = &engine.Subscriber{}
	now := int64(1533331051226)
	step := func(in engine.Input) {
		now++
		in.Entropy = [2]uint64{uint64(now), 1}
		var out engine.Effects
		require.NoError(t, engine.Step(sub, &in, now, &out))
		s := newSubmission(clock.New(nil, nil), nil)
		s.encode(out.Put, nil)
		require.NoError(t, s.err)
		steps = append(steps, s)
	}
	step(engine.Input{Profile: &engine.Profile{ID: "Alice", Number: "+15125550100", Name: "Alice", Network: "net", ProviderUser: "alice"}})
	step(engine.Input{Link: "app"})
	for i, status := range []engine.Status{engine.StatusAlerting, engine.StatusActive, engine.StatusHeld, engine.StatusReleased} {
		step(engine.Input{Event: &engine.Event{ID: fmt.Sprint("e", i), Kind: engine.EventOther, Facts: []engine.Fact{{
			ProviderID: "c1", TrackingID: "t1", Status: status, Personality: engine.Terminator, RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", StartTime: 1533331051000,
		}}}})
	}
	return sub, steps
}

// ofSub is the value of the op that writes the subscriber's row.
func ofSub(s *submission) (kind opKind, value []byte) {
	buf := s.buf
	for _, o := range s.ops {
		if o.kind == opSubscriber || o.kind == opProgress {
			return o.kind, buf[o.klen : o.klen+o.vlen]
		}
		buf = buf[o.klen+o.vlen:]
	}
	return 0, nil
}

// A group writes the last whole record of a subscriber and what came after it,
// and notes once whether a restart must look at him.
func TestWhatAGroupWritesOfASubscriber(t *testing.T) {
	for _, c := range []struct {
		from, to int
		want     string
	}{
		{0, 2, "SET"},                         // provisioned, linked
		{1, 4, "SET MERGE MERGE live"},        // linked, it rings, is answered
		{2, 4, "MERGE MERGE live"},            // rings, is answered
		{2, 6, "MERGE MERGE MERGE MERGE"},     // a whole call: nothing is live before or after
		{0, 6, "SET MERGE MERGE MERGE MERGE"}, // all of it
		{5, 6, "MERGE"},                       // one submission by itself
	} {
		t.Run(c.want, func(t *testing.T) {
			s := openIn(t, vfs.NewMem())
			defer func() { require.NoError(t, s.Close()) }()
			_, steps := talking(t)
			batch := s.db.NewBatch()
			defer func() { require.NoError(t, batch.Close()) }()
			_, err := s.journal.write(batch, steps[c.from:c.to])
			require.NoError(t, err)
			var wrote []string
			live := false
			for r := batch.Reader(); ; {
				kind, key, _, more, err := r.Next()
				require.NoError(t, err)
				if !more {
					break
				}
				switch {
				case strings.HasPrefix(string(key), prefixSub):
					wrote = append(wrote, kind.String())
				case strings.HasPrefix(string(key), prefixLive):
					live = true
				}
			}
			if live {
				wrote = append(wrote, "live")
			}
			require.Equal(t, c.want, strings.Join(wrote, " "))
		})
	}
}

// Within one submission the record is written once, or one progress that says
// what all of them say.
func TestASubmissionSaysOnceHowThingsWentOn(t *testing.T) {
	sub, progress := storetest.Subscriber("alice"), engine.RecordProgress
	ring := engine.Call{ID: 1 << 10, State: engine.StateRinging}
	answer := ring
	answer.State = engine.StateActive
	sub.Calls = []engine.Call{answer}
	first := engine.Record{Kind: progress, Subscriber: sub, Calls: []engine.Call{ring}}
	second := engine.Record{Kind: progress, Subscriber: sub, Calls: []engine.Call{answer}}
	for name, put := range map[string][]engine.Record{
		"whole, then on":           {storetest.Of(sub), first, second},
		"on, then whole":           {first, second, storetest.Of(sub)},
		"between":                  {first, storetest.Of(sub), second},
		"and of somebody else's":   {first, storetest.Of(sub), second, storetest.Of(storetest.Subscriber("bob"))},
		"whole again, and deleted": {first, storetest.Of(sub), {Kind: engine.RecordNoSubscriber, Subscriber: sub}, second},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSubmission(clock.New(nil, nil), nil)
			s.encode(put, nil)
			require.NoError(t, s.err)
			kind, value := ofSub(s)
			require.Equal(t, opSubscriber, kind)
			require.Equal(t, appendSubscriber(nil, sub), value)
			for _, o := range s.ops {
				require.NotEqual(t, opProgress, o.kind)
			}
		})
	}
	s := newSubmission(clock.New(nil, nil), nil)
	s.encode([]engine.Record{first, second}, nil)
	require.Len(t, s.ops, 1)
	kind, value := ofSub(s)
	require.Equal(t, opProgress, kind)
	require.Equal(t, appendProgress(nil, &engine.Progress{Calls: []engine.Call{answer}}), value)
}

// golden is the row of a subscriber as format 4 has it: the record, and behind
// it what a call made of it that rang, was answered, held and released.
const golden = "0205416c6963650c2b31353132353535303130300005416c69636500036e657405616c696365000103617070010001000000000000000000" +
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"00000000000000" +
	"82014d82ba9d240c4fbc0263310274310103010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa05900" +
	"0000f0c7b89aa059000000244720bc1a09e23ea5000000000101000101c9dbf573f65b7069" +
	"82014d82ba9d240c4fbc0263310274310205010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa059bc" +
	"cbb89aa0590000f0c7b89aa059000000284720bc1a09e23ea500000000010200020168136f2cd6d86e03" +
	"82014d82ba9d240c4fbc0263310274310305010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa059bc" +
	"cbb89aa059becbb89aa05900f0c7b89aa059000000304720bc1a09e23ea50000000001030003018d6d0200cd868ef0" +
	"8200014d82ba9d240c4fbc02633102743101f0c7b89aa05900c0cbb89aa0594720bc1a09e23ea50101040004012ba47bb9eb9272bc"

// golden3 is the same as format 3 had it.
const golden3 = "0105416c6963650c2b31353132353535303130300005416c69636500036e657405616c696365000103617070010001000000000000000000" +
	"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" +
	"000000000000" +
	"81014d82ba9d240c4fbc0263310274310103010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa05900" +
	"0000f0c7b89aa05900000000000101000101c9dbf573f65b7069" +
	"81014d82ba9d240c4fbc0263310274310205010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa059bc" +
	"cbb89aa0590000f0c7b89aa0590000000000010200020168136f2cd6d86e03" +
	"81014d82ba9d240c4fbc0263310274310305010200000c2b3135313239313034313134095a696c6b72204c4c4300000000bacbb89aa059bc" +
	"cbb89aa059becbb89aa05900f0c7b89aa059000000000001030003018d6d0200cd868ef0" +
	"8100014d82ba9d240c4fbc02633102743101f0c7b89aa05900c0cbb89aa0590101040004012ba47bb9eb9272bc"

func TestTheFormatOfRowsStands(t *testing.T) {
	sub, steps := talking(t)
	var row []byte
	for _, s := range steps[1:] {
		_, value := ofSub(s)
		row = append(row, value...)
	}
	require.Equal(t, golden, hex.EncodeToString(row), "this is format %d: what is written otherwise is another one", format)
	got, err := decodeSubscriber(row)
	require.NoError(t, err)
	require.Equal(t, appendSubscriber(nil, sub), appendSubscriber(nil, got))
}

// A row of before is read, up to any of its pieces, and goes on with a new one.
func TestARowOfFormat3IsRead(t *testing.T) {
	sub, steps := talking(t)
	old, err := hex.DecodeString(golden3)
	require.NoError(t, err)
	got, err := decodeSubscriber(old)
	require.NoError(t, err)
	want := *sub
	want.Ended = slices.Clone(sub.Ended)
	want.Ended[0].Session = 0 // which nobody wrote then
	require.Equal(t, appendSubscriber(nil, &want), appendSubscriber(nil, got))

	for was := 1; was <= 3; was++ { // pieces of before
		pieces := strings.Split(golden3[2:], "81014d82")
		row, err := hex.DecodeString(golden3[:2] + strings.Join(pieces[:was], "81014d82"))
		require.NoError(t, err)
		for _, s := range steps[1+was:] {
			_, value := ofSub(s)
			row = append(row, value...)
		}
		got, err := decodeSubscriber(row)
		require.NoError(t, err)
		require.Equal(t, appendSubscriber(nil, sub), appendSubscriber(nil, got), "%d of before", was)
	}
}

// So are the other rows with calls in them.
func TestRowsOfBeforeAreRead(t *testing.T) {
	ended := &engine.Call{ID: 1 << 10, State: engine.StateReleased, RemoteNumber: "+15129104114", Origin: "app", Replaces: 2 << 10}
	row := appendCallRow(nil, "alice", ended)
	row[0] = version1
	owner, got, err := decodeCallRow(row[:len(row)-len("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")])
	require.NoError(t, err)
	require.Equal(t, "alice", owner)
	require.Equal(t, ended, got)

	in := &engine.Intent{Call: 1 << 10, App: "app", Key: "k", Dialed: "+15129104114", OpenedAt: 5, Refusal: engine.CodeProviderError}
	row = appendIntent(nil, in)
	row[0] = version1
	back, err := decodeIntent(row[:len(row)-len("\x00\x00\x00\x00\x00\x00\x00\x00\x00")])
	require.NoError(t, err)
	require.Equal(t, in, back)
}

// A row is read whole, or up to the end of a progress, or not at all; and a
// progress that belongs to another record is refused.
func TestDamagedRowsAreErrors(t *testing.T) {
	_, steps := talking(t)
	var row []byte
	ends := map[int]bool{}
	for _, s := range steps[1:] {
		_, value := ofSub(s)
		row = append(row, value...)
		ends[len(row)] = true
	}
	for cut := range row {
		if _, err := decodeSubscriber(row[:cut]); ends[cut] {
			require.NoError(t, err)
		} else {
			require.Error(t, err, "cut off at %d of %d", cut, len(row))
		}
	}
	_, record := ofSub(steps[1])
	_, ringing := ofSub(steps[2])
	_, err := decodeSubscriber(ringing)
	require.ErrorIs(t, err, errVersion, "without its record")
	_, err = decodeSubscriber(append(row[:len(row):len(row)], 0))
	require.ErrorIs(t, err, errVersion)
	require.ErrorContains(t, err, "decode subscriber: progress 5 behind the record")
	_, err = decodeSubscriber(append(row[:len(row):len(row)], ringing...))
	require.ErrorContains(t, err, "progress 5 behind the record: progress of another record", "numbers went back")
	_, err = decodeSubscriber(append(record[:len(record):len(record)], record...))
	require.ErrorIs(t, err, errVersion, "a record behind a record")
	much := appendProgress(nil, &engine.Progress{Heard: make([]uint64, maxHeard+1)})
	_, err = decodeSubscriber(append(record[:len(record):len(record)], much...))
	require.ErrorIs(t, err, errRange)
}

func FuzzRow(f *testing.F) {
	_, steps := talking(f)
	var row []byte
	for _, s := range steps[1:] {
		_, value := ofSub(s)
		row = append(row, value...)
		f.Add(row)
	}
	f.Add(append(row[:len(row):len(row)], progress1, 0xff, 0xff, 0xff, 0xff, 0x0f))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSubscriber(b)
		if err != nil {
			require.Nil(t, s)
			return
		}
		// What reads as a row means the same as a record.
		record := appendSubscriber(nil, s)
		again, err := decodeSubscriber(record)
		require.NoError(t, err)
		require.Equal(t, record, appendSubscriber(nil, again))
	})
}
