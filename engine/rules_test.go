package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every verb, whatever state, direction and role the call has: a cross where it
// works for a call that is the subscriber's only one. In each column the order is
// that of situations.
var (
	situations = []Call{
		{State: StateRinging, Direction: Incoming, Personality: Terminator, Phase: PhaseAlerting},
		{State: StateRinging, Direction: Outgoing, Personality: Originator, Phase: PhaseDialing},
		{State: StateRinging, Direction: Outgoing, Personality: ClickToDial, Phase: PhaseAlertingSelf},
		{State: StateActive, Direction: Incoming, Personality: Terminator},
		{State: StateActive, Direction: Outgoing, Personality: Originator},
		{State: StateHeld, Direction: Incoming, Personality: Terminator},
		{State: StateHeld, Direction: Outgoing, Personality: Originator},
		{State: StateReleased, Direction: Incoming, Personality: Terminator},
		{State: StateReleased, Direction: Outgoing, Personality: Originator},
	}
	decided = map[Verb]string{ // ringing: incoming, outgoing, click-to-dial; active; held; released
		VerbAnswer:          "x.x .. .. ..",
		VerbHold:            "... xx .. ..",
		VerbResume:          "... .. xx ..",
		VerbEnd:             "xxx xx xx ..",
		VerbDecline:         "x.. .. .. ..",
		VerbDivert:          "x.. .. .. ..",
		VerbVoicemail:       "x.. .. .. ..",
		VerbTransfer:        "... xx xx ..",
		VerbMuteTransfer:    "... xx xx ..",
		VerbConsult:         "... .. .. ..", // with another one: see below
		VerbReconnect:       "... .. xx ..",
		VerbPark:            "... xx xx ..",
		VerbGroupPark:       "... xx xx ..",
		VerbDTMF:            "... xx .. ..",
		VerbRecord:          "... xx xx ..",
		VerbPauseRecording:  "... .. .. ..",
		VerbResumeRecording: "... .. .. ..",
		VerbStopRecording:   "... .. .. ..",
		VerbConference:      "... .. .. ..",
		VerbMute:            "... .. .. ..",
		VerbUnmute:          "... .. .. ..",
		VerbDeaf:            "... .. .. ..",
		VerbUndeaf:          "... .. .. ..",
	}
)

var noCommand = Verbs(VerbNone, VerbOriginate, VerbGet, VerbList, VerbReadBack, VerbSnapshot, VerbRetrieve, VerbEndConference, VerbGetConference)

func TestEveryVerbIsDecided(t *testing.T) {
	for v := range Verb(numVerbs) {
		column, ok := decided[v]
		require.Equal(t, !noCommand.Has(v), ok, "%s", v)
		require.Equal(t, ok, rules[v].states != 0, "%s", v)
		column = strings.ReplaceAll(column, " ", "")
		for i := range column {
			c := situations[i]
			s := &Subscriber{Calls: []Call{c}}
			why := s.gate(v, &s.Calls[0])
			require.Equal(t, column[i] == 'x', why == "", "%s of %+v: %q", v, c, why)
		}
		if ok && v != VerbDTMF {
			require.NotNil(t, rules[v].reached, "%s is confirmed by nothing", v)
		}
	}
	require.Len(t, verbNames, int(numVerbs))
}

