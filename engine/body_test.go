package engine

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var (
	bodyProfile = &Profile{ID: "someSubscriberId@example-telco.com", Number: "+15128675309", Name: "Tommy Tutone", AccountID: "someCustomerIdOrSiteOrName", Network: "7fa63706-39c8-44c8-bf1b-f0749dda9110"}
	bodyCall    = &Call{ID: 13467354071, RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", Direction: Incoming, State: StateRinging, Phase: PhaseAlerting}
)

func bodyOf(typ, app string, p *Profile, c *Call) string {
	n := Notification{App: app, Subscriber: p.ID, Sequence: 2, Time: 1533331051226, typ: typ, id: eventID{1, 2}, profile: p, call: c}
	n.Write()
	return string(n.Body)
}

// The specification's fields, each of its own type, in the order it shows.
func TestBodiesAreTheSpecifications(t *testing.T) {
	webhook := bodyOf(typeState, "e1c1eef6-8c12-4031-8cc9-ae667c839476", bodyProfile, bodyCall)
	require.True(t, strings.HasPrefix(webhook, `{"app_id":"e1c1eef6-8c12-4031-8cc9-ae667c839476","subscriber_id":"someSubscriberId@example-telco.com",`+
		`"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName",`+
		`"remote_number":"+15129104114","remote_name":"Zilkr LLC","call_id":"callhalf-13467354071:0","sequence_number":"2",`+
		`"direction":"incoming","state":"ringing","timestamp":1533331051226,`), webhook)

	rest := string(AppendCall(nil, bodyProfile, bodyCall))
	require.True(t, strings.HasPrefix(rest, `{"subscriber_id":"someSubscriberId@example-telco.com","subscriber_number":"+15128675309",`+
		`"remote_number":"+15129104114","subscriber_name":"Tommy Tutone","remote_name":"Zilkr LLC",`+
		`"call_id":"callhalf-13467354071:0","direction":"incoming","state":"ringing",`), rest)

	provisioned := bodyOf(typeProvisioned, "e1c1eef6", bodyProfile, nil)
	require.True(t, strings.HasPrefix(provisioned, `{"app_id":"e1c1eef6","subscriber_id":"someSubscriberId@example-telco.com",`+
		`"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName",`+
		`"network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110",`), provisioned)

	for _, body := range []string{webhook, rest, provisioned} {
		require.True(t, json.Valid([]byte(body)), body)
	}
	empty := bodyOf(typeState, "a", &Profile{}, &Call{State: StateReleased, Direction: Outgoing, Cause: CauseBusy, Party: PartyRemote})
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(empty), &v))
	for _, field := range []string{"subscriber_number", "subscriber_name", "subscriber_account_id", "remote_number", "remote_name"} {
		require.Equal(t, "", v[field], "unknown is an empty string, not a missing field")
	}
	require.Equal(t, "busy", v["cause"])
	require.Equal(t, "remote", v["releasing_party"])
}

func TestCallIDsHaveOneName(t *testing.T) {
	random := entropy{1, 2}
	for range 1000 {
		id := random.callID(513)
		require.EqualValues(t, 513, id.Slot())
		back, ok := ParseCallID(id.String())
		require.True(t, ok)
		require.Equal(t, id, back)
	}
	for _, s := range []string{
		"", "callhalf-", "callhalf-:0", "callhalf-0:0", "callhalf-01:0", "callhalf-1:1", "callhalf-1", "callhalf--1:0", "callhalf-+1:0",
		"callhalf-9223372036854775808:0", "CALLHALF-1:0", "callhalf-1:0 ", "callhalf-1x:0",
	} {
		_, ok := ParseCallID(s)
		require.False(t, ok, s)
	}
}

