package e2e

import (
	"bytes"
	"fmt"
	"strconv"
)

// Every line, which is a user's, has one call after the other. A call rings, is
// answered, held, retrieved and released: five events, and as many webhooks.
var life = [...]struct{ event, state, becomes string }{
	{"CallReceivedEvent", "Alerting", "ringing"},
	{"CallAnsweredEvent", "Active", "active"},
	{"CallHeldEvent", "Held", "held"},
	{"CallRetrievedEvent", "Active", "active"},
	{"CallReleasedEvent", "Released", "released"},
}

const (
	atAnswered = 1 // of life: a call that was answered
	atHeld     = 2
	atResumed  = 3
)

// userPrefix begins the user ids, and the ids of subscribers; the line's number
// of six digits follows.
const userPrefix = "e2e-"

func userOf(line int) string { return fmt.Sprintf("%s%06d@example-telco.com", userPrefix, line) }

// callPrefix begins the platform's call ids: the line and the call follow.
const callPrefix = "callhalf-7"

// appendCall appends the id of a line's call.
func appendCall(b []byte, line, call int) []byte {
	b = append(b, callPrefix...)
	b = appendPadded(b, uint64(line), 6)
	b = appendPadded(b, uint64(call), 7)
	return append(b, ":0"...)
}

// appendPadded appends n with at least so many digits.
func appendPadded(b []byte, n uint64, digits int) []byte {
	var text [20]byte
	s := strconv.AppendUint(text[:0], n, 10)
	for range digits - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}

// lineAt reads the six digits of a line where a prefix ends.
func lineAt(b []byte, prefix string) (line int, ok bool) {
	at := bytes.Index(b, []byte(prefix))
	if at < 0 {
		return 0, false
	}
	n, ok := number(b[at+len(prefix):], 6)
	return int(n), ok
}

// number reads the digits that b begins with: that many, or with 0 all of them.
func number(b []byte, digits int) (n uint64, ok bool) {
	i := 0
	for ; i < len(b) && i < 18 && (digits == 0 || i < digits) && b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + uint64(b[i]-'0')
	}
	return n, i > 0 && (digits == 0 || i == digits)
}

const (
	declaration = `<?xml version="1.0" encoding="UTF-8"?>`
	xsi         = `xmlns="http://schema.broadsoft.com/xsi"`
)

// The parts of an Event between what differs from one to the next (dossier §3.4).
const (
	eventHead    = declaration + `<xsi:Event xmlns:xsi="http://schema.broadsoft.com/xsi" xmlns:xsi1="http://www.w3.org/2001/XMLSchema-instance" xsi1:type="xsi:SubscriptionEvent"><xsi:eventID>`
	eventNumber  = `</xsi:eventID><xsi:sequenceNumber>`
	eventUser    = `</xsi:sequenceNumber><xsi:userId>administrator@example-telco.com</xsi:userId><xsi:externalApplicationId>offhook-bench</xsi:externalApplicationId><xsi:subscriptionId>`
	eventChannel = `</xsi:subscriptionId><xsi:channelId>` + channelID + `</xsi:channelId><xsi:targetId>`
	eventContact = `</xsi:subscriptionId><xsi:httpContact><xsi:uri>http://receiver.example.com/xsi</xsi:uri></xsi:httpContact><xsi:targetId>`
	eventData    = `</xsi:targetId><xsi:eventData xsi1:type="xsi:`
	eventTail    = `</xsi:eventData></xsi:Event>`
	channelID    = "5f0c3a52-77cb-4d6c-8a0e-1f2d3c4b5a69"
)