// What a verb needs besides.
func TestWhatElseMustBe(t *testing.T) {
	for _, r := range []struct {
		at   Recording
		want string
	}{
		{RecordingUnknown, "recording_start"}, {RecordingPending, ""}, {RecordingStarted, "recording_pause recording_stop"},
		{RecordingPaused, "recording_resume recording_stop"}, {RecordingStopped, "recording_start"}, {RecordingFailed, "recording_start"},
	} {
		for _, c := range situations {
			c.More = &More{Recording: r.at}
			want := r.want
			if c.State != StateActive && c.State != StateHeld {
				want = ""
			}
			require.Equal(t, want, openOf(&Subscriber{Calls: []Call{c}}, VerbRecord, VerbPauseRecording, VerbResumeRecording, VerbStopRecording), "%s %s", c.State, r.at)
		}
	}
	for _, part := range []struct{ muted, deaf bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		c := situations[3]
		c.More = &More{Conference: 1, Muted: part.muted, Deaf: part.deaf}
		want := map[bool]string{false: "mute", true: "unmute"}[part.muted] + " " + map[bool]string{false: "deaf", true: "undeaf"}[part.deaf]
		require.Equal(t, want, openOf(&Subscriber{Calls: []Call{c}, Conference: &Conference{ID: 1}}, VerbMute, VerbUnmute, VerbDeaf, VerbUndeaf))
	}
	for i, c := range situations {
		for k, other := range situations {
			c.ID, other.ID = 1, 2
			connected, may := c.State == StateActive || c.State == StateHeld, other.State == StateActive || other.State == StateHeld
			var want []string
			if connected && (may || k == 1) {
				want = append(want, "consult_transfer")
			}
			if connected && may {
				want = append(want, "conference")
			}
			s := &Subscriber{Calls: []Call{c, other}}
			require.Equal(t, strings.Join(want, " "), openOf(s, VerbConsult, VerbConference), "%d with %d", i, k)
			s.Conference = &Conference{ID: 1}
			require.NotContains(t, openOf(s, VerbConference), "conference", "one at a time")
		}
	}
}

func openOf(s *Subscriber, among ...Verb) string {
	var names []string
	for _, v := range among {
		if s.open(&s.Calls[0]).Has(v) {
			names = append(names, v.String())
		}
	}
	return strings.Join(names, " ")
}

// The short way to what can be done with a call says what the long one does.
func TestCapabilitiesAreWhatTheGateLetsThrough(t *testing.T) {
	all := Platform{Verbs: ^VerbSet(0)}
	platforms := []*Platform{nil, {}, &all, {Verbs: Verbs(VerbHold)}, {Verbs: all.Verbs, TellsAnswer: true}, {Verbs: all.Verbs, TellsRetrieve: true}}
	for _, p := range platforms {
		for _, c := range situations {
			for flags := range 4 {
				c.AllowAnswer, c.AllowRetrieve = flags&1 != 0, flags&2 != 0
				s := &Subscriber{Calls: []Call{c}}
				s.platform = p
				require.Equal(t, s.open(&s.Calls[0])&p.verbs(), s.can(&s.Calls[0]), "%+v", c)
				require.Equal(t, s.can(&s.Calls[0]) != 0, s.Refresh(p))
				require.Equal(t, c.State == StateReleased, s.gate(VerbEnd, &c) != "")
			}
		}
	}
}

func TestVerbTable(t *testing.T) {
	rows := VerbTable()
	require.Len(t, rows, len(decided))
	for i, r := range rows {
		require.Equal(t, r.Verb.String(), r.Name)
		require.NotEmpty(t, r.States)
		require.True(t, i == 0 || rows[i-1].Verb < r.Verb)
	}
	require.Equal(t, VerbRow{VerbAnswer, "answer", "ringing", "", "incoming, or the subscriber's own phone rings for a call that was placed here"}, rows[0])
	require.Equal(t, VerbRow{VerbDecline, "decline", "ringing", "incoming", ""}, rows[4])
}

func TestCapabilitiesInABody(t *testing.T) {
	for _, set := range []VerbSet{0, Verbs(VerbEnd), Verbs(VerbUndeaf, VerbHold, VerbEnd, VerbTransfer)} {
		var names []string
		require.NoError(t, json.Unmarshal(appendVerbs(nil, set), &names))
		require.NotNil(t, names)
		n := 0
		for v := range Verb(64) {
			if set.Has(v) {
				require.Equal(t, v.String(), names[n])
				n++
			}
		}
		require.Len(t, names, n)
	}
}

