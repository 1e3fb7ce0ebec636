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
	AppID               string `json:"app_id"`
	SubscriberID        string `json:"subscriber_id"`
	SubscriberNumber    string `json:"subscriber_number"`
	SubscriberName      string `json:"subscriber_name"`
	SubscriberAccountID string `json:"subscriber_account_id"`
	RemoteNumber        string `json:"remote_number"`
	RemoteName          string `json:"remote_name"`
	CallID              string `json:"call_id"`
	SequenceNumber      string `json:"sequence_number"`
	Direction           string `json:"direction"`
	State               string `json:"state"`
	Timestamp           int64  `json:"timestamp"`
	EventID             string `json:"event_id"`
	Type                string `json:"type"`
	Phase               string `json:"phase"`
	Cause               string `json:"cause"`
	ReleasingParty      string `json:"releasing_party"`
	RemoteHeld          bool   `json:"remote_held"`
	Synthetic           bool   `json:"synthetic"`
	ProviderCallID      string `json:"provider_call_id"`
	Replaces            string `json:"replaces"`
}

// bodyEvent is what a body is made of.
type bodyEvent struct {
	app     string
	profile engine.Profile
	call    engine.Call
	seq     uint64
	id      string
	at      time.Time
}

func newBodyEvent() *bodyEvent {
	return &bodyEvent{
		app: busy.App(0), profile: busy.Profile(4711), seq: 42, id: "evt_0123456789abcdefghjkmnpqrs", at: time.UnixMilli(1700000000123),
		call: engine.Call{
			ID: 13467354071, ProviderID: "callhalf-12345678901:0", State: engine.StateActive, Direction: engine.Incoming,
			RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC",
		},
	}
}

func (e *bodyEvent) append(b []byte) []byte {
	return engine.AppendBody(b, e.app, &e.profile, &e.call, e.seq, e.id, e.at.UnixMilli())
}

// std is the same for encoding/json.
func (e *bodyEvent) std() *stdBody {
	p, c := &e.profile, &e.call
	return &stdBody{
		AppID: e.app, SubscriberID: p.ID, SubscriberNumber: p.Number, SubscriberName: p.Name, SubscriberAccountID: p.AccountID,
		RemoteNumber: c.RemoteNumber, RemoteName: c.RemoteName, CallID: c.ID.String(), SequenceNumber: strconv.FormatUint(e.seq, 10),
		Direction: c.Direction.String(), State: c.State.String(), Timestamp: e.at.UnixMilli(), EventID: e.id, Type: "call.state",
		Phase: c.Phase.String(), ReleasingParty: c.Party.String(), RemoteHeld: c.RemoteHeld, Synthetic: c.Synthetic, ProviderCallID: c.ProviderID,
	}
}

// stdSigned makes the body with encoding/json and its signature with hmac.New.
func (e *bodyEvent) stdSigned(key []byte) (body []byte, signature string, err error) {
	if body, err = json.Marshal(e.std()); err != nil {
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
	e := newBodyEvent()
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