func TestEventIDsAreOpaque(t *testing.T) {
	random, seen := entropy{1, 2}, map[string]bool{}
	for range 10_000 {
		id := random.eventID().String()
		require.Regexp(t, `^evt_[0-9a-z]{26}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "quote\"back\\slash", "\x00\x1f\x7f\n\t", "Grüße, 世界", "\xff\xfe half \xe4\xb8", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if utf8.ValidString(s) && back != s {
			t.Fatalf("%q came back as %q", s, back)
		}
	})
}

// Whoever stores an event writes it after its step, perhaps after others too.
// Neither they nor anybody's looking at it change what it says.
func TestABodyIsOfItsStep(t *testing.T) {
	sub, out := held()
	steps := []Input{
		{Event: &Event{Kind: EventReceived, Facts: []Fact{{ProviderID: "c2", TrackingID: "t2", Status: StatusAlerting, Personality: Terminator, RemoteNumber: "+15125550143"}}}},
		{Event: &Event{Kind: EventRetrieved, Facts: []Fact{{ProviderID: "c1", Status: StatusActive, RemoteName: "Zoe"}}}},
		{Link: "app2"},
		{Profile: &Profile{ID: "alice", Number: "+15125550199", Name: "Alice", Network: "n", ProviderUser: "alice"}},
		{Event: &Event{Kind: EventReleased, Facts: []Fact{{ProviderID: "c1", Status: StatusReleased}}}},
		{Unlink: "app1"},
		{Delete: true},
	}
	var said []Notification
	for i, in := range steps {
		in.Entropy = [2]uint64{uint64(i), 7}
		require.NoError(t, Step(sub, &in, int64(10+i), out))
		for j := len(said); j < len(out.Emit); j++ {
			n := out.Emit[j]
			n.Write()
			said = append(said, n)
		}
	}
	require.Greater(t, len(said), 8)
	for i := range out.Emit {
		n := &out.Emit[i]
		require.Equal(t, string(said[i].Body), string(n.AppendBody(nil)))
		require.Equal(t, said[i].EventID, string(n.AppendEventID(nil)))
		require.Contains(t, string(said[i].Body), said[i].EventID)
		require.Equal(t, string(said[i].Body), string(said[i].AppendBody(nil)), "written once, it stays")
		require.Equal(t, said[i].EventID, string(said[i].AppendEventID(nil)))
	}
}

func TestPlainTextIsToldFromWhatMustBeEscaped(t *testing.T) {
	for c := range 256 {
		for size := 1; size < 20; size++ {
			for at := range size {
				text := []byte("aaaaaaaaaaaaaaaaaaaa"[:size])
				text[at] = byte(c)
				require.Equal(t, c >= ' ' && c < 0x7f && c != '"' && c != '\\', isPlain(string(text)), "%q", text)
			}
		}
	}
}

// held is a subscriber with one app and one held call.
func held() (*Subscriber, *Effects) {
	sub, out := &Subscriber{}, &Effects{}
	for _, in := range []Input{
		{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}},
		{Link: "app1"},
		{Event: &Event{Kind: EventReceived, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusAlerting, Personality: Terminator, RemoteNumber: "+15125550142"}}}},
		{Event: &Event{Kind: EventAnswered, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusActive}}}},
		{Event: &Event{Kind: EventHeld, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusHeld}}}},
	} {
		in.Entropy = [2]uint64{1, 1}
		out.Reset()
		if err := Step(sub, &in, 1, out); err != nil {
			panic(err)
		}
	}
	return sub, out
}

// turns are a hold and a retrieval of the call of held, over and over, each with
// all that BroadWorks says of it.
func turns() func() *Event {
	of := func(kind EventKind, status Status) *Event {
		return &Event{
			Subscription: "98ed3939-c113-419c-8012-092556b85c66", Kind: kind,
			Facts: []Fact{{
				ProviderID: "c1", TrackingID: "t1", Status: status, Personality: Terminator,
				RemoteNumber: "+15125550142", StartTime: 1700000000000, AnswerTime: 1700000001000,
			}},
		}
	}
	now, next, n := of(EventHeld, StatusHeld), of(EventRetrieved, StatusActive), uint32(0)
	return func() *Event {
		now, next = next, now
		n++
		now.Sequence = n
		now.ID = ids[n%uint32(len(ids))]
		return now
	}
}

// ids are as long as those of BroadWorks and more than are remembered.
var ids = func() (all [16]string) {
	for i := range all {
		all[i] = fmt.Sprintf("957d0482-6cdd-4189-b477-19c6793f11%02d", i)
	}
	return all
}()

func TestACommonTransitionAllocatesNothing(t *testing.T) {
	sub, out := held()
	next, in, now, body := turns(), Input{Entropy: [2]uint64{1, 2}}, int64(1), make([]byte, 0, 1024)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		out.Reset()
		in.Event = next()
		now++
		if err := Step(sub, &in, now, out); err != nil || len(out.Emit) != 1 {
			panic(err)
		}
		body = out.Emit[0].AppendBody(out.Emit[0].AppendEventID(body[:0]))
	}))
}

func BenchmarkStep(b *testing.B) {
	sub, out := held()
	next, in := turns(), Input{Entropy: [2]uint64{1, 2}}
	b.ReportAllocs()
	for i := int64(2); b.Loop(); i++ {
		in.Event = next()
		out.Reset()
		if err := Step(sub, &in, i, out); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStepAndBody is the same with what whoever stores it writes.
func BenchmarkStepAndBody(b *testing.B) {
	sub, out := held()
	next, in := turns(), Input{Entropy: [2]uint64{1, 2}}
	var body []byte
	b.ReportAllocs()
	for i := int64(2); b.Loop(); i++ {
		in.Event = next()
		out.Reset()
		if err := Step(sub, &in, i, out); err != nil {
			b.Fatal(err)
		}
		body = out.Emit[0].AppendBody(out.Emit[0].AppendEventID(body[:0]))
	}
}