// appendEvent appends a whole Event of a line. at is the place in life, or -1
// for a snapshot of the call that is live after so many steps.
func appendEvent(b []byte, contact bool, line int, sequence uint64, steps, at int, now int64) []byte {
	b = append(b, eventHead...)
	b = appendEventID(b, line, sequence)
	b = append(b, eventNumber...)
	b = strconv.AppendUint(b, sequence, 10)
	b = append(b, eventUser...)
	b = appendSubscription(b, line)
	if contact {
		b = append(b, eventContact...)
	} else {
		b = append(b, eventChannel...)
	}
	b = append(b, userPrefix...)
	b = appendPadded(b, uint64(line), 6)
	b = append(b, "@example-telco.com"+eventData...)
	if at >= 0 {
		b = append(b, life[at].event...)
		b = append(b, `"><xsi:call>`...)
		b = appendCallFields(b, line, steps, at, now)
		b = append(b, `</xsi:call>`...)
		return append(b, eventTail...)
	}
	b = append(b, `CallSubscriptionEvent">`...)
	if done := steps % len(life); done > 0 {
		b = append(b, `<xsi:calls><xsi:call>`...)
		b = appendCallFields(b, line, steps-1, done-1, now)
		b = append(b, `</xsi:call></xsi:calls>`...)
	}
	return append(b, `<xsi:hookStatus>On-Hook</xsi:hookStatus>`+eventTail...)
}

// appendCallFields appends a Call in the order of the schema (dossier §2.1).
func appendCallFields(b []byte, line, steps, at int, now int64) []byte {
	call := steps / len(life)
	b = append(b, `<xsi:callId>`...)
	b = appendCall(b, line, call)
	b = append(b, `</xsi:callId><xsi:extTrackingId>`...)
	b = strconv.AppendInt(b, int64(line), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(call), 10)
	b = append(b, `:1</xsi:extTrackingId><xsi:networkCallId>BW`...)
	b = appendPadded(b, uint64(now), 20) // #nosec G115 -- a time
	b = append(b, `@192.0.2.1</xsi:networkCallId><xsi:personality>Terminator</xsi:personality><xsi:state>`...)
	b = append(b, life[at].state...)
	b = append(b, `</xsi:state>`...)
	if at == len(life)-1 {
		b = append(b, `<xsi:releasingParty>remoteRelease</xsi:releasingParty>`...)
	}
	b = append(b, `<xsi:remoteParty><xsi:name>Zilkr LLC</xsi:name><xsi:address countryCode="1">tel:+15129104114</xsi:address><xsi:callType>Network</xsi:callType></xsi:remoteParty>`+
		`<xsi:endpoint xsi1:type="xsi:AccessEndpoint"><xsi:addressOfRecord>lp1@example-telco.com</xsi:addressOfRecord></xsi:endpoint><xsi:appearance>1</xsi:appearance><xsi:startTime>`...)
	b = strconv.AppendInt(b, now, 10)
	b = append(b, `</xsi:startTime>`...)
	if at > 0 {
		b = append(b, `<xsi:answerTime>`...)
		b = strconv.AppendInt(b, now, 10)
		b = append(b, `</xsi:answerTime>`...)
	}
	if at == len(life)-1 {
		b = append(b, `<xsi:releaseTime>`...)
		b = strconv.AppendInt(b, now, 10)
		b = append(b, `</xsi:releaseTime>`...)
	}
	return b
}

// An event's id looks like the UUID that BroadWorks makes, and says which one it is.
const eventMiddle = "-5a3c-4b7d-9e1f-"

func appendEventID(b []byte, line int, sequence uint64) []byte {
	b = appendPadded(b, uint64(line), 8) // #nosec G115 -- a line
	b = append(b, eventMiddle...)
	return appendPadded(b, sequence, 12)
}

// eventOf reads the id out of an EventResponse.
func eventOf(body []byte) (line int, sequence uint64, ok bool) {
	const open = "<eventID>"
	at := bytes.Index(body, []byte(open))
	if at < 0 {
		return 0, 0, false
	}
	id := body[at+len(open):]
	if len(id) < 36 || string(id[8:8+len(eventMiddle)]) != eventMiddle {
		return 0, 0, false
	}
	n, ok := number(id, 8)
	sequence, ok2 := number(id[24:], 12)
	return int(n), sequence, ok && ok2
}

const subscriptionPrefix = "sub-"

func appendSubscription(b []byte, line int) []byte {
	b = append(b, subscriptionPrefix...)
	return appendPadded(b, uint64(line), 6)
}
