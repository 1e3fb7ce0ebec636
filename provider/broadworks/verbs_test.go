package broadworks

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

const callsOfBob = "/com.broadsoft.xsi-actions/v2.0/user/bob@example.com/calls/"

func TestEveryVerbIsTheDossiers(t *testing.T) {
	const call, other = "callhalf-101:0", "callhalf-105:0"
	tell(t, nil, func(s *story) {
		for _, c := range []struct {
			ask  engine.Ask
			want string
		}{
			{engine.Ask{Verb: engine.VerbDecline}, "DELETE callhalf-101:0?decline=true"},
			{engine.Ask{Verb: engine.VerbDivert, Number: "+15555550123"}, "PUT callhalf-101:0/BlindTransfer?address=%2B15555550123"},
			{engine.Ask{Verb: engine.VerbDivert, Number: "4711"}, "PUT callhalf-101:0/BlindTransfer?address=4711"},
			{engine.Ask{Verb: engine.VerbVoicemail}, "PUT callhalf-101:0/VmTransfer"},
			{engine.Ask{Verb: engine.VerbTransfer, Number: "+15555550123"}, "PUT callhalf-101:0/BlindTransfer?address=%2B15555550123"},
			{engine.Ask{Verb: engine.VerbMuteTransfer, Number: "+15555550123"}, "PUT callhalf-101:0/MuteTransfer?address=%2B15555550123"},
			{engine.Ask{Verb: engine.VerbConsult, With: []string{other}}, "PUT callhalf-101:0/ConsultTransfer/callhalf-105:0"},
			{engine.Ask{Verb: engine.VerbConsult, With: []string{".."}}, "PUT callhalf-101:0/ConsultTransfer/%2E%2E"},
			{engine.Ask{Verb: engine.VerbReconnect}, "PUT callhalf-101:0/Reconnect"},
			{engine.Ask{Verb: engine.VerbPark}, "PUT callhalf-101:0/Park"},
			{engine.Ask{Verb: engine.VerbPark, Number: "4711"}, "PUT callhalf-101:0/Park?address=4711"},
			{engine.Ask{Verb: engine.VerbGroupPark}, "PUT callhalf-101:0/GroupCallPark"},
			{engine.Ask{Verb: engine.VerbDTMF, Number: "1*2#A"}, "PUT callhalf-101:0/TransmitDTMF?playdtmf=1%2A2%23A"},
			{engine.Ask{Verb: engine.VerbRecord}, "PUT callhalf-101:0/Record"},
			{engine.Ask{Verb: engine.VerbPauseRecording}, "PUT callhalf-101:0/PauseRecording"},
			{engine.Ask{Verb: engine.VerbResumeRecording}, "PUT callhalf-101:0/ResumeRecording"},
			{engine.Ask{Verb: engine.VerbStopRecording}, "PUT callhalf-101:0/StopRecording"},
			{engine.Ask{Verb: engine.VerbConference, With: []string{other}}, "POST Conference"},
			{engine.Ask{Verb: engine.VerbMute}, "PUT Conference/callhalf-101:0/Mute"},
			{engine.Ask{Verb: engine.VerbUnmute}, "PUT Conference/callhalf-101:0/Unmute"},
			{engine.Ask{Verb: engine.VerbDeaf}, "PUT Conference/callhalf-101:0/Deaf"},
			{engine.Ask{Verb: engine.VerbUndeaf}, "PUT Conference/callhalf-101:0/UnDeaf"},
			{engine.Ask{Verb: engine.VerbEndConference}, "DELETE Conference"},
		} {
			c.ask.ID, c.ask.User, c.ask.ProviderID = 42, bob, call
			n := len(s.bw.requests())
			out := s.p.Ask(s.Context(), c.ask)
			require.Equal(s, engine.Outcome{Ask: 42, Kind: engine.OutcomeAccepted}, out, "%s", c.ask.Verb)
			method, path, _ := strings.Cut(c.want, " ")
			require.Equal(s, []string{method + " " + callsOfBob + path}, s.bw.requests()[n:], "%s is sent once", c.ask.Verb)
		}
	})
}

func TestACodeIsDialledWithItsStar(t *testing.T) {
	tell(t, nil, func(s *story) {
		out := s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbOriginate, User: bob, Number: "*884711"})
		require.Equal(s, engine.OutcomeAccepted, out.Kind)
		require.Equal(s, 1, s.bw.count("POST "+callsOfBob+"new?address=%2A884711"))
		s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbOriginate, User: bob, Number: "#884711"})
		require.Equal(s, 1, s.bw.count("POST "+callsOfBob+"new?address=%23884711"), "and no fragment")
	})
}

