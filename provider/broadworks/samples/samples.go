// Package samples holds documents of BroadWorks for what is measured, and what
// encoding/xml makes of them.
package samples

import "encoding/xml"

const open = `<?xml version="1.0" encoding="UTF-8"?><xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent">`

// Event is the event of the dossier (§3.4), 1.1 KB.
const Event = open + `<xsi:eventID>957d0482-6cdd-4189-b477-19c6793f113a</xsi:eventID><xsi:sequenceNumber>2</xsi:sequenceNumber><xsi:userId>admin@example.com</xsi:userId><xsi:externalApplicationId>offhook</xsi:externalApplicationId><xsi:subscriptionId>98ed3939-c113-419c-8012-092556b85c66</xsi:subscriptionId><xsi:channelId>64eddc79-b707-4827-aacd-487fb5cb8427</xsi:channelId><xsi:targetId>bob@example.com</xsi:targetId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-101:0</xsi:callId><xsi:extTrackingId>41:1</xsi:extTrackingId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:allowAnswer/><xsi:startTime>1700000000000</xsi:startTime></xsi:call></xsi:eventData></xsi:Event>`

// LongEvent is about 2 KB: an incoming call that was redirected on the way.
const LongEvent = open + `<xsi:eventID>957d0482-6cdd-4189-b477-19c6793f113a</xsi:eventID><xsi:sequenceNumber>4711</xsi:sequenceNumber><xsi:userId>administrator@example.com</xsi:userId><xsi:externalApplicationId>offhook-3f1c9f5e</xsi:externalApplicationId><xsi:subscriptionId>98ed3939-c113-419c-8012-092556b85c66</xsi:subscriptionId><xsi:channelId>64eddc79-b707-4827-aacd-487fb5cb8427</xsi:channelId><xsi:targetId>bob@example.com</xsi:targetId><xsi:eventData xsi1:type="xsi:CallReceivedEvent"><xsi:call><xsi:callId>callhalf-1013467354071:0</xsi:callId><xsi:extTrackingId>5701687:1</xsi:extTrackingId><xsi:networkCallId>BW1200000000000000000000@192.0.2.1</xsi:networkCallId><xsi:personality>Terminator</xsi:personality><xsi:state>Alerting</xsi:state><xsi:remoteParty><xsi:name>Smith &amp; S&#xF8;ns</xsi:name><xsi:address countryCode="1">tel:+15555550123</xsi:address><xsi:userId>alice@example.com</xsi:userId><xsi:userDN countryCode="1">tel:+15555550123</xsi:userDN><xsi:callType>Network</xsi:callType></xsi:remoteParty><xsi:redirections><xsi:redirection><xsi:party><xsi:name>Front Desk</xsi:name><xsi:address countryCode="1">tel:+15555550199</xsi:address><xsi:userId>desk@example.com</xsi:userId><xsi:userDN countryCode="1">tel:+15555550199</xsi:userDN><xsi:callType>Group</xsi:callType></xsi:party><xsi:reason>no-answer</xsi:reason></xsi:redirection></xsi:redirections><xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>bob_lp1@example.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:allowAnswer/><xsi:diversionInhibited/><xsi:startTime>1700000000000</xsi:startTime><xsi:allowedRecordingControls>none</xsi:allowedRecordingControls><xsi:recordingState>Pending</xsi:recordingState></xsi:call></xsi:eventData></xsi:Event>`

// Std is an event for encoding/xml: the fields that the decoder keeps.
type Std struct {
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
		Call StdCall `xml:"call"`
	} `xml:"eventData"`
}

// StdCall is its call.
type StdCall struct {
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
