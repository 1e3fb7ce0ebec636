package broadworks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/provider/broadworks/samples"
)

// diverted is a call that was sent on twice before it came to us.
const diverted = `<xsi:redirections><xsi:redirection><xsi:party><xsi:name>Front Desk</xsi:name><xsi:address countryCode="1">tel:+15555550199</xsi:address>` +
	`<xsi:userDN countryCode="1">tel:+15555550199</xsi:userDN><xsi:callType>Group</xsi:callType></xsi:party><xsi:reason>no-answer</xsi:reason></xsi:redirection>` +
	`<xsi:redirection><xsi:address>tel:4711</xsi:address><xsi:reason>hunt-group</xsi:reason></xsi:redirection></xsi:redirections>`

// conferenceOf is a conference element; what is behind an id stands behind it.
func conferenceOf(state string, participants ...string) string {
	list := ""
	for _, p := range participants {
		id, flags, _ := strings.Cut(p, "<")
		if flags != "" {
			flags = "<" + flags
		}
		list += "<xsi:conferenceParticipant><xsi:callId>" + id + "</xsi:callId>" + flags + "</xsi:conferenceParticipant>"
	}
	return "<xsi:conference><xsi:state>" + state + "</xsi:state><xsi:conferenceParticipantList>" + list + "</xsi:conferenceParticipantList></xsi:conference>"
}

func translated(t *testing.T, payload, body string) *engine.Event {
	t.Helper()
	return decoded(t, event("e1", "s1", "1", bob, payload, body)).translate()
}

func TestWhoWasCalledBefore(t *testing.T) {
	f := fact(t, "CallReceivedEvent", `<xsi:callId>a</xsi:callId><xsi:remoteParty><xsi:name>Ann</xsi:name><xsi:address>tel:+15555550123</xsi:address></xsi:remoteParty>`+diverted)
	require.Equal(t, []engine.Redirection{
		{Number: "+15555550199", Name: "Front Desk", Reason: "no_answer"},
		{Number: "4711", Reason: "hunt_group"},
	}, f.Diversion)
	require.Equal(t, "+15555550123", f.RemoteNumber, "the caller is another")
	require.Equal(t, "Ann", f.RemoteName)

	one := `<xsi:redirection><xsi:party><xsi:name>x</xsi:name></xsi:party></xsi:redirection>`
	f = fact(t, "CallReceivedEvent", `<xsi:redirections>`+strings.Repeat(one, 40)+`</xsi:redirections>`)
	require.Len(t, f.Diversion, maxDiversion)
	require.Equal(t, engine.Redirection{Name: "x", Reason: "unknown"}, f.Diversion[0])
	require.Nil(t, fact(t, "CallReceivedEvent", `<xsi:redirections><xsi:redirection><xsi:reason>away</xsi:reason></xsi:redirection><xsi:redirection/></xsi:redirections>`).Diversion, "nobody")

	ev := translated(t, "CallSubscriptionEvent", `<xsi:calls><xsi:call><xsi:callId>a</xsi:callId>`+diverted+`</xsi:call><xsi:call><xsi:callId>b</xsi:callId></xsi:call><xsi:call><xsi:callId>c</xsi:callId>`+
		`<xsi:redirections>`+one+`</xsi:redirections></xsi:call></xsi:calls>`)
	require.Len(t, ev.Facts[0].Diversion, 2)
	require.Nil(t, ev.Facts[1].Diversion)
	require.Equal(t, []engine.Redirection{{Name: "x", Reason: "unknown"}}, ev.Facts[2].Diversion, "each has its own")
}

