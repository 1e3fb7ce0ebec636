package broadworks

import (
	"encoding/xml"
	"testing"

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
	var std stdEvent
	require.NoError(t, xml.Unmarshal([]byte(longEvent), &std))
	ev := decoded(t, longEvent).translate()
	require.Equal(t, std.EventID, ev.ID)
	require.Equal(t, std.Data.Call.ID, ev.Facts[0].ProviderID)
	require.Equal(t, std.Data.Call.Remote.Name, ev.Facts[0].RemoteName)
	require.Equal(t, std.Data.Call.Start, ev.Facts[0].StartTime)
}

func BenchmarkDecodeEvent(b *testing.B) {
	doc := []byte(longEvent)
	b.Run("offhook", func(b *testing.B) {
		var d decoder
		b.ReportAllocs()
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			got, err := d.decode(doc)
			if err != nil {
				b.Fatal(err)
			}
			got.translate()
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			var std stdEvent
			if err := xml.Unmarshal(doc, &std); err != nil {
				b.Fatal(err)
			}
		}
	})
}
