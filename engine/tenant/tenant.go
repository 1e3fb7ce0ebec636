// Package tenant holds what is provisioned besides subscribers: the apps that
// may use the API, their keys and webhooks, and the networks calls live on.
//
// It is plain data and the rules that keep it valid: no I/O, no clock. Values
// that were handed out are never changed; a change makes a new value.
package tenant

import (
	"crypto/sha256"

	"offhook/engine"
)

// App is a third party that uses the API for the subscribers linked to it.
type App struct {
	ID   string
	Name string
	Demo bool // made for the simulator; deleted when the simulator is off

	Calls      Receiver // the calls webhook
	Subscriber Receiver // the subscriber webhook
	Operations Receiver // told when one of the two fails, is disabled or recovers
	Challenge  bool     // a webhook is set only after its receiver has answered a signed challenge
	Keys       []Key
	CreatedAt  int64 // ms since the epoch
}

// Receiver is where an app takes one kind of notification, and how. The zero
// Receiver takes none: its events are logged and not queued.
type Receiver struct {
	URL     string
	Secrets []string  // whsec_…, newest first; each of them signs
	Retired []Retired // secrets that were rotated away and still sign for a while

	SigningKey  string    // whsk_…, Ed25519: adds a v1a signature; empty for none
	RetiredKeys []Retired // signing keys that were rotated away and still sign for a while

	Headers  []Header // sent with each attempt, for a receiver's gateway
	Batch    bool     // events of several streams come in one POST, as an array
	Extended bool     // changes of detail, and bodies without a call, are events too
	Filter   engine.Filter

	Since uint64 // index in the log when the webhook was set: what is older is not for it

	Paused   bool     // nothing is sent until a person resumes it; events wait
	Held     []string // subscribers whose streams are paused, folded and sorted
	Disabled string   // why nothing is sent any more (410, or a person's word); empty while enabled
}

// Retired is a secret, or a signing key, on its way out.
type Retired struct {
	Secret string
	Until  int64 // ms since the epoch
}

// Header is an HTTP header a receiver asked for.
type Header struct{ Name, Value string }

// Set reports whether there is a webhook.
func (r Receiver) Set() bool { return r.URL != "" }

// Receiver is the app's webhook of a kind.
func (a *App) Receiver(kind engine.StreamKind) Receiver {
	if kind == engine.StreamSubscriber {
		return a.Subscriber
	}
	return a.Calls
}

// With is a copy of the app with another webhook of a kind.
func (a *App) With(kind engine.StreamKind, r Receiver) *App {
	b := *a
	if kind == engine.StreamSubscriber {
		b.Subscriber = r
	} else {
		b.Calls = r
	}
	return &b
}

// Scope is what a key may do.
type Scope string

// The scopes of design §12.
const (
	ScopeRead    Scope = "calls:read"
	ScopeControl Scope = "calls:control"
)

// Key is an API key as it is kept: never the secret, only its digest.
type Key struct {
	ID        string
	Digest    [sha256.Size]byte // of the whole key text
	Scopes    []Scope
	CreatedAt int64
}

// Allows reports whether the key carries the scope.
func (k Key) Allows(s Scope) bool {
	for _, have := range k.Scopes {
		if have == s {
			return true
		}
	}
	return false
}

// Network is one provider system.
type Network struct {
	ID         string
	Provider   string // "broadworks"
	BroadWorks BroadWorks
	Dialing    engine.Dialing
	Provision  Provisioning
	FromFile   bool // defined by the config file; read-only through the API
}

// BroadWorks is how to reach one BroadWorks platform.
type BroadWorks struct {
	XSPs          []string // base URLs; or SRV names them
	SRV           string
	ActionsPath   string
	EventsPath    string
	ChannelPath   string
	Username      string
	Password      string
	CAFile        string
	ApplicationID string
	Subscribe     string // user | group | enterprise
	Targets       []Target
	Without       []string // capabilities that the platform, or its operator, does not offer; see Capability
	Contact       Contact  // how events come instead of over channels; the zero value for channels
}

// Contact is an HTTP contact: the platform POSTs each event to a listener of
// ours.
type Contact struct {
	Listen         string // address of the listener; empty for none, events come over channels
	PublicURL      string // where the platform finds it; a secret path is put behind
	CertFile       string // PEM; both empty for plain HTTP, behind a proxy
	KeyFile        string
	Allow          []string // CIDRs of those who may connect
	TrustForwarded bool     // they are proxies that name the platform's server in X-Forwarded-For
}

// Target is a group or an enterprise whose events are subscribed to as one.
type Target struct {
	Enterprise      string
	ServiceProvider string
	Group           string
}
