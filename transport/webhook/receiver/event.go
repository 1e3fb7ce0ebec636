package receiver

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"offhook/transport/webhook"
)

// Event is what a body says, as far as a receiver of both webhooks knows.
// Fields it does not know are left aside.
type Event struct {
	AppID            string `json:"app_id"`
	SubscriberID     string `json:"subscriber_id"`
	SubscriberNumber string `json:"subscriber_number"`
	RemoteNumber     string `json:"remote_number"`
	CallID           string `json:"call_id"`
	SequenceNumber   string `json:"sequence_number"`
	Direction        string `json:"direction"`
	State            string `json:"state"`
	Timestamp        int64  `json:"timestamp"`

	EventID   string          `json:"event_id"`
	Type      string          `json:"type"`
	Cause     string          `json:"cause"`
	Phase     string          `json:"phase"`
	Synthetic bool            `json:"synthetic"`
	GapFrom   json.RawMessage `json:"gap_from"`
	Challenge string          `json:"challenge"` // to be repeated in the answer

	Number uint64 `json:"-"` // SequenceNumber; 0 for an event without one

	id      string // event_id, or the webhook-id where the body has none
	digest  [sha256.Size]byte
	gapFrom uint64 // 0 for none
}

// The specification's fields of the two webhooks. They are always there.
var (
	callFields = []string{
		"app_id", "subscriber_id", "subscriber_number", "subscriber_name", "subscriber_account_id",
		"remote_number", "remote_name", "call_id", "sequence_number", "direction", "state",
	}
	subscriberFields = []string{
		"app_id", "subscriber_id", "subscriber_number", "subscriber_name", "subscriber_account_id", "network_id",
	}
)

// parse reads a body: one event, or an array of them. webhookID is the header.
func parse(body []byte, webhookID string) ([]Event, error) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '[' {
		ev, err := parseEvent(body)
		if err != nil {
			return nil, err
		}
		if ev.id == "" {
			ev.id = webhookID
		}
		if ev.id != webhookID {
			return nil, errors.New("event_id is not the webhook-id")
		}
		return []Event{ev}, nil
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, errors.New("the body is not JSON")
	}
	if len(batch) == 0 {
		return nil, errors.New("the array is empty")
	}
	events := make([]Event, len(batch))
	for i, one := range batch {
		ev, err := parseEvent(one)
		if err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(batch), err)
		}
		events[i] = ev
	}
	return events, nil
}

func parseEvent(body []byte) (ev Event, err error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		return ev, errors.New("the body is not a JSON object")
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return ev, fmt.Errorf("%s is a JSON %s, not a %s", Printable(wrong.Field), wrong.Value, wrong.Type)
		}
		return ev, errors.New("the body is not a JSON object of an event")
	}
	switch {
	case ev.Type == "call.state" || ev.Type == "call.detail" || ev.Type == "" && ev.CallID != "":
		err = complete(fields, callFields)
		if err == nil && ev.Timestamp == 0 {
			err = errors.New("timestamp is missing")
		}
	case ev.Type == "subscriber.provisioned":
		err = complete(fields, subscriberFields)
	case ev.Type == webhook.TypeChallenge && ev.Challenge == "":
		err = errors.New("challenge is missing")
	}
	if err != nil {
		return ev, err
	}
	if ev.SequenceNumber != "" {
		if ev.Number, err = strconv.ParseUint(ev.SequenceNumber, 10, 64); err != nil || ev.Number == 0 || ev.SequenceNumber[0] == '0' {
			return ev, errors.New("sequence_number is not a whole number from 1")
		}
	}
	// Its JSON type is left to the sender: a number, or a string like sequence_number.
	ev.gapFrom, _ = strconv.ParseUint(strings.Trim(string(ev.GapFrom), `"`), 10, 64)
	if ev.gapFrom > ev.Number {
		return ev, errors.New("gap_from is behind sequence_number")
	}
	ev.id, ev.digest = ev.EventID, sha256.Sum256(body)
	return ev, nil
}

// complete says which of the strings that must be there is not.
func complete(fields map[string]json.RawMessage, names []string) error {
	for _, name := range names {
		switch text := fields[name]; {
		case text == nil:
			return errors.New(name + " is missing")
		case text[0] != '"':
			return errors.New(name + " is not a string")
		}
	}
	return nil
}