func TestWhatIsIncompleteIsNotSent(t *testing.T) {
	tell(t, nil, func(s *story) {
		n := len(s.bw.requests())
		for _, ask := range []engine.Ask{
			{Verb: engine.VerbDivert}, {Verb: engine.VerbTransfer}, {Verb: engine.VerbMuteTransfer}, {Verb: engine.VerbDTMF},
			{Verb: engine.VerbConsult}, {Verb: engine.VerbConsult, With: []string{""}}, {Verb: engine.VerbConsult, With: []string{"a", "b"}},
			{Verb: engine.VerbConference}, {Verb: engine.VerbConference, With: []string{""}}, {Verb: engine.VerbConference, With: make([]string, 15)},
			{Verb: engine.VerbRetrieve}, {Verb: engine.VerbGetConference}, {Verb: engine.VerbList}, {Verb: 63},
		} {
			ask.User, ask.ProviderID = bob, "callhalf-101:0"
			require.Equal(s, engine.OutcomeNotSent, s.p.Ask(s.Context(), ask).Kind, "%s", ask.Verb)
		}
		require.Len(s, s.bw.requests(), n)
	})
}

func TestWhereACallWasParkedIsInTheAnswer(t *testing.T) {
	for location, want := range map[string]string{
		"/v2.0/user/bob@example.com/calls/callhalf-101:0/Park?address=bob@example.com:4711":           "4711",
		"/v2.0/user/bob@example.com/calls/callhalf-101:0/Park?address=bob%40example.com%3A4711":       "4711",
		"https://xsp1/com.broadsoft.xsi-actions/v2.0/user/bob/calls/c/GroupCallPark?x=y&address=4711": "4711",
		"/Park?address=tel:4711":                     "4711",
		"/Park?a;b&address=bob@example.com:4711&%zz": "4711",
		"":                                   "",
		"/Park":                              "",
		"/Park?address=":                     "",
		"/Park?address=5551234@example.com":  "",
		"/Park?address=bob@example.com:47x1": "",
		"/Park?address=bob:" + strings.Repeat("1", 30):           "",
		"/Park?x=" + strings.Repeat("y", 3000) + "&address=4711": "",
		"%zz?%zz=%zz": "",
	} {
		tell(t, nil, func(s *story) {
			for verb, path := range map[engine.Verb]string{engine.VerbPark: "/Park", engine.VerbGroupPark: "/GroupCallPark"} {
				s.bw.on("PUT "+path, func(w http.ResponseWriter, _ *http.Request) {
					if location != "" {
						w.Header().Set("Content-Location", location)
					}
				})
				out := s.p.Ask(s.Context(), engine.Ask{Verb: verb, User: bob, ProviderID: "callhalf-101:0"})
				require.Equal(s, engine.Outcome{Kind: engine.OutcomeAccepted, ParkedAt: want}, out, location)
			}
		})
	}
}

func TestVerbsAreRefusedAsCommandsAre(t *testing.T) {
	tell(t, nil, func(s *story) {
		for status, want := range map[int]engine.OutcomeKind{
			201: engine.OutcomeAccepted, 204: engine.OutcomeAccepted, 400: engine.OutcomeRefused, 404: engine.OutcomeGone, 503: engine.OutcomeRefused, 504: engine.OutcomeUnknown,
		} {
			for verb, what := range map[engine.Verb]string{
				engine.VerbRecord: "PUT /Record", engine.VerbPark: "PUT /Park", engine.VerbConsult: "PUT /ConsultTransfer/b",
				engine.VerbMute: "PUT /Conference/a/Mute", engine.VerbEndConference: "DELETE /Conference", engine.VerbDecline: "DELETE /calls/a",
			} {
				s.bw.on(what, says(status, ""))
				n := len(s.bw.requests())
				out := s.p.Ask(s.Context(), engine.Ask{Verb: verb, User: bob, ProviderID: "a", With: []string{"b"}})
				require.Equal(s, want, out.Kind, "%s with %d", verb, status)
				require.Len(s, s.bw.requests(), n+1, "once")
				s.bw.on(what, nil)
				s.after(time.Minute) // one that was overloaded gets its share back
			}
		}
	})
}

