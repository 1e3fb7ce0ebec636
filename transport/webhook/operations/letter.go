package operations

import (
	"encoding/json"
	"strings"

	"offhook/engine"
	"offhook/transport/webhook"
)

// letter is one message: a retry carries the same id and body.
type letter struct {
	id    string
	of    endpoint
	what  webhook.What
	since int64 // of the state it tells
	body  []byte
	tries int
}

// message is the body. There are no URLs in it, no secrets and no numbers.
type message struct {
	EventID       string       `json:"event_id"`
	Type          webhook.What `json:"type"`
	AppID         string       `json:"app_id"`
	AppName       string       `json:"app_name,omitempty"` // for the operator, who knows many
	Webhook       string       `json:"webhook"`
	Since         int64        `json:"since"` // when the state began, ms since the epoch
	Reason        string       `json:"reason"`
	Streams       int          `json:"streams,omitempty"`        // stream.parked: how many
	SubscriberIDs []string     `json:"subscriber_ids,omitempty"` // stream.parked: some of them
	Timestamp     int64        `json:"timestamp"`
}

// maxReason bounds what an app may have written as its own reason.
const maxReason = 200

// write makes a letter of what there is to tell. mu is held.
func (s *Sender) write(d *desk, of endpoint, m message) *letter {
	m.EventID = engine.NewEventID(s.cfg.Random(), s.cfg.Random())
	m.AppID, m.Webhook, m.Timestamp = of.app, of.kind.String(), s.cfg.Now().UnixMilli()
	if len(m.Reason) > maxReason {
		m.Reason = strings.ToValidUTF8(m.Reason[:maxReason], "")
	}
	if a, ok := s.cfg.Tenants.App(of.app); ok && d.app == "" {
		m.AppName = a.Name
	}
	body, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return &letter{id: m.EventID, of: of, what: m.Type, since: m.Since, body: body}
}

func (l *letter) parcel(app string) *webhook.Parcel {
	return &webhook.Parcel{ID: l.id, Events: []*engine.Notification{{App: app, EventID: l.id, Body: l.body}}}
}
