package suite

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// bodySecret signs; it is nobody's.
var bodySecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte("thirty-two bytes of a bench key."))

// stdBody is the body of a calls webhook for encoding/json: the same fields in
// the same order, so the same bytes.
type stdBody struct {
	AppID               string   `json:"app_id"`
	SubscriberID        string   `json:"subscriber_id"`
	SubscriberNumber    string   `json:"subscriber_number"`
	SubscriberName      string   `json:"subscriber_name"`
	SubscriberAccountID string   `json:"subscriber_account_id"`
	RemoteNumber        string   `json:"remote_number"`
	RemoteName          string   `json:"remote_name"`
	CallID              string   `json:"call_id"`
	SequenceNumber      string   `json:"sequence_number"`
	Direction           string   `json:"direction"`
	State               string   `json:"state"`
	Timestamp           int64    `json:"timestamp"`
	EventID             string   `json:"event_id"`
	Type                string   `json:"type"`
	Phase               string   `json:"phase"`
	Cause               string   `json:"cause"`
	ReleasingParty      string   `json:"releasing_party"`
	RemoteHeld          bool     `json:"remote_held"`
	Synthetic           bool     `json:"synthetic"`
	ProviderCallID      string   `json:"provider_call_id"`
	Replaces            string   `json:"replaces"`
	Capabilities        []string `json:"capabilities"`
	SessionID           string   `json:"session_id"`
	ClientRef           string   `json:"client_ref"`
}

// bodyEvent is a notification as Step leaves it, and its body for encoding/json.
type bodyEvent struct {
	event engine.Notification
	id    string
	at    time.Time
	std   stdBody
}

// newBodyEvent has a call answered.
func newBodyEvent() (*bodyEvent, error) {
	profile := busy.Profile(4711)
	sub, out := &engine.Subscriber{}, &engine.Effects{}
	ring := engine.Fact{
		ProviderID: "callhalf-12345678901:0", TrackingID: "1234567:1", Status: engine.StatusAlerting, Personality: engine.Terminator,
		RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC",
	}
	talk := ring
	talk.Status = engine.StatusActive
	at := time.UnixMilli(1700000000123)
	for _, in := range []engine.Input{
		{Profile: &profile}, {Link: busy.App(0)},
		{Event: &engine.Event{Kind: engine.EventReceived, Facts: []engine.Fact{ring}}},
		{Event: &engine.Event{Kind: engine.EventAnswered, Facts: []engine.Fact{talk}}},
	} {
		out.Reset()
		in.Entropy = [2]uint64{1, 2}
		if err := engine.Step(sub, &in, at.UnixMilli(), out); err != nil {
			return nil, err
		}
	}
	if len(out.Emit) != 1 {
		return nil, fmt.Errorf("an answered call is told %d times", len(out.Emit))
	}
	e := &bodyEvent{event: out.Emit[0], at: at}
	e.id = string(e.event.AppendEventID(nil))
	return e, json.Unmarshal(e.append(nil), &e.std)
}

func (e *bodyEvent) append(b []byte) []byte { return e.event.AppendBody(b) }

// stdSigned makes the body with encoding/json and its signature with hmac.New.
func (e *bodyEvent) stdSigned(key []byte) (body []byte, signature string, err error) {
	if body, err = json.Marshal(&e.std); err != nil {
		return nil, "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.id + "." + strconv.FormatInt(e.at.Unix(), 10) + "."))
	mac.Write(body)
	return body, "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// measureBody makes the body of a webhook and signs it. Both ways make the same
// bytes.
func measureBody(ctx context.Context, p figures.Plan) ([]figures.Row, error) {
	e, err := newBodyEvent()
	if err != nil {
		return nil, err
	}
	key, ok := tenant.ParseSecret(bodySecret)
	if !ok {
		return nil, errors.New("the secret is none")
	}
	sign, err := webhook.NewSigner(tenant.Receiver{Secrets: []string{bodySecret}})
	if err != nil {
		return nil, err
	}
	var body, signature []byte
	one := func() {
		body = e.append(body[:0])
		signature = sign.Append(signature[:0], e.id, e.at, body)
	}
	one()
	stdBody, stdSignature, err := e.stdSigned(key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(body, stdBody) || string(signature) != stdSignature {
		return nil, fmt.Errorf("the two ways differ:\n%s %s\n%s %s", body, signature, stdBody, stdSignature)
	}
	const turn = 1000
	row, err := rateBeside(ctx, &p, "webhook body and signature", turn, func() error {
		for range turn {
			one()
		}
		return nil
	}, func() error {
		for range turn {
			if _, _, err := e.stdSigned(key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	row.Suite, row.Unit, row.Beside = "body", "bodies/s", "encoding/json and hmac.New"
	row.Budget = &figures.Budget{AtLeast: true, Limit: 2.5}
	row.Note = fmt.Sprintf("%d bytes, the same in both; one secret", len(body))
	return append([]figures.Row{row}, counts("body", row.Name, 0, 1, one)...), nil
}