func TestReasonsAreOurWords(t *testing.T) {
	for theirs, ours := range map[string]string{
		"user-busy": "user_busy", "no-answer": "no_answer", "unavailable": "unavailable", "unconditional": "unconditional", "time-of-day": "time_of_day",
		"do-not-disturb": "do_not_disturb", "deflection": "deflection", "follow-me": "follow_me", "out-of-service": "out_of_service", "away": "away",
		"transfer": "transfer", "voicemail": "voicemail", "hunt-group": "hunt_group", "call-center": "call_center", "route-point": "route_point",
		"agent-wrap-up": "agent_wrap_up", "voicexml-script-termination": "voicexml", "unknown": "unknown", "solar-flare": "unknown", "": "unknown",
	} {
		f := fact(t, "CallReceivedEvent", `<xsi:redirections><xsi:redirection><xsi:address>tel:4711</xsi:address><xsi:reason>`+theirs+`</xsi:reason></xsi:redirection></xsi:redirections>`)
		require.Equal(t, ours, f.Diversion[0].Reason, theirs)
		f = fact(t, "CallRedirectedEvent", `<xsi:state>Detached</xsi:state><xsi:redirect><xsi:address countryCode="1">tel:5555550177</xsi:address><xsi:reason>`+theirs+`</xsi:reason></xsi:redirect>`)
		want := engine.CauseRedirected
		switch theirs {
		case "transfer":
			want = engine.CauseTransferred
		case "voicemail":
			want = engine.CauseVoicemail
		}
		require.Equal(t, want, f.Cause, theirs)
		require.Equal(t, theirs, f.ProviderCause)
		require.Equal(t, "+15555550177", f.RedirectedTo)
	}
}

func TestRecalls(t *testing.T) {
	for word, want := range map[string]engine.Recall{
		"Call Park Recall": engine.RecallPark, "Call Transfer Recall": engine.RecallTransfer, "Busy Camp On Callback": engine.RecallCampOn,
		"Automatic Hold/Retrieve Recall": engine.RecallHold, "Executive-Assistant Call Push Recall": engine.RecallExecutive, "Something": engine.RecallOther,
	} {
		require.Equal(t, want, fact(t, "CallReceivedEvent", "<xsi:recallType>"+word+"</xsi:recallType>").Recall, word)
	}
	require.Equal(t, engine.RecallNone, fact(t, "CallReceivedEvent", "").Recall)
}

func TestRecordings(t *testing.T) {
	state := func(w string) string { return "<xsi:recordingState>" + w + "</xsi:recordingState>" }
	for _, c := range []struct {
		event, call string
		kind        engine.EventKind
		want        engine.Recording
	}{
		{"CallRecordingStartingEvent", state("Pending"), engine.EventRecording, engine.RecordingPending},
		{"RecordingStartingEvent", "", engine.EventRecording, engine.RecordingPending},
		{"CallRecordingStartedEvent", state("Started"), engine.EventRecording, engine.RecordingStarted},
		{"RecordingStartedEvent", "", engine.EventRecording, engine.RecordingStarted},
		{"CallRecordingPausedEvent", "<xsi:recorded/>", engine.EventRecording, engine.RecordingPaused},
		{"CallRecordingResumedEvent", "", engine.EventRecording, engine.RecordingStarted},
		{"CallRecordingStoppedEvent", "", engine.EventRecording, engine.RecordingStopped},
		{"CallRecordingStoppedEvent", "<xsi:recorded>true</xsi:recorded>", engine.EventRecording, engine.RecordingStopped},
		{"callrecordingstoppedevent", state("Solar Flare"), engine.EventRecording, engine.RecordingStopped},
		{"CallRecordingFailedEvent", "", engine.EventRecording, engine.RecordingFailed},
		{"CallRecordingStartedEvent", state("Failed"), engine.EventRecording, engine.RecordingFailed},
		{"CallUpdatedEvent", state("Paused"), engine.EventUpdated, engine.RecordingPaused},
		{"CallUpdatedEvent", "<xsi:recorded>true</xsi:recorded>", engine.EventUpdated, engine.RecordingUnknown}, // it is, or was
		{"CallReleasedEvent", "<xsi:recorded/>", engine.EventReleased, engine.RecordingUnknown},
		{"CallUpdatedEvent", "", engine.EventUpdated, engine.RecordingUnknown},
	} {
		ev := translated(t, c.event, "<xsi:call><xsi:callId>a</xsi:callId><xsi:state>Active</xsi:state>"+c.call+"</xsi:call>")
		require.Equal(t, c.kind, ev.Kind, c.event)
		require.Equal(t, c.want, ev.Facts[0].Recording, "%s %s", c.event, c.call)
		require.Equal(t, engine.StatusActive, ev.Facts[0].Status)
	}
}

