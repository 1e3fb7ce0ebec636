package broadworks

import (
	"errors"
	"net/http"
)

// ended is why the platform ended a channel, in its own words.
type ended struct {
	reason string // one of the dossier §3.7, or "other"
	then   then
}

func (e *ended) Error() string { return "the platform ended the channel: " + e.reason }

// then is what is done about a channel that the platform ended.
type then uint8

const (
	thenRebuild then = iota // at once, later and later if it happens again
	thenYield               // leave the set to whoever took it
	thenProbe               // find out whether our login still is one, then rebuild
	thenWait                // somebody wanted it gone: not before a while
	thenAsk                 // we are not allowed one: asked for again, seldom
)

// endings says what each reason means to us. All users are compared when a
// channel is back, whatever it ended for.
var endings = map[string]then{
	// Another channel set of our application id. Two that fight end each
	// other's channels for ever.
	"DuplicateChannelSet": thenYield,
	// The login's own user is gone; to go on with it might lock an account.
	"UserDeleted": thenProbe,
	// We did not acknowledge or send heartbeats in time. The platform is well,
	// so we come back, with growing pauses in case it is us who are not.
	"NonResponsiveChannel": thenRebuild,
	// An operator, or somebody with our login, deleted it. Coming straight back
	// would only make a second person delete it again.
	"ExplicitDelete": thenWait,
	// Our renewals did not get through.
	"Expired": thenRebuild,
	// An XSP lost it, or was told so.
	"UnknownChannel": thenRebuild,
}

func endedFor(reason string) *ended {
	if what, known := endings[reason]; known {
		return &ended{reason, what}
	}
	return &ended{"other", thenRebuild}
}

// afterEnd says what the keeper of a channel does before it builds the next.
func afterEnd(err error) then {
	if e := (*ended)(nil); errors.As(err, &e) {
		return e.then
	}
	if r := (*channelRefused)(nil); errors.As(err, &r) && r.final() {
		return thenAsk
	}
	switch {
	case errors.Is(err, errDuplicate):
		return thenYield
	case errors.Is(err, errElsewhere):
		return thenWait
	}
	return thenRebuild
}

// channelRefused is the platform's answer to a channel it did not open.
type channelRefused struct{ answer }

func (e *channelRefused) Error() string { return "the XSP refuses a channel: " + refusal(e.answer) }

// final reports whether the answer stays the same until somebody at the
// operator's changes something: an application id that is not in the allow-list,
// a login without the right. Accounts are locked for asking too often (dossier
// §1.2). A 404 may be an XSP that is still starting.
func (e *channelRefused) final() bool { return e.answer.final() && e.status != http.StatusNotFound }

var errElsewhere = errors.New("an XSP sends us to another, which has a channel of ours")
