package broadworks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// fact decodes an event with one call and returns what it says.
func fact(t *testing.T, payload, call string) engine.Fact {
	t.Helper()
	ev := decoded(t, event("e1", "s1", "1", bob, payload, "<xsi:call>"+call+"</xsi:call>")).translate()
	require.Len(t, ev.Facts, 1)
	return ev.Facts[0]
}

func TestEveryEventOfTheDossierHasItsKindAndStatus(t *testing.T) {
	const (
		originator = "<xsi:personality>Originator</xsi:personality>"
		terminator = "<xsi:personality>Terminator</xsi:personality>"
		click      = "<xsi:personality>Click-to-Dial</xsi:personality>"
		alerting   = "<xsi:state>Alerting</xsi:state>"
		active     = "<xsi:state>Active</xsi:state>"
		answered   = "<xsi:answerTime>1700000004000</xsi:answerTime>"
	)
	for _, c := range []struct {
		payload, call string
		kind          engine.EventKind
		status        engine.Status
	}{
		{"CallOriginatingEvent", click + alerting, engine.EventOriginating, engine.StatusAlerting},
		{"CallOriginatedEvent", originator + alerting, engine.EventOriginated, engine.StatusAlerting},
		{"CallReceivedEvent", terminator + alerting, engine.EventReceived, engine.StatusAlerting},
		{"CallCollectingEvent", originator + active, engine.EventCollecting, engine.StatusCollecting},
		{"CallCollectingEvent", originator, engine.EventCollecting, engine.StatusCollecting},
		{"CallForwardedEvent", originator + alerting, engine.EventForwarded, engine.StatusAlerting},
		{"CallAnsweredEvent", terminator + active + answered, engine.EventAnswered, engine.StatusActive},
		{"CallAnsweredEvent", originator + active + answered, engine.EventAnswered, engine.StatusActive},
		{"CallHeldEvent", terminator + "<xsi:state>Held</xsi:state>" + answered, engine.EventHeld, engine.StatusHeld},
		{"CallHeldEvent", terminator + "<xsi:state>Remote Held</xsi:state>" + answered, engine.EventHeld, engine.StatusRemoteHeld},
		{"CallRetrievedEvent", terminator + active + answered, engine.EventRetrieved, engine.StatusActive},
		{"CallUpdatedEvent", originator + active, engine.EventUpdated, engine.StatusCollecting},
		{"CallUpdatedEvent", terminator + active, engine.EventUpdated, engine.StatusActive},
		{"CallUpdatedEvent", terminator + "<xsi:state>Client Alerting</xsi:state>", engine.EventUpdated, engine.StatusUnknown},
		{"CallTransferredEvent", originator + alerting + answered, engine.EventTransferred, engine.StatusAlerting},
		{"CallPickedUpEvent", terminator + alerting, engine.EventPickedUp, engine.StatusAlerting},
		{"CallReleasingEvent", originator + active, engine.EventReleasing, engine.StatusReleasing},
		{"CallReleasingEvent", originator + "<xsi:state>Released</xsi:state>", engine.EventReleasing, engine.StatusReleased},
		{"CallDetachedEvent", terminator + "<xsi:state>Detached</xsi:state>", engine.EventDetached, engine.StatusDetached},
		{"CallDetachedEvent", terminator, engine.EventDetached, engine.StatusDetached},
		{"CallReleasedEvent", terminator + "<xsi:state>Released</xsi:state>", engine.EventReleased, engine.StatusReleased},
		{"CallReleasedEvent", terminator, engine.EventReleased, engine.StatusReleased},
		{"CallUpdatedEvent", terminator + "<xsi:state>Idle</xsi:state>", engine.EventUpdated, engine.StatusIdle},
	} {
		doc := decoded(t, event("e1", "s1", "1", bob, c.payload, "<xsi:call>"+c.call+"</xsi:call>"))
		ev := doc.translate()
		require.Equal(t, c.kind, ev.Kind, c.payload)
		require.Equal(t, c.status, ev.Facts[0].Status, "%s %s", c.payload, c.call)
	}
	require.Equal(t, engine.EventHook, decoded(t, event("e", "s", "1", "", "HookStatusEvent", "<xsi:hookStatus>Off-Hook</xsi:hookStatus>")).translate().Kind)
	require.Equal(t, engine.EventOther, decoded(t, event("e", "s", "1", "", "ConferenceStartedEvent", "")).translate().Kind)
}

