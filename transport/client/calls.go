package client

// Call is one subscriber's side of a conversation.
type Call struct {
	SubscriberID     string `json:"subscriber_id"`
	SubscriberNumber string `json:"subscriber_number"`
	RemoteNumber     string `json:"remote_number"`
	SubscriberName   string `json:"subscriber_name"`
	RemoteName       string `json:"remote_name"`
	CallID           string `json:"call_id"`
	Direction        string `json:"direction"` // incoming, outgoing
	State            string `json:"state"`     // ringing, active, held, released
	CreatedAt        int64  `json:"created_at"`
	AnsweredAt       int64  `json:"answered_at,omitempty"`
	HeldAt           int64  `json:"held_at,omitempty"`
	ReleasedAt       int64  `json:"released_at,omitempty"`
	Detail
}

// Detail is what calls and their events have in common. Times are
// milliseconds.
type Detail struct {
	Phase          string      `json:"phase"`
	Cause          string      `json:"cause"`           // once it is released
	ReleasingParty string      `json:"releasing_party"` // local, remote
	RemoteHeld     bool        `json:"remote_held"`
	Synthetic      bool        `json:"synthetic"` // not told by the platform, but concluded
	ProviderCallID string      `json:"provider_call_id"`
	Replaces       string      `json:"replaces"`
	Capabilities   []string    `json:"capabilities"` // the verbs it takes now
	SessionID      string      `json:"session_id"`
	ClientRef      string      `json:"client_ref"`
	ReplacedBy     string      `json:"replaced_by,omitempty"`
	Diversion      []Diversion `json:"diversion,omitempty"`
	RedirectedTo   string      `json:"redirected_to,omitempty"`
	ParkedAt       string      `json:"parked_at,omitempty"`
	Recall         string      `json:"recall,omitempty"`
	Recording      string      `json:"recording,omitempty"`
	ConferenceID   string      `json:"conference_id,omitempty"`
	Muted          *bool       `json:"muted,omitempty"` // these two only in a conference
	Deaf           *bool       `json:"deaf,omitempty"`
	Answered       *bool       `json:"answered,omitempty"` // these four only once it is released
	RingMS         *int64      `json:"ring_ms,omitempty"`
	TalkMS         *int64      `json:"talk_ms,omitempty"`
	HeldMS         *int64      `json:"held_ms,omitempty"`
}

// Diversion is where a call came by.
type Diversion struct {
	RemoteNumber string `json:"remote_number"`
	RemoteName   string `json:"remote_name"`
	Reason       string `json:"reason"`
}

// NewCall is a call to place.
type NewCall struct {
	SubscriberID     string `json:"subscriber_id"`
	SubscriberNumber string `json:"subscriber_number"`
	RemoteNumber     string `json:"remote_number"`
	SubscriberName   string `json:"subscriber_name,omitempty"`
	RemoteName       string `json:"remote_name,omitempty"`
	ClientRef        string `json:"client_ref,omitempty"`
}

// NewRetrieval is a parked call to take back.
type NewRetrieval struct {
	SubscriberID     string `json:"subscriber_id"`
	SubscriberNumber string `json:"subscriber_number"`
	Extension        string `json:"extension"` // where it is parked
	SubscriberName   string `json:"subscriber_name,omitempty"`
	ClientRef        string `json:"client_ref,omitempty"`
}

// Divert is where a ringing call goes: to a number or to voicemail.
type Divert struct {
	RemoteNumber string `json:"remote_number,omitempty"`
	Voicemail    bool   `json:"voicemail,omitempty"`
}

// Transfer is who a call goes to.
type Transfer struct {
	RemoteNumber string `json:"remote_number"`
}

// ConsultTransfer is the call whose far end a call goes to.
type ConsultTransfer struct {
	WithCallID string `json:"with_call_id"`
}

// Park is where a call is parked: at an extension, in the group, or with the
// subscriber itself if both are empty.
type Park struct {
	Extension string `json:"extension,omitempty"`
	Group     bool   `json:"group,omitempty"`
}

// Digits are tones to send.
type Digits struct {
	Digits string `json:"digits"`
}

// Step is one moment of a timeline. Which members it has depends on its Kind:
// fact, command, asked, outcome, reply, transition, event, attempt.
type Step struct {
	At   int64  `json:"at"`
	Kind string `json:"kind"`

	Event            string `json:"event,omitempty"`
	Synthetic        *bool  `json:"synthetic,omitempty"`
	ProviderSequence *int64 `json:"provider_sequence,omitempty"`

	Verb    string  `json:"verb,omitempty"`
	Outcome string  `json:"outcome,omitempty"`
	Code    *string `json:"code,omitempty"`

	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	On   string `json:"on,omitempty"`

	SequenceNumber string  `json:"sequence_number,omitempty"`
	EventID        *string `json:"event_id,omitempty"`

	Webhook    string  `json:"webhook,omitempty"`
	Attempt    int     `json:"attempt,omitempty"`
	Status     any     `json:"status,omitempty"` // of a fact a word, of an attempt the HTTP status
	DurationMS *int64  `json:"duration_ms,omitempty"`
	Error      *string `json:"error,omitempty"`
	Redelivery *bool   `json:"redelivery,omitempty"`
}

// HistoryFilter narrows a call history. Empty members let everything through.
type HistoryFilter struct {
	SubscriberID string
	Direction    string
	Answered     string // true, false
	Cause        string
	From, To     int64 // ms since 1970; when calls were created
}

// Conference is a subscriber's calls that hear one another.
type Conference struct {
	ConferenceID string        `json:"conference_id"`
	SubscriberID string        `json:"subscriber_id"`
	State        string        `json:"state"`
	ClientRef    string        `json:"client_ref"`
	CreatedAt    int64         `json:"created_at"`
	Capabilities []string      `json:"capabilities"`
	Participants []Participant `json:"participants"`
}

// Participant is one call of a conference.
type Participant struct {
	CallID       string   `json:"call_id"`
	RemoteNumber string   `json:"remote_number"`
	RemoteName   string   `json:"remote_name"`
	Muted        bool     `json:"muted"`
	Deaf         bool     `json:"deaf"`
	Capabilities []string `json:"capabilities"`
}

// NewConference is a conference to start.
type NewConference struct {
	CallIDs   []string `json:"call_ids"`
	ClientRef string   `json:"client_ref,omitempty"`
}

// Subscriber is whose calls are followed, as an app sees it.
type Subscriber struct {
	SubscriberID        string `json:"subscriber_id"`
	SubscriberNumber    string `json:"subscriber_number"`
	SubscriberName      string `json:"subscriber_name"`
	SubscriberAccountID string `json:"subscriber_account_id"`
	NetworkID           string `json:"network_id"`
}

// AppNetwork is a platform, as an app sees it.
type AppNetwork struct {
	NetworkID    string   `json:"network_id"`
	Provider     string   `json:"provider"`
	Capabilities []string `json:"capabilities"`
}