func TestAConferenceIsAskedForOnce(t *testing.T) {
	const whole = `<Conference xmlns="http://schema.broadsoft.com/xsi"><state>Active</state><conferenceParticipantList><conferenceParticipant><callId>a&amp;</callId></conferenceParticipant><conferenceParticipant><callId>b</callId><muted/></conferenceParticipant></conferenceParticipantList></Conference>`
	people := []engine.ParticipantFact{{ProviderID: "a&"}, {ProviderID: "b", Muted: true}}
	tell(t, nil, func(s *story) {
		for _, c := range []struct {
			answer http.HandlerFunc
			want   engine.Outcome
		}{
			{says(201, ""), engine.Outcome{}},
			{says(200, ""), engine.Outcome{}},
			{says(204, ""), engine.Outcome{}},
			{says(200, "<html/>"), engine.Outcome{}},
			{says(200, `<Conference xmlns="http://schema.broadsoft.com/xsi"/>`), engine.Outcome{}},
			{says(201, whole), engine.Outcome{Conference: &engine.ConferenceFact{Participants: people}}},
			{says(404, errorInfo(4008)), engine.Outcome{Kind: engine.OutcomeRefused, Detail: "HTTP 404, BroadWorks error 4008"}},
			{says(409, ""), engine.Outcome{Kind: engine.OutcomeRefused, Detail: "HTTP 409"}},
			{says(504, ""), engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "HTTP 504"}},
			{func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "the connection broke before the answer"}},
		} {
			s.bw.on("POST /calls/Conference", c.answer)
			n := len(s.bw.requests())
			require.Equal(s, c.want, s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbConference, User: bob, ProviderID: "a&", With: []string{"b", "c"}}))
			require.Len(s, s.bw.requests(), n+1, "never twice")
			require.Equal(s, declaration+`<Conference xmlns="http://schema.broadsoft.com/xsi"><conferenceParticipantList><conferenceParticipant><callId>a&amp;</callId></conferenceParticipant>`+
				`<conferenceParticipant><callId>b</callId></conferenceParticipant><conferenceParticipant><callId>c</callId></conferenceParticipant></conferenceParticipantList></Conference>`, s.bw.sent()[n])
		}
	})
}

func calls(joined string, ids ...string) string {
	all := ""
	for _, id := range ids {
		all += fmt.Sprintf(`<call inConference="%t"><callId>%s</callId></call>`, strings.Contains(joined, id), id)
	}
	return `<Calls xmlns="http://schema.broadsoft.com/xsi">` + all + `</Calls>`
}

const activeConference = `<Conference xmlns="http://schema.broadsoft.com/xsi"><state>Held</state><conferenceParticipantList><conferenceParticipant><callId>c1</callId><deaf/></conferenceParticipant></conferenceParticipantList></Conference>`

var heldConference = &engine.ConferenceFact{Held: true, Participants: []engine.ParticipantFact{{ProviderID: "c1", Deaf: true}}}

func TestAConferenceIsReadBack(t *testing.T) {
	const call = `<Call xmlns="http://schema.broadsoft.com/xsi"><callId>c1</callId><personality>Terminator</personality><state>Active</state></Call>`
	tell(t, nil, func(s *story) {
		s.bw.on("GET /calls/c1", says(200, call))
		read := func(id string, conference bool) engine.Outcome {
			return s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbReadBack, User: bob, ProviderID: id, Read: conference})
		}
		s.bw.on("GET /calls/Conference", says(200, activeConference))
		require.Nil(s, read("c1", false).Conference)
		require.Zero(s, s.bw.count("/calls/Conference"), "only where it is wanted")
		out := read("c1", true)
		require.Equal(s, engine.OutcomeAccepted, out.Kind)
		require.Equal(s, "c1", out.Fact.ProviderID)
		require.Equal(s, heldConference, out.Conference)
		require.Equal(s, engine.Outcome{Conference: heldConference}, read("", true), "by itself")
		require.Equal(s, engine.OutcomeGone, func() engine.OutcomeKind { s.bw.on("GET /calls/c2", says(404, "")); return read("c2", true).Kind }())

		s.bw.on("GET /calls/Conference", says(404, errorInfo(4008)))
		s.bw.on("GET /calls", says(200, calls("", "c1", "c2")))
		require.Equal(s, &engine.ConferenceFact{Over: true}, read("c1", true).Conference, "none, and no call is said to be in one")
		s.bw.on("GET /calls", says(200, calls("c1", "c1", "c2")))
		require.Nil(s, read("c1", true).Conference, "this platform does not let conferences be read")
		require.Equal(s, engine.OutcomeUnknown, read("", true).Kind)
		s.bw.on("GET /calls", says(200, strings.ReplaceAll(calls("", "c1", "c2"), ` inConference="false"`, "")))
		require.Nil(s, read("c1", true).Conference, "nor does it say of calls whether they are in one")
		s.bw.on("GET /calls", says(200, calls("")))
		require.Equal(s, &engine.ConferenceFact{Over: true}, read("c1", true).Conference, "without calls there is none")
		s.bw.on("GET /calls", says(500, ""))
		require.Nil(s, read("c1", true).Conference)
		for _, broken := range []http.HandlerFunc{says(500, ""), says(200, "<html/>"), says(200, ""), says(200, call)} {
			s.bw.on("GET /calls/Conference", broken)
			out = read("c1", true)
			require.Equal(s, engine.OutcomeAccepted, out.Kind, "the call was read")
			require.Nil(s, out.Conference)
		}
	})
}