func TestARedirectNamesAllItsCalls(t *testing.T) {
	ev := decoded(t, event("e1", "s1", "1", bob, "CallRedirectedEvent", `<xsi:calls>
		<xsi:call><xsi:callId>a</xsi:callId><xsi:state>Detached</xsi:state><xsi:redirect><xsi:address>tel:+15555550177</xsi:address><xsi:reason>transfer</xsi:reason><xsi:redirectTime>1</xsi:redirectTime></xsi:redirect></xsi:call>
		<xsi:call><xsi:callId>b</xsi:callId><xsi:state>Detached</xsi:state></xsi:call></xsi:calls>`)).translate()
	require.Len(t, ev.Facts, 2)
	require.Equal(t, engine.Fact{ProviderID: "a", Status: engine.StatusDetached, Cause: engine.CauseTransferred, ProviderCause: "transfer", RedirectedTo: "+15555550177"}, ev.Facts[0])
	require.Equal(t, engine.Fact{ProviderID: "b", Status: engine.StatusDetached, Cause: engine.CauseRedirected}, ev.Facts[1])
}

func TestSnapshotsOfBothKinds(t *testing.T) {
	calls := `<xsi:calls><xsi:call><xsi:callId>a</xsi:callId><xsi:personality>Terminator</xsi:personality><xsi:state>Active</xsi:state></xsi:call>` +
		`<xsi:call><xsi:callId>b</xsi:callId><xsi:state>Detached</xsi:state></xsi:call></xsi:calls>` +
		`<xsi:conference><xsi:call><xsi:callId>not one</xsi:callId></xsi:call></xsi:conference><xsi:hookStatus>Off-Hook</xsi:hookStatus>`
	for _, payload := range []string{"CallSubscriptionEvent", "CallSubscriptionResyncEvent"} {
		ev := decoded(t, event("e1", "s1", "1", bob, payload, calls)).translate()
		require.Equal(t, engine.EventSnapshot, ev.Kind)
		require.Len(t, ev.Facts, 2)
		require.Equal(t, engine.StatusActive, ev.Facts[0].Status)
		require.Equal(t, engine.StatusDetached, ev.Facts[1].Status, "no live call; and what was one ends with a cause")
	}
}

func TestDetailsOfACall(t *testing.T) {
	require.Equal(t, engine.Fact{
		ProviderID: "callhalf-1:0", TrackingID: "41:1", Status: engine.StatusAlerting, Personality: engine.Terminator,
		RemoteNumber: "+15555550123", RemoteName: "Ann", Recall: engine.RecallPark, AllowAnswer: true, AllowRetrieve: true, StartTime: 5,
	}, fact(t, "CallReceivedEvent", `<xsi:callId>callhalf-1:0</xsi:callId><xsi:extTrackingId>41:1</xsi:extTrackingId><xsi:personality>Terminator</xsi:personality>`+
		`<xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:name>Ann</xsi:name></xsi:remoteParty>`+
		`<xsi:allowAnswer/><xsi:allowRetrieve/><xsi:recallType>Call Park Recall</xsi:recallType><xsi:startTime>5</xsi:startTime>`))
}

