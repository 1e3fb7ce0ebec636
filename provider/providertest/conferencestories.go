package providertest

import (
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// conference is the last that was told of the user's conference.
func (s *story) conference() (is *engine.ConferenceFact) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		if h.user == s.User && h.ev.Kind == engine.EventConference {
			is = h.ev.Conference
		}
	}
	return is
}

// people are the participants by their calls.
func people(is *engine.ConferenceFact) map[string]engine.ParticipantFact {
	all := map[string]engine.ParticipantFact{}
	for _, p := range is.Participants {
		all[p.ProviderID] = p
	}
	return all
}

func confers(s *story) {
	s.needs(engine.VerbConference)
	first := s.talk()
	s.ask(engine.VerbHold, s.User, first)
	second := s.talk()
	s.does(engine.Ask{Verb: engine.VerbConference, ProviderID: first, With: []string{second}})
	both := map[string]engine.ParticipantFact{first: {ProviderID: first}, second: {ProviderID: second}}
	require.NotNil(s, s.conference())
	require.False(s, s.conference().Over)
	require.Equal(s, both, people(s.conference()))
	for id := range both {
		require.Equal(s, engine.StatusActive, s.lastFact(s.User, id).Status, "held calls are taken back")
	}

	for _, step := range []struct {
		verb engine.Verb
		want engine.ParticipantFact
	}{
		{engine.VerbMute, engine.ParticipantFact{ProviderID: first, Muted: true}},
		{engine.VerbDeaf, engine.ParticipantFact{ProviderID: first, Muted: true, Deaf: true}},
		{engine.VerbUnmute, engine.ParticipantFact{ProviderID: first, Deaf: true}},
		{engine.VerbUndeaf, engine.ParticipantFact{ProviderID: first}},
	} {
		s.needs(step.verb)
		s.does(engine.Ask{Verb: step.verb, ProviderID: first})
		require.Equal(s, step.want, people(s.conference())[first], "%s", step.verb)
	}

	out := s.does(engine.Ask{Verb: engine.VerbReadBack, ProviderID: first, Read: true})
	require.NotNil(s, out.Conference)
	require.Equal(s, both, people(out.Conference), "a read-back agrees with the events")
	require.Nil(s, s.does(engine.Ask{Verb: engine.VerbReadBack, ProviderID: first}).Conference, "it was not asked for")
	require.Equal(s, both, people(s.conferencePicture()), "so does a snapshot")

	s.needs(engine.VerbEndConference)
	s.does(engine.Ask{Verb: engine.VerbEndConference})
	require.True(s, s.conference().Over)
	require.Empty(s, live(s.picture(s.User)), "and with it the calls in it")
	require.True(s, s.does(engine.Ask{Verb: engine.VerbReadBack, Read: true}).Conference.Over)
}

// conferencePicture compares the user and returns the conference it is in: from
// the answer, or from the snapshot that it promised.
func (s *story) conferencePicture() *engine.ConferenceFact {
	s.Helper()
	out := s.ask(engine.VerbSnapshot, s.User, "")
	require.Equal(s, engine.OutcomeAccepted, out.Kind, out.Detail)
	if !out.Snapshot.Coming {
		require.NotNil(s, out.Snapshot.Conference)
		return out.Snapshot.Conference
	}
	s.wait(settle)
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	var is *engine.ConferenceFact
	for _, h := range s.sink.heard {
		if h.user == s.User && h.ev.Kind == engine.EventSnapshot {
			is = h.ev.Conference
		}
	}
	require.NotNil(s, is)
	return is
}

func confersAtThePhones(s *story) {
	s.needs(engine.VerbConference)
	first, second, third := s.talk(), "", ""
	s.ask(engine.VerbHold, s.User, first)
	second = s.talk()
	s.ask(engine.VerbHold, s.User, second)
	third = s.talk()
	s.does(engine.Ask{Verb: engine.VerbConference, ProviderID: first, With: []string{second, third}})
	s.RemoteHangUp(third)
	s.wait(settle)
	require.Equal(s, map[string]engine.ParticipantFact{first: {ProviderID: first}, second: {ProviderID: second}}, people(s.conference()), "one left")
	s.RemoteHangUp(second)
	s.RemoteHangUp(first)
	s.wait(settle)
	require.True(s, s.conference().Over)
}