func TestWhereACallIsParked(t *testing.T) {
	for text, want := range map[string]string{
		"4711": "4711", " 4711 ": "4711", "bob@example.com:4711": "4711", "tel:4711": "4711", "sip:4711@example.com": "4711",
		"true": "", "": "", "4711@example.com": "", strings.Repeat("1", 21): "", "*88": "", "bob:": "",
	} {
		require.Equal(t, want, fact(t, "CallReleasedEvent", "<xsi:groupCallParkLocationSelected>"+text+"</xsi:groupCallParkLocationSelected>").ParkedAt, text)
	}
}

func TestRareEventsByAnyOfTheirNames(t *testing.T) {
	for name, want := range map[string]engine.EventKind{
		"CallParkRetrievedEvent": engine.EventParkRetrieved, "ParkRetrievedEvent": engine.EventParkRetrieved,
		"CallBargedInEvent": engine.EventBargedIn, "BargedInEvent": engine.EventBargedIn,
		"CallMonitoredEvent": engine.EventMonitored, "MonitoredEvent": engine.EventMonitored,
		"ConferenceCallUnmutedEvent": engine.EventConference, "ConferenceCallUnMutedEvent": engine.EventConference,
		"ConferenceCallMadeDeafEvent": engine.EventConference, "ConferenceCallMadeUnDeafEvent": engine.EventConference, "ConferenceCallUnDeafEvent": engine.EventConference,
		"ConferenceUnmutedEvent": engine.EventConference, "CallConferenceUpdatedEvent": engine.EventConference,
		"ConferenceEvent": engine.EventOther, "CallEvent": engine.EventOther, "Call": engine.EventOther, "VoiceMailMessageSummaryEvent": engine.EventOther,
		"Conference" + strings.Repeat("x", 100) + "Event": engine.EventOther,
	} {
		require.Equal(t, want, translated(t, name, "<xsi:call><xsi:callId>a</xsi:callId></xsi:call>"+conferenceOf("Active", "a", "b")).Kind, name)
	}
}

func TestConferences(t *testing.T) {
	people := []engine.ParticipantFact{{ProviderID: "a", Muted: true}, {ProviderID: "b", Deaf: true}, {ProviderID: "c"}}
	list := []string{"a<xsi:muted/>", "b<xsi:deafened>true</xsi:deafened><xsi:mute>false</xsi:mute><xsi:other/>", "c<xsi:deaf>false</xsi:deaf>"}
	for _, c := range []struct {
		event, body string
		want        engine.ConferenceFact
	}{
		{"ConferenceStartedEvent", conferenceOf("Active", list...), engine.ConferenceFact{Participants: people}},
		{"ConferenceCallMutedEvent", conferenceOf("Active", list...), engine.ConferenceFact{Participants: people}},
		{"ConferenceHeldEvent", conferenceOf("Held", list...), engine.ConferenceFact{Held: true, Participants: people}},
		{"ConferenceRetrievedEvent", conferenceOf("Active", list...), engine.ConferenceFact{Participants: people}},
		{"ConferenceReleasedEvent", conferenceOf("Released"), engine.ConferenceFact{Over: true}},
		{"ConferenceReleasedEvent", "", engine.ConferenceFact{Over: true}},
		{"ConferenceUpdatedEvent", conferenceOf("Active"), engine.ConferenceFact{}},
		{"ConferenceHeldEvent", "", engine.ConferenceFact{Held: true, Partial: true}},
		{"ConferenceUpdatedEvent", "<xsi:conference><xsi:state>Active</xsi:state></xsi:conference>", engine.ConferenceFact{Partial: true}},
		{"ConferenceCallMutedEvent", "<xsi:conference><xsi:conferenceParticipant><xsi:callId>a</xsi:callId><xsi:muted/></xsi:conferenceParticipant></xsi:conference>",
			engine.ConferenceFact{Partial: true, Participants: people[:1]}},
		{"CallSubscriptionEvent", conferenceOf("Held", list...), engine.ConferenceFact{Held: true, Participants: people}},
	} {
		ev := translated(t, c.event, c.body)
		require.Equal(t, &c.want, ev.Conference, "%s %s", c.event, c.body)
		require.NotEqual(t, engine.EventOther, ev.Kind)
	}
	require.Nil(t, translated(t, "CallSubscriptionEvent", "").Conference)
	ev := translated(t, "ConferenceUpdatedEvent", "")
	require.Nil(t, ev.Conference)
	require.Equal(t, engine.EventOther, ev.Kind, "nothing is said of the conference")
	require.Nil(t, translated(t, "CallUpdatedEvent", "<xsi:call><xsi:callId>a</xsi:callId></xsi:call>"+conferenceOf("Active", "a")).Conference, "of a call")

	var many []string
	for i := range maxParticipants + 5 {
		many = append(many, fmt.Sprint("c", i))
	}
	ev = translated(t, "ConferenceStartedEvent", conferenceOf("Active", many...))
	require.Len(t, ev.Conference.Participants, maxParticipants)
	require.True(t, ev.Conference.Partial, "the others did not leave it")
}

