package broadworks

import (
	"encoding/xml"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stdEvent is the same event for encoding/xml: the fields decode keeps.
type stdEvent struct {
	XMLName      xml.Name `xml:"http://schema.broadsoft.com/xsi Event"`
	Type         string   `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
	EventID      string   `xml:"eventID"`
	Sequence     uint32   `xml:"sequenceNumber"`
	UserID       string   `xml:"userId"`
	Subscription string   `xml:"subscriptionId"`
	ChannelID    string   `xml:"channelId"`
	Target       string   `xml:"targetId"`
	Data         struct {
		Type string  `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Call stdCall `xml:"call"`
	} `xml:"eventData"`
}

type stdCall struct {
	ID          string `xml:"callId"`
	Tracking    string `xml:"extTrackingId"`
	Personality string `xml:"personality"`
	State       string `xml:"state"`
	Remote      struct {
		Name    string `xml:"name"`
		Address struct {
			Code   string `xml:"countryCode,attr"`
			Number string `xml:",chardata"`
		} `xml:"address"`
		UserDN string `xml:"userDN"`
	} `xml:"remoteParty"`
	Start  int64 `xml:"startTime"`
	Answer int64 `xml:"answerTime"`
}

// longEvent is about 2 KB: an incoming call that was redirected on the way.
const longEvent = declaration + eventOpen + `<xsi:eventID>957d0482-6cdd-4189-b477-19c6793f113a</xsi:eventID><xsi:sequenceNumber>4711</xsi:sequenceNumber><xsi:userId>administrator@example.com</xsi:userId><xsi:externalApplicationId>offhook-3f1c9f5e</xsi:externalApplicationId><xsi:subscriptionId>98ed3939-c113-419c-8012-092556b85c66</xsi:subscriptionId><xsi:channelId>64eddc79-b707-4827-aacd-487fb5cb8427</xsi:channelId><xsi:targetId>bob@example.com</xsi:targetId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-1013467354071:0</xsi:callId><xsi:extTrackingId>5701687:1</xsi:extTrackingId><xsi:networkCallId>BW1200000000000000000000@192.0.2.1</xsi:networkCallId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:name>Smith &amp; S&#xF8;ns</xsi:name><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:userId>alice@example.com</xsi:userId><xsi:userDN countryCode="1">tel:+15555550123</xsi:userDN><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:redirections><xsi:redirection><xsi:party><xsi:name>Front Desk</xsi:name><xsi:address countryCode="1">tel:+15555550199</xsi:address><xsi:userId>desk@example.com</xsi:userId><xsi:userDN countryCode="1">tel:+15555550199</xsi:userDN><xsi:callType>Group</xsi:callType></xsi:party><xsi:reason>no-answer</xsi:reason></xsi:redirection></xsi:redirections><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:allowAnswer/><xsi:diversionInhibited/><xsi:startTime>1700000000000</xsi:startTime><xsi:allowedRecordingControls>none</xsi:allowedRecordingControls><xsi:recordingState>Pending</xsi:recordingState></xsi:call></xsi:eventData></xsi:Event>`

func TestTheBenchmarkedEventIsTheSameInBoth(t *testing.T) {
	for _, text := range []string{shortEvent, longEvent} {
		var std stdEvent
		require.NoError(t, xml.Unmarshal([]byte(text), &std))
		ev := decoded(t, text).translate()
		require.Equal(t, std.EventID, ev.ID)
		require.Equal(t, std.Data.Call.ID, ev.Facts[0].ProviderID)
		require.Equal(t, std.Data.Call.Remote.Name, ev.Facts[0].RemoteName)
		require.Equal(t, std.Data.Call.Start, ev.Facts[0].StartTime)
	}
}

// shortEvent is the event of the dossier (§3.4).
const shortEvent = declaration + eventOpen + `<xsi:eventID>957d0482-6cdd-4189-b477-19c6793f113a</xsi:eventID><xsi:sequenceNumber>2</xsi:sequenceNumber><xsi:userId>admin@example.com</xsi:userId><xsi:externalApplicationId>offhook</xsi:externalApplicationId><xsi:subscriptionId>98ed3939-c113-419c-8012-092556b85c66</xsi:subscriptionId><xsi:channelId>64eddc79-b707-4827-aacd-487fb5cb8427</xsi:channelId><xsi:targetId>bob@example.com</xsi:targetId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-101:0</xsi:callId><xsi:extTrackingId>41:1</xsi:extTrackingId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:allowAnswer/><xsi:startTime>1700000000000</xsi:startTime></xsi:call></xsi:eventData></xsi:Event>`

// BenchmarkDecode is an event from its bytes to what the core gets, beside
// encoding/xml into structs with the fields that we keep. The two take turns,
// so that both see the same machine; ratio is how many times faster ours is.
func BenchmarkDecode(b *testing.B) {
	for _, event := range []struct{ name, text string }{{"event", shortEvent}, {"long-event", longEvent}} {
		b.Run(event.name, func(b *testing.B) {
			const turn = 1000
			doc := []byte(event.text)
			var d decoder
			var ours, theirs time.Duration
			rounds := 0
			for b.Loop() {
				runtime.GC() // each pays for its own garbage
				began := time.Now()
				for range turn {
					got, err := d.decode(doc)
					if err != nil {
						b.Fatal(err)
					}
					got.translate()
				}
				ours += time.Since(began)
				runtime.GC()
				began = time.Now()
				for range turn {
					var std stdEvent
					if err := xml.Unmarshal(doc, &std); err != nil {
						b.Fatal(err)
					}
				}
				theirs += time.Since(began)
				rounds++
			}
			each := float64(rounds * turn)
			b.ReportMetric(float64(ours.Nanoseconds())/each, "ns/event")
			b.ReportMetric(float64(theirs.Nanoseconds())/each, "ns/encoding-xml")
			b.ReportMetric(float64(theirs)/float64(ours), "ratio")
			b.ReportMetric(0, "ns/op") // of both, which means nothing
		})
	}
}

// BenchmarkDecodeAllocs is ours alone: what it leaves to the collector.
func BenchmarkDecodeAllocs(b *testing.B) {
	doc := []byte(shortEvent)
	var d decoder
	b.ReportAllocs()
	for b.Loop() {
		got, err := d.decode(doc)
		if err != nil {
			b.Fatal(err)
		}
		got.translate()
	}
}