func TestAPolledSnapshotHasTheConference(t *testing.T) {
	tell(t, nil, func(s *story) {
		for _, id := range []string{"c1", "c2"} {
			s.bw.on("GET /calls/"+id, says(200, fmt.Sprintf(`<Call xmlns="http://schema.broadsoft.com/xsi"><callId>%s</callId><state>Active</state></Call>`, id)))
		}
		s.bw.on("GET /calls/Conference", says(200, activeConference))
		poll := func() *engine.Snapshot {
			out := s.p.Ask(s.Context(), engine.Ask{Verb: engine.VerbSnapshot, User: "carol@example.com"}) // nobody follows her
			require.Equal(s, engine.OutcomeAccepted, out.Kind, out.Detail)
			return out.Snapshot
		}
		s.bw.on("GET /calls", says(200, calls("", "c1", "c2")))
		got := poll()
		require.Nil(s, got.Conference)
		require.Equal(s, engine.SaidNo, got.Facts[0].InConference)
		require.Zero(s, s.bw.count("/calls/Conference"), "no request that is not needed")

		s.bw.on("GET /calls", says(200, calls("c1", "c1", "c2")))
		got = poll()
		require.Equal(s, heldConference, got.Conference)
		require.Equal(s, []engine.Said{engine.SaidYes, engine.SaidNo}, []engine.Said{got.Facts[0].InConference, got.Facts[1].InConference})
		require.Equal(s, 1, s.bw.count("GET /com.broadsoft.xsi-actions/v2.0/user/carol@example.com/calls/Conference"))

		s.bw.on("GET /calls/Conference", says(404, ""))
		got = poll()
		require.Len(s, got.Facts, 2, "the calls are known all the same")
		require.Nil(s, got.Conference)
	})
}

func TestWhatANetworkCan(t *testing.T) {
	tell(t, func(_ *script, c *Config) { c.Network.Without = []string{"recording_start", "hold", "originate"} }, func(s *story) {
		first := s.p.Platform()
		for v := engine.VerbOriginate; v <= engine.VerbGetConference; v++ {
			switch v {
			case engine.VerbGet, engine.VerbList, engine.VerbReadBack, engine.VerbSnapshot, engine.VerbGetConference, engine.VerbRecord, engine.VerbHold, engine.VerbOriginate:
				require.False(s, first.Verbs.Has(v), "%s", v)
			default:
				require.True(s, first.Verbs.Has(v), "%s", v)
			}
		}
		require.False(s, first.TellsAnswer || first.TellsRetrieve, "nothing was heard yet")

		say := func(id, call string) *engine.Platform {
			s.say(event(id, "s1", strings.TrimPrefix(id, "e"), bob, "CallUpdatedEvent", "<xsi:call><xsi:callId>a</xsi:callId>"+call+"</xsi:call>"))
			return s.p.Platform()
		}
		require.Same(s, first, say("e1", "<xsi:state>Active</xsi:state>"))
		second := say("e2", "<xsi:allowAnswer/>")
		require.Equal(s, &engine.Platform{Verbs: first.Verbs, TellsAnswer: true}, second)
		require.Same(s, second, say("e3", "<xsi:allowAnswer/>"))
		third := say("e4", "<xsi:allowRetrieve/>")
		require.Equal(s, &engine.Platform{Verbs: first.Verbs, TellsAnswer: true, TellsRetrieve: true}, third)
		require.Same(s, third, say("e5", ""), "what was learned stays")
		require.Equal(s, &engine.Platform{Verbs: first.Verbs}, first, "what was handed out is never changed")
	})
	_, err := New(Config{Sink: &sink{}, Network: tenant.BroadWorks{SRV: "example.com", Username: "u", Without: []string{"solitaire"}}})
	require.ErrorContains(t, err, "solitaire")
}