func TestReleaseCauses(t *testing.T) {
	for _, c := range []struct {
		cause    string
		want     engine.Cause
		provider string
	}{
		{"", engine.CauseNone, ""},
		{"<xsi:internalReleaseCause>Busy</xsi:internalReleaseCause>", engine.CauseBusy, "Busy"},
		{"<xsi:internalReleaseCause>Forbidden</xsi:internalReleaseCause>", engine.CauseRejected, "Forbidden"},
		{"<xsi:internalReleaseCause>Temporarily Unavailable</xsi:internalReleaseCause>", engine.CauseUnreachable, "Temporarily Unavailable"},
		{"<xsi:internalReleaseCause>User Not Found</xsi:internalReleaseCause><xsi:sipStatus>404</xsi:sipStatus>", engine.CauseInvalidNumber, "User Not Found, SIP 404"},
		{"<xsi:internalReleaseCause>Server Failure</xsi:internalReleaseCause>", engine.CauseNetworkFailure, "Server Failure"},
		{"<xsi:internalReleaseCause>Dial Tone Timeout</xsi:internalReleaseCause>", engine.CauseCancelled, "Dial Tone Timeout"},
		{"<xsi:internalReleaseCause>Solar Flare</xsi:internalReleaseCause>", engine.CauseUnknown, "Solar Flare"},
		{"<xsi:q850Cause>17</xsi:q850Cause>", engine.CauseBusy, "Q.850 17"},
		{"<xsi:q850Cause>16</xsi:q850Cause>", engine.CauseNone, "Q.850 16"},
		{"<xsi:q850Cause>19</xsi:q850Cause><xsi:sipStatus>480</xsi:sipStatus>", engine.CauseUnreachable, "Q.850 19, SIP 480"},
		{"<xsi:q850Cause>41</xsi:q850Cause>", engine.CauseNetworkFailure, "Q.850 41"},
		{"<xsi:sipStatus>603</xsi:sipStatus>", engine.CauseRejected, "SIP 603"},
		{"<xsi:cdrTerminationCause>016</xsi:cdrTerminationCause>", engine.CauseNone, ""},
	} {
		f := fact(t, "CallReleasedEvent", "<xsi:state>Released</xsi:state><xsi:releaseCause>"+c.cause+"</xsi:releaseCause><xsi:releasingParty>remoteRelease</xsi:releasingParty><xsi:releaseTime>9</xsi:releaseTime>")
		require.Equal(t, c.want, f.Cause, c.cause)
		require.Equal(t, c.provider, f.ProviderCause, c.cause)
		require.Equal(t, engine.PartyRemote, f.Party)
		require.EqualValues(t, 9, f.ReleaseTime)
	}
	require.Equal(t, engine.PartyLocal, fact(t, "CallReleasedEvent", "<xsi:releasingParty>localRelease</xsi:releasingParty>").Party)
}

func TestRemoteNumbers(t *testing.T) {
	for _, c := range []struct{ address, home, want string }{
		{`<xsi:address countryCode="1">tel:+15555550123</xsi:address>`, "", "+15555550123"},
		{`<xsi:address>tel:+1-555-555-0123;ext=7</xsi:address>`, "", "+15555550123"},
		{`<xsi:address>sip:+15555550123@example.com;user=phone</xsi:address>`, "", "+15555550123"},
		{`<xsi:address>sips:+15555550123@example.com</xsi:address>`, "", "+15555550123"},
		{`<xsi:address countryCode="31">tel:0201234567</xsi:address>`, "1", "+31201234567"},
		{`<xsi:address countryCode="39">tel:0612345678</xsi:address>`, "", "+390612345678"},
		{`<xsi:address>tel:5555550123</xsi:address>`, "1", "+15555550123"},
		{`<xsi:address>tel:15555550123</xsi:address>`, "1", "+15555550123"},
		{`<xsi:address>tel:011442079460123</xsi:address>`, "1", "+442079460123"},
		{`<xsi:address>tel:00442079460123</xsi:address>`, "31", "+442079460123"},
		{`<xsi:address>5555550123</xsi:address>`, "", "5555550123"},
		{`<xsi:address>tel:4711</xsi:address>`, "1", "4711"},
		{`<xsi:address>tel:4711</xsi:address><xsi:userDN countryCode="1">tel:+15555550199</xsi:userDN>`, "1", "+15555550199"},
		{`<xsi:address>sip:alice@example.com</xsi:address>`, "1", "sip:alice@example.com"},
		{`<xsi:address>sip:192.0.2.1</xsi:address>`, "1", "sip:192.0.2.1"},
		{`<xsi:address>tel:*67</xsi:address>`, "1", "*67"},
		{`<xsi:address>tel:+999999999999999999999</xsi:address>`, "1", "+999999999999999999999"},
		{`<xsi:userDN>tel:4712</xsi:userDN>`, "1", "4712"},
		{``, "1", ""},
	} {
		d := decoder{countryCode: c.home}
		doc, err := d.decode([]byte(event("e", "s", "1", bob, "CallReceivedEvent", "<xsi:call><xsi:remoteParty>"+c.address+"</xsi:remoteParty></xsi:call>")))
		require.NoError(t, err)
		require.Equal(t, c.want, doc.translate().Facts[0].RemoteNumber, c.address)
	}
}
