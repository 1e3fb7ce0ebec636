package client

import "encoding/json"

// Webhook is where events of one kind are sent. Those of the kind operations
// have only the first four members.
type Webhook struct {
	Kind             string            `json:"kind"` // calls, subscriber, operations
	URL              string            `json:"url"`
	Secret           string            `json:"secret,omitempty"` // shown once
	Secrets          Secrets           `json:"secrets"`
	Batch            *bool             `json:"batch,omitempty"`
	ExtendedEvents   *bool             `json:"extended_events,omitempty"`
	Filter           *Filter           `json:"filter,omitempty"`
	Headers          map[string]string `json:"headers,omitempty"`
	Signing          string            `json:"signing,omitempty"`
	SigningPublicKey *string           `json:"signing_public_key,omitempty"`
	Paused           *bool             `json:"paused,omitempty"`   // a person's wish
	Disabled         *string           `json:"disabled,omitempty"` // why it was given up
	Delivery         *Delivery         `json:"delivery,omitempty"`
}

// Secrets says how many sign.
type Secrets struct {
	Count         int    `json:"count"`
	RotatingUntil *int64 `json:"rotating_until"`
}

// Filter is what of the calls is sent. A list that is nil lets all through.
type Filter struct {
	Subscribers []string `json:"subscribers,omitempty"`
	States      []string `json:"states,omitempty"`
	Directions  []string `json:"directions,omitempty"`
}

// Delivery is how a webhook is doing.
type Delivery struct {
	Condition           string `json:"condition"`
	WaitingStreams      int    `json:"waiting_streams"`
	ParkedStreams       int    `json:"parked_streams"`
	OldestUndeliveredMS int64  `json:"oldest_undelivered_ms"`
	InFlight            int    `json:"in_flight"`
	Concurrency         int    `json:"concurrency"`
	NextTryAt           *int64 `json:"next_try_at"`
}

// WebhookSettings are a webhook as it is to be, or what of it is to change.
// Nil members are left as they are by a change, and are the defaults otherwise.
type WebhookSettings struct {
	URL            string            `json:"url,omitempty"`
	Batch          *bool             `json:"batch,omitempty"`
	ExtendedEvents *bool             `json:"extended_events,omitempty"`
	Filter         *Filter           `json:"filter,omitempty"`
	Headers        map[string]string `json:"headers,omitempty"`
	Signing        string            `json:"signing,omitempty"` // v1, v1+v1a
	Secret         string            `json:"secret,omitempty"`

	Default []string `json:"-"` // members, as JSON calls them, that a change sets back
}

// MarshalJSON writes null for what is set back.
func (s WebhookSettings) MarshalJSON() ([]byte, error) {
	type plain WebhookSettings
	text, err := json.Marshal(plain(s))
	if err != nil || len(s.Default) == 0 {
		return text, err
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	for _, name := range s.Default {
		members[name] = nil
	}
	return json.Marshal(members)
}

// SecretRotation is how a secret is replaced.
type SecretRotation struct {
	OverlapSeconds *int   `json:"overlap_seconds,omitempty"` // for which the older ones still sign; nil means a day
	Secret         string `json:"secret,omitempty"`          // your own
}

// KeyRotation is how a signing key is replaced.
type KeyRotation struct {
	OverlapSeconds *int `json:"overlap_seconds,omitempty"`
}

// TestResult is what came of a test.
type TestResult struct {
	EventID   string `json:"event_id"`
	Delivered bool   `json:"delivered"`
	Status    int    `json:"status"` // 0 without an answer
	LatencyMS int64  `json:"latency_ms"`
	Error     string `json:"error"`
}

// DeliveryStream is a subscriber with something undelivered.
type DeliveryStream struct {
	SubscriberID   string `json:"subscriber_id"`
	SequenceNumber string `json:"sequence_number"`
	WaitingSince   int64  `json:"waiting_since"`
	Failures       int    `json:"failures"`
	NextTryAt      *int64 `json:"next_try_at"`
	Parked         bool   `json:"parked"`
	Paused         bool   `json:"paused"`
}

// Attempt is one try to deliver.
type Attempt struct {
	SubscriberID   string `json:"subscriber_id"`
	SequenceNumber string `json:"sequence_number"`
	EventID        string `json:"event_id"`
	Attempt        int    `json:"attempt"`
	At             int64  `json:"at"`
	LatencyMS      int64  `json:"latency_ms"`
	Status         int    `json:"status"`
	Error          string `json:"error"` // empty if it was accepted
	Response       string `json:"response,omitempty"`
	NextTryAt      *int64 `json:"next_try_at"`
	Redelivery     bool   `json:"redelivery"`
}

// AttemptFilter narrows a list of attempts.
type AttemptFilter struct {
	SubscriberID   string
	SequenceNumber string
	Failed         bool // those alone
}

// Redelivery is one event to send again.
type Redelivery struct {
	SubscriberID   string `json:"subscriber_id"`
	SequenceNumber string `json:"sequence_number"`
}

// RedeliveryRange are events to send again. Sequence numbers need a
// subscriber; times are ms since 1970.
type RedeliveryRange struct {
	SubscriberID string `json:"subscriber_id,omitempty"`
	FromSequence string `json:"from_sequence,omitempty"`
	ToSequence   string `json:"to_sequence,omitempty"`
	Since        *int64 `json:"since,omitempty"`
	Until        *int64 `json:"until,omitempty"`
}

// RedeliveryTask is how far sending again has come.
type RedeliveryTask struct {
	TaskID         string  `json:"task_id"`
	State          string  `json:"state"` // running, done, canceled
	SubscriberID   *string `json:"subscriber_id"`
	FromSequence   *string `json:"from_sequence"`
	ToSequence     *string `json:"to_sequence"`
	Since          *int64  `json:"since"`
	Until          *int64  `json:"until"`
	Total          int     `json:"total"`
	TotalIsPartial bool    `json:"total_is_partial"`
	Done           int     `json:"done"`
	Delivered      int     `json:"delivered"`
	Failed         int     `json:"failed"`
	CreatedAt      int64   `json:"created_at"`
	UpdatedAt      int64   `json:"updated_at"`
	Error          string  `json:"error"`
}

// MarshalJSON writes the members that a kind has, and those alone.
func (w Webhook) MarshalJSON() ([]byte, error) {
	type plain Webhook
	if w.Delivery == nil {
		return json.Marshal(plain(w))
	}
	return json.Marshal(struct {
		plain
		Filter  *Filter           `json:"filter"`
		Headers map[string]string `json:"headers"`
	}{plain(w), w.Filter, w.Headers})
}
