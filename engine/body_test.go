package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var (
	bodyProfile = &Profile{ID: "someSubscriberId@example-telco.com", Number: "+15128675309", Name: "Tommy Tutone", AccountID: "someCustomerIdOrSiteOrName", Network: "7fa63706-39c8-44c8-bf1b-f0749dda9110"}
	bodyCall    = &Call{ID: 13467354071, RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", Direction: Incoming, State: StateRinging, Phase: PhaseAlerting}
)

// The specification's fields, each of its own type, in the order it shows.
func TestBodiesAreTheSpecifications(t *testing.T) {
	webhook := string(appendNotification(nil, typeState, "e1c1eef6-8c12-4031-8cc9-ae667c839476", bodyProfile, bodyCall, 2, "evt_1", 1533331051226))
	require.True(t, strings.HasPrefix(webhook, `{"app_id":"e1c1eef6-8c12-4031-8cc9-ae667c839476","subscriber_id":"someSubscriberId@example-telco.com",`+
		`"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName",`+
		`"remote_number":"+15129104114","remote_name":"Zilkr LLC","call_id":"callhalf-13467354071:0","sequence_number":"2",`+
		`"direction":"incoming","state":"ringing","timestamp":1533331051226,`), webhook)

	rest := string(AppendCall(nil, bodyProfile, bodyCall))
	require.True(t, strings.HasPrefix(rest, `{"subscriber_id":"someSubscriberId@example-telco.com","subscriber_number":"+15128675309",`+
		`"remote_number":"+15129104114","subscriber_name":"Tommy Tutone","remote_name":"Zilkr LLC",`+
		`"call_id":"callhalf-13467354071:0","direction":"incoming","state":"ringing",`), rest)

	provisioned := string(appendProvisioned(nil, "e1c1eef6", bodyProfile, "evt_2", 7))
	require.True(t, strings.HasPrefix(provisioned, `{"app_id":"e1c1eef6","subscriber_id":"someSubscriberId@example-telco.com",`+
		`"subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName",`+
		`"network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110",`), provisioned)

	for _, body := range []string{webhook, rest, provisioned} {
		require.True(t, json.Valid([]byte(body)), body)
	}
	empty := appendNotification(nil, typeState, "a", &Profile{}, &Call{State: StateReleased, Direction: Outgoing, Cause: CauseBusy, Party: PartyRemote}, 1, "e", 1)
	var v map[string]any
	require.NoError(t, json.Unmarshal(empty, &v))
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
		id := random.eventID()
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

func BenchmarkStep(b *testing.B) {
	sub := &Subscriber{}
	var out Effects
	step := func(in Input, now int64) {
		out.Reset()
		in.Entropy = [2]uint64{uint64(now), 1}
		if err := Step(sub, &in, now, &out); err != nil {
			b.Fatal(err)
		}
	}
	step(Input{Profile: &Profile{ID: "alice", Number: "+15125550100", Network: "n", ProviderUser: "alice"}}, 1)
	step(Input{Link: "app1"}, 1)
	ring := &Event{Kind: EventReceived, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusAlerting, Personality: Terminator, RemoteNumber: "+15125550142"}}}
	step(Input{Event: ring}, 1)
	held := &Event{Kind: EventHeld, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusHeld}}}
	retrieved := &Event{Kind: EventRetrieved, Facts: []Fact{{ProviderID: "c1", TrackingID: "t1", Status: StatusActive}}}
	in := Input{Entropy: [2]uint64{1, 2}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		in.Event = held
		if i&1 == 1 {
			in.Event = retrieved
		}
		out.Reset()
		if err := Step(sub, &in, int64(i), &out); err != nil {
			b.Fatal(err)
		}
	}
}
