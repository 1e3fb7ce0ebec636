// Package providertest proves that a provider keeps what package provider
// promises. Every adapter runs it over a platform that can be played from the
// other side.
//
// Each story runs in a testing/synctest bubble, so waiting costs nothing:
// whatever the factory makes must live inside of it, its connections too.
package providertest

import (
	"testing"

	"offhook/engine"
	"offhook/provider"
)

// System is a provider under test with the platform behind it. User and Other
// are two users without calls; nobody else uses them.
type System struct {
	Provider    provider.Provider // made with the sink given, not yet running
	User, Other string
	Number      string // the outside: E.164, answers when it is called
	Number2     string // another one there

	// ParkRetrieveCode is dialled before an extension to take a call back that
	// is parked there.
	ParkRetrieveCode string

	// The platform, played from its other side. Each returns at once. The
	// users' phones do nothing by themselves.

	// Ring makes the user's phone ring, called by Number.
	Ring func(user string) (providerID string)
	// RemoteHangUp and RemoteHold are the far end's doing.
	RemoteHangUp func(providerID string)
	RemoteHold   func(providerID string)
	// Lift answers at the user's own phone, HangUp ends the call there.
	Lift, HangUp func(providerID string)
	// AtPhone does at the user's own phone what a verb asks for: VerbPark,
	// VerbRecord, VerbConference, VerbMute. With are the other calls of a conference.
	AtPhone func(verb engine.Verb, providerID string, with ...string)
	// Divert makes the phone of User ring, called by Number at Other's, who is
	// busy.
	Divert func() (providerID string)
	// Cut breaks the event stream; the provider may build it again at once.
	Cut func()
	// Dials is how many calls the platform was asked to place.
	Dials func() int
	// Unacknowledged is how many events the platform still waits for.
	Unacknowledged func() int
}

// Factory makes a system whose provider tells sink.
type Factory func(t *testing.T, sink provider.Sink) *System

// Run runs every story.
func Run(t *testing.T, build Factory) {
	for name, story := range map[string]func(*story){
		"an originate tells its facts in order":         originates,
		"a number nobody can dial is no call":           originatesNothing,
		"a request nobody waits for is not sent":        asksTooLate,
		"answer, hold, resume and end give their facts": commands,
		"what phones and far ends do is told":           otherHands,
		"an unknown call is gone":                       unknownCall,
		"a read-back agrees with the events":            readsBack,
		"a snapshot agrees with the events":             snapshot,
		"unsettled events stay unacknowledged":          acknowledges,
		"only followed users are told":                  follows,
		"what happens while the link is cut is told":    reconnects,
		"a user is followed before it runs and twice":   followsEarly,
		"how a user stands is told":                     standing,
		"what the platform can do is told":              platform,
		"a ringing call is declined":                    declines,
		"a ringing call is diverted":                    diverts,
		"a ringing call goes to voicemail":              divertsToVoicemail,
		"a call is transferred":                         transfers,
		"two calls are joined and left":                 consults,
		"a held call is taken back, all others end":     takesBackOne,
		"a call is parked, and taken back":              parks,
		"digits are sent":                               sendsDigits,
		"a call is recorded":                            records,
		"a call that nobody takes back comes back":      recalls,
		"a call says who was called before":             diverted,
		"recording and conference at the phone":         phonesDo,
		"no verb knows a call that ended":               unknownCallForAll,
		"a conference from first to last":               confers,
		"a conference whose participants leave":         confersAtThePhones,
	} {
		t.Run(name, func(t *testing.T) { tell(t, build, story) })
	}
}
