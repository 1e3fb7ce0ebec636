package demoreceiver

import (
	"fmt"
	"strings"
	"time"

	"offhook/engine"
	"offhook/transport/webhook"
)

// event is what the demo shows of a webhook's body.
type event struct {
	AppID            string `json:"app_id"`
	SubscriberID     string `json:"subscriber_id"`
	SubscriberNumber string `json:"subscriber_number"`
	RemoteNumber     string `json:"remote_number"`
	CallID           string `json:"call_id"`
	SequenceNumber   string `json:"sequence_number"`
	Direction        string `json:"direction"`
	State            string `json:"state"`
	Cause            string `json:"cause"`
	Timestamp        int64  `json:"timestamp"`
	Type             string `json:"type"`
	Challenge        string `json:"challenge"`
}

// line is an event in one line, for people:
//
//	12:04:31.226  ringing   incoming  #2   callhalf-13467354071:0  alice@example.com  from +1512*****14
func (ev *event) line(kind engine.StreamKind) string {
	at := time.UnixMilli(ev.Timestamp).UTC().Format("15:04:05.000")
	subscriber := printable(ev.SubscriberID)
	if ev.Type == webhook.TypeTest {
		return at + "  test event"
	}
	if kind == engine.StreamSubscriber {
		return fmt.Sprintf("%s  provisioned  %s  %s", at, subscriber, mask(ev.SubscriberNumber))
	}
	towards := "from"
	if ev.Direction == "outgoing" {
		towards = "to"
	}
	line := fmt.Sprintf("%s  %-8s  %-8s  #%-4s %s  %s", at, printable(ev.State), printable(ev.Direction), printable(ev.SequenceNumber), printable(ev.CallID), subscriber)
	if ev.RemoteNumber != "" {
		line += "  " + towards + " " + mask(ev.RemoteNumber)
	}
	if ev.Cause != "" {
		line += "  (" + printable(ev.Cause) + ")"
	}
	return line
}

// mask hides most of a number: +15125551209 becomes +1512*****09.
func mask(number string) string {
	const head, tail = 5, 2
	number = printable(number)
	if len(number) <= head+tail {
		return strings.Repeat("*", len(number))
	}
	return number[:head] + strings.Repeat("*", len(number)-head-tail) + number[len(number)-tail:]
}

// printable keeps what arrives from writing anything but text on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