func TestConferencesByThemselves(t *testing.T) {
	const open = `<Conference xmlns="http://schema.broadsoft.com/xsi">`
	for doc, want := range map[string]engine.ConferenceFact{
		open + `<state>Active</state><conferenceParticipantList><conferenceParticipant><callId>a</callId></conferenceParticipant></conferenceParticipantList></Conference>`: {Participants: []engine.ParticipantFact{{ProviderID: "a"}}},
		open + `<conferenceParticipantList><conferenceParticipant><callId>a</callId></conferenceParticipant></conferenceParticipantList></Conference>`:                      {Participants: []engine.ParticipantFact{{ProviderID: "a"}}},
		open + `<state>Released</state></Conference>`: {Over: true},
		open + `</Conference>`:                        {Over: true},
	} {
		require.Equal(t, &want, decoded(t, doc).conferenceFact(), doc)
	}
	doc := decoded(t, `<Calls xmlns="http://schema.broadsoft.com/xsi"><call inConference="true"><callId>a</callId></call><call inConference="false"><callId>b</callId></call><call><callId>c</callId></call></Calls>`)
	require.Equal(t, []engine.Said{engine.SaidYes, engine.SaidNo, engine.SaidNothing}, []engine.Said{doc.calls[0].inConference, doc.calls[1].inConference, doc.calls[2].inConference})
}

// What one document said is not in the next one.
func TestADecoderForgets(t *testing.T) {
	var d decoder
	for range 2 {
		doc, err := d.decode([]byte(event("e", "s", "1", bob, "CallSubscriptionEvent", "<xsi:calls><xsi:call><xsi:callId>a</xsi:callId>"+diverted+"</xsi:call></xsi:calls>"+conferenceOf("Active", "a", "b"))))
		require.NoError(t, err)
		ev := doc.translate()
		require.Len(t, ev.Facts[0].Diversion, 2)
		require.Len(t, ev.Conference.Participants, 2)
		doc, err = d.decode([]byte(received))
		require.NoError(t, err)
		next := doc.translate()
		require.Nil(t, next.Conference)
		require.Nil(t, next.Facts[0].Diversion)
		require.Equal(t, "Front Desk", ev.Facts[0].Diversion[0].Name, "what was handed over stays")
	}
}

func TestUsualEventsCostTwoAllocations(t *testing.T) {
	for _, text := range []string{samples.Event, samples.LongEvent} {
		var d decoder
		doc := []byte(text)
		require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			got, _ := d.decode(doc)
			got.translate()
		}), 2.0)
	}
}