// Both halves of a conversation are one session, whoever's they are; calls that
// share nothing are not.
func TestSessions(t *testing.T) {
	require.Equal(t, sessionOf("net", "41:1", 1), sessionOf("net", "41:1", 2))
	require.NotEqual(t, sessionOf("net", "41:1", 1), sessionOf("net2", "41:1", 1))
	require.NotEqual(t, sessionOf("net", "41:1", 1), sessionOf("ne", "t41:1", 1))
	require.NotEqual(t, sessionOf("net", "", 1), sessionOf("net", "", 2))
	require.Equal(t, "session-00000000000000ff", Session(255).String())
	require.Regexp(t, `^session-[0-9a-f]{16}$`, sessionOf("net", "41:1", 1).String())
}

func TestConferenceIDsHaveOneName(t *testing.T) {
	random := entropy{1, 2}
	for range 1000 {
		id := random.conferenceID(513)
		require.EqualValues(t, 513, id.Slot())
		back, ok := ParseConferenceID(id.String())
		require.True(t, ok)
		require.Equal(t, id, back)
	}
	for _, s := range []string{"", "conference-", "conference-0", "conference-01", "conference--1", "conference-+1", "conference-1:0", "conference-9223372036854775808", "callhalf-1:0"} {
		_, ok := ParseConferenceID(s)
		require.False(t, ok, s)
	}
}

// What few calls have is in the bodies where there is something, in valid JSON
// whatever the platform and the apps write.
func TestBodiesOfWhatFewCallsHave(t *testing.T) {
	nasty := "\"\\\x00\xffü"
	c := *bodyCall
	c.More = &More{
		ClientRef: nasty, ReplacedBy: 7 << 10, Diversion: []Redirection{{nasty, nasty, nasty}, {Number: "1001"}}, RedirectedTo: nasty, ParkedAt: "4001",
		Recall: RecallPark, Recording: RecordingPaused, Conference: 9 << 10, Muted: true,
	}
	for _, state := range []State{StateActive, StateReleased} {
		c.State, c.CreatedAt, c.AnsweredAt, c.ReleasedAt, c.HeldFor = state, 1000, 3000, 10_000, 2500
		for _, body := range []string{string(AppendCall(nil, bodyProfile, &c)), bodyOf(typeConference, "app", bodyProfile, &c)} {
			var v map[string]any
			require.NoError(t, json.Unmarshal([]byte(body), &v), body)
			require.Equal(t, "callhalf-7168:0", v["replaced_by"])
			require.Len(t, v["diversion"], 2)
			require.Equal(t, map[string]any{"remote_number": "1001", "remote_name": "", "reason": ""}, v["diversion"].([]any)[1])
			require.Equal(t, "4001", v["parked_at"])
			require.Equal(t, "park", v["recall"])
			require.Equal(t, "paused", v["recording"])
			require.Equal(t, "conference-9216", v["conference_id"])
			if state == StateReleased {
				require.NotContains(t, v, "muted")
				require.Equal(t, []any{true, 2000.0, 4500.0, 2500.0}, []any{v["answered"], v["ring_ms"], v["talk_ms"], v["held_ms"]})
			} else {
				require.Equal(t, true, v["muted"])
				require.Equal(t, false, v["deaf"])
				require.NotContains(t, v, "ring_ms")
			}
		}
	}
	view := &ConferenceView{Conference: Conference{ID: 9 << 10, ClientRef: nasty, CreatedAt: 5}, Profile: bodyProfile, Can: Verbs(VerbEndConference), Calls: []Call{c, *bodyCall}}
	var v map[string]any
	require.NoError(t, json.Unmarshal(AppendConference(nil, view), &v))
	require.Equal(t, []any{"end_conference"}, v["capabilities"])
	require.Equal(t, "active", v["state"])
	require.Len(t, v["participants"], 2)
	require.Equal(t, true, v["participants"].([]any)[0].(map[string]any)["muted"])
	view = &ConferenceView{Conference: Conference{ID: 9 << 10, Held: true, ReleasedAt: 7}, Profile: bodyProfile}
	require.Contains(t, string(AppendConference(nil, view)), `"state":"released","client_ref":"","created_at":0,"released_at":7,"capabilities":[],"participants":[]}`)
}
