package engine

// Cause says why a call was released. The numbers are stored.
//
// A cause is never finer than what the provider gave; its own words stay
// beside it in Call.ProviderCause.
type Cause uint8

// The causes a call can be released with.
const (
	CauseNone           Cause = 0
	CauseNormal         Cause = 1  // it was answered, and it is over
	CauseBusy           Cause = 2  // the far end, or the subscriber, was busy
	CauseNoAnswer       Cause = 3  // it rang and nobody answered
	CauseRejected       Cause = 4  // refused by the one who was called
	CauseUnreachable    Cause = 5  // temporarily unavailable
	CauseInvalidNumber  Cause = 6  // no such number or user
	CauseNetworkFailure Cause = 7  // the network could not do it
	CauseRedirected     Cause = 8  // forwarded or transferred away from this subscriber
	CausePickedUp       Cause = 9  // somebody else picked up the ringing call
	CauseProviderLost   Cause = 10 // the provider no longer knows the call; nobody told us how it ended
	CauseDeprovisioned  Cause = 11 // this app may no longer follow the subscriber; the call itself may go on
	CauseUnknown        Cause = 12
	CauseCancelled      Cause = 13 // the subscriber gave up before the far end answered
	CauseTransferred    Cause = 14 // the subscriber transferred it away
	CauseParked         Cause = 15 // the subscriber parked it
	CauseVoicemail      Cause = 16 // it went to the subscriber's voicemail
)

var causeNames = []string{
	"", "normal", "busy", "no_answer", "rejected", "unreachable", "invalid_number", "network_failure",
	"redirected", "picked_up", "provider_lost", "deprovisioned", "unknown", "cancelled",
	"transferred", "parked", "voicemail",
}

func (c Cause) String() string { return name(causeNames, int(c)) }

// Party says who released a call. The numbers are stored.
type Party uint8

// The releasing parties.
const (
	PartyNone   Party = 0
	PartyLocal  Party = 1 // the subscriber
	PartyRemote Party = 2 // the far end
)

func (p Party) String() string { return name([]string{"", "local", "remote"}, int(p)) }
