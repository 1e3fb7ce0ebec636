package broadworks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

const (
	declaration = `<?xml version="1.0" encoding="UTF-8"?>`
	eventOpen   = `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">`
	// received is the event of the dossier §3.4.
	received = declaration + eventOpen + `<xsi:eventID>e1</xsi:eventID><xsi:sequenceNumber>2</xsi:sequenceNumber><xsi:userId>admin@example.com</xsi:userId><xsi:externalApplicationId>offhook</xsi:externalApplicationId><xsi:subscriptionId>s1</xsi:subscriptionId><xsi:channelId>ch1</xsi:channelId><xsi:targetId>bob@example.com</xsi:targetId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-101:0</xsi:callId><xsi:extTrackingId>41:1</xsi:extTrackingId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:allowAnswer/><xsi:startTime>1700000000000</xsi:startTime></xsi:call></xsi:eventData></xsi:Event>`
)

// event composes an event document about one user.
func event(id, sub string, seq string, target, payload, body string) string {
	t := ""
	if target != "" {
		t = `<xsi:targetId>` + target + `</xsi:targetId>`
	}
	return declaration + eventOpen + `<xsi:eventID>` + id + `</xsi:eventID><xsi:sequenceNumber>` + seq +
		`</xsi:sequenceNumber><xsi:userId>admin@example.com</xsi:userId><xsi:subscriptionId>` + sub + `</xsi:subscriptionId><xsi:channelId>ch1</xsi:channelId>` + t +
		`<xsi:eventData xsi1:type="xsi:` + payload + `">` + body + `</xsi:eventData></xsi:Event>`
}

func decoded(t *testing.T, doc string) *document {
	t.Helper()
	var d decoder
	got, err := d.decode([]byte(doc))
	require.NoError(t, err)
	return got
}

func TestEveryCapturedDocumentIsUnderstood(t *testing.T) {
	want := map[string]documentKind{
		"01-check_xsi-CallSubscriptionEvent.xml":               docEvent,
		"01-check_xsi-channel-request.xml":                     docChannel,
		"01-check_xsi-channel-response.xml":                    docChannel,
		"01-check_xsi-subscription-request.xml":                docSubscription,
		"01-check_xsi-subscription-response.xml":               docSubscription,
		"06-laravel-AdvancedCallTest-02-CallAnsweredEvent.xml": docEvent,
	}
	files, err := filepath.Glob("testdata/captures/*.xml")
	require.NoError(t, err)
	require.Len(t, files, len(want))
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want[filepath.Base(file)], decoded(t, string(b)).kind, file)
	}

	b, err := os.ReadFile("testdata/captures/01-check_xsi-CallSubscriptionEvent.xml")
	require.NoError(t, err)
	ev := decoded(t, string(b)).translate()
	require.Equal(t, &engine.Event{
		ID: "957d0482-6cdd-4189-b477-19c6793f113a", Subscription: "98ed3939-c113-419c-8012-092556b85c66",
		Sequence: 1, Kind: engine.EventSnapshot,
	}, ev)

	b, err = os.ReadFile("testdata/captures/01-check_xsi-channel-response.xml")
	require.NoError(t, err)
	doc := decoded(t, string(b))
	require.Equal(t, "64eddc79-b707-4827-aacd-487fb5cb8427", doc.text(doc.channelID))
	require.EqualValues(t, 86400, doc.expires)

	b, err = os.ReadFile("testdata/captures/06-laravel-AdvancedCallTest-02-CallAnsweredEvent.xml")
	require.NoError(t, err)
	doc = decoded(t, string(b))
	require.Equal(t, "targetId", doc.text(doc.target))
	ev = doc.translate()
	require.EqualValues(t, 4, ev.Sequence)
	require.Equal(t, []engine.Fact{{
		ProviderID: "ccallId", TrackingID: "extTrackingId", Status: engine.StatusActive, Personality: engine.Originator,
		RemoteNumber: "address", RemoteName: "name", StartTime: 1456130781929, AnswerTime: 1456130787729,
	}}, ev.Facts)
}

func TestNamespacesNotPrefixesDecide(t *testing.T) {
	for name, doc := range map[string]string{
		"other prefixes":        `<e:Event xmlns:e="http://schema.broadsoft.com/xsi" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="e:SubscriptionEvent"><e:eventID>e1</e:eventID><e:eventData i:type="e:HookStatusEvent"/></e:Event>`,
		"default namespace":     `<Event xmlns="http://schema.broadsoft.com/xsi" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="SubscriptionEvent"><eventID>e1</eventID><eventData xsi:type="HookStatusEvent"/></Event>`,
		"type before the xmlns": `<xsi:Event xsi1:type="xsi:SubscriptionEvent" xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance"><xsi:eventID>e1</xsi:eventID><xsi:eventData xsi1:type="xsi:HookStatusEvent"/></xsi:Event>`,
		"single quotes":         `<x:Event xmlns:x='http://schema.broadsoft.com/xsi' xmlns:i = 'http://www.w3.org/2001/XMLSchema-instance' i:type='x:SubscriptionEvent' ><x:eventID >e1</x:eventID ><x:eventData i:type='x:HookStatusEvent'></x:eventData></x:Event>`,
		"rebound inside":        `<a:Event xmlns:a="http://schema.broadsoft.com/xsi" xmlns:b="http://www.w3.org/2001/XMLSchema-instance" b:type="SubscriptionEvent"><a:eventID xmlns:a="urn:else">wrong</a:eventID><a:eventID>e1</a:eventID><b:eventData xmlns:b="http://schema.broadsoft.com/xsi" xmlns:c="http://www.w3.org/2001/XMLSchema-instance" c:type="HookStatusEvent"/></a:Event>`,
	} {
		doc := decoded(t, doc)
		require.Equal(t, docEvent, doc.kind, name)
		require.Equal(t, eventSubscription, doc.event, name)
		require.Equal(t, "e1", doc.text(doc.eventID), name)
		require.Equal(t, payloadHook, doc.payload, name)
	}
	foreign := decoded(t, `<xsi:Event xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><xsi:eventID>e1</xsi:eventID></xsi:Event>`)
	require.Equal(t, docOther, foreign.kind)
	require.Equal(t, "Event", foreign.text(foreign.root))
}

func TestEncodingsReferencesAndSections(t *testing.T) {
	name := func(doc string) string {
		d := decoded(t, doc)
		return d.fact(&d.calls[0], engine.EventReceived).RemoteName
	}
	call := func(head, name string) string {
		return head + `<Call xmlns="http://schema.broadsoft.com/xsi"><callId>c1</callId><remoteParty><name>` + name + `</name></remoteParty></Call>`
	}
	require.Equal(t, "Zoë & <Søn>", name(call(declaration, "Zo&#xEB; &amp; &lt;S&#248;n&gt;")))
	require.Equal(t, "Zoë", name(call(`<?xml version="1.0" encoding="ISO-8859-1"?>`, "Zo\xeb")))
	require.Equal(t, "Zoë", name(call(`<?xml version='1.0' encoding = 'iso-8859-1' standalone="yes"?>`, "Zo\xeb")))
	require.Equal(t, "Zoë", name(call("", "Zoë")))
	require.Equal(t, "a<b>&amp;", name(call(declaration, "a<![CDATA[<b>&amp;]]>")))
	require.Equal(t, "Ann Other", name(call(declaration, "Ann<!-- <name>no</name> --> Other")))
	require.Equal(t, "Ann Other", name(call(declaration, "Ann<?pi > ?> <b>skipped</b>Other")))

	for doc, want := range map[string]error{
		call(declaration, "Zo\xeb"):                              errInvalidUTF8,
		call(`<?xml version="1.0" encoding="UTF-16"?>`, "Zoe"):   errEncoding,
		call(declaration, "&nbsp;"):                              errSyntax,
		call(declaration, "&#0;"):                                errSyntax,
		`<!DOCTYPE a [<!ENTITY b "c">]><a/>`:                     errDoctype,
		`<a><b></a></b>`:                                         errSyntax,
		`<a>`:                                                    errUnfinished,
		strings.Repeat("<a>", maxDepth+1):                        errTooDeep,
		`<a ` + strings.Repeat(`b="c" `, maxAttributes+1) + `/>`: errAttributes,
		`<a ` + strings.Repeat(`xmlns="c" `, maxBindings) + `><b xmlns="c"/></a>`: errAttributes,
		`text<a/>`: errSyntax,
	} {
		var d decoder
		_, err := d.decode([]byte(doc))
		require.ErrorIs(t, err, want, doc)
	}
}

func TestABrokenEventStillSaysWhoItIs(t *testing.T) {
	var d decoder
	doc, err := d.decode([]byte(received[:strings.Index(received, "<xsi:personality>")] + "<xsi:broken"))
	require.Error(t, err)
	require.Equal(t, "e1", doc.text(doc.eventID))
	require.Equal(t, "bob@example.com", doc.text(doc.target))
	require.Equal(t, "s1", doc.text(doc.subID))
}

func TestRefusalsAreReadWithoutTheirProse(t *testing.T) {
	doc := decoded(t, `<?xml version="1.0" encoding="ISO-8859-1"?><ErrorInfo xmlns="http://schema.broadsoft.com/xsi"><summary>[Error 4008] User not found: bob</summary><summaryEnglish>x</summaryEnglish><detail>y</detail><errorCode>110842</errorCode></ErrorInfo>`)
	require.Equal(t, docErrorInfo, doc.kind)
	require.EqualValues(t, 110842, doc.errorCode)
	require.NotContains(t, doc.kept, "bob")

	doc = decoded(t, `<CallStartInfo xmlns="http://schema.broadsoft.com/xsi"><callId>callhalf-101:0</callId><externalTrackingId>41:1</externalTrackingId></CallStartInfo>`)
	require.Equal(t, docCallStartInfo, doc.kind)
	require.Equal(t, "41:1", doc.text(doc.calls[0].tracking))
}

func TestDecodingAllocatesOnce(t *testing.T) {
	var d decoder
	b := []byte(received)
	n := testing.AllocsPerRun(100, func() {
		if _, err := d.decode(b); err != nil {
			t.Error(err)
		}
	})
	require.LessOrEqual(t, n, 1.0)
	n = testing.AllocsPerRun(100, func() {
		doc, _ := d.decode(b)
		doc.translate()
	})
	require.LessOrEqual(t, n, 2.0, "its texts, and the event with its fact")
}
