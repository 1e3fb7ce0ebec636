package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// needs ends a story that the platform has no verbs for.
func (s *story) needs(verbs ...engine.Verb) {
	s.Helper()
	for _, v := range verbs {
		if !s.Provider.Platform().Verbs.Has(v) {
			s.Skipf("the platform has no %s", v)
		}
	}
}

// does asks for something that must be taken, and lets its facts arrive.
func (s *story) does(a engine.Ask) engine.Outcome {
	s.Helper()
	a.ID, a.User = 42, s.User
	out := s.Provider.Ask(s.Context(), a)
	require.EqualValues(s, 42, out.Ask, "the outcome names its ask")
	require.Equal(s, engine.OutcomeAccepted, out.Kind, "%s: %s", a.Verb, out.Detail)
	s.wait(settle)
	return out
}

// talk is an incoming call that was answered at the phone.
func (s *story) talk() (providerID string) {
	id := s.Ring(s.User)
	s.wait(settle)
	s.Lift(id)
	s.wait(settle)
	require.Equal(s, engine.StatusActive, s.lastFact(s.User, id).Status)
	return id
}

// over checks that a call ended, and why.
func (s *story) over(providerID string, cause engine.Cause) engine.Fact {
	s.Helper()
	all := s.statuses(s.User, providerID)
	require.Equal(s, engine.StatusReleased, all[len(all)-1])
	f := s.lastFact(s.User, providerID)
	require.Equal(s, cause, s.causeOf(providerID))
	require.Empty(s, live(s.picture(s.User)))
	return f
}

// causeOf is the last cause that was told of a call.
func (s *story) causeOf(providerID string) (cause engine.Cause) {
	s.eachFact(providerID, func(_ *engine.Event, f *engine.Fact) {
		if f.Cause != engine.CauseNone {
			cause = f.Cause
		}
	})
	return cause
}

// eachFact goes through what the user was told of a call, oldest first.
func (s *story) eachFact(providerID string, fn func(*engine.Event, *engine.Fact)) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		for i := range h.ev.Facts {
			if h.user == s.User && h.ev.Facts[i].ProviderID == providerID {
				fn(h.ev, &h.ev.Facts[i])
			}
		}
	}
}

func platform(s *story) {
	first := s.Provider.Platform()
	require.NotNil(s, first)
	require.Same(s, first, s.Provider.Platform(), "nothing new is known")
	for _, v := range []engine.Verb{engine.VerbNone, engine.VerbGet, engine.VerbList, engine.VerbReadBack, engine.VerbSnapshot, engine.VerbGetConference} {
		require.False(s, first.Verbs.Has(v), "%s is nothing a platform offers or not", v)
	}
	before := *first
	id := s.Ring(s.User)
	s.wait(settle)
	require.Equal(s, s.lastFact(s.User, id).AllowAnswer, s.Provider.Platform().TellsAnswer, "what is said once is known")
	s.Lift(id)
	s.wait(settle)
	s.ask(engine.VerbHold, s.User, id)
	s.wait(settle)
	require.Equal(s, s.lastFact(s.User, id).AllowRetrieve, s.Provider.Platform().TellsRetrieve)
	require.Equal(s, before, *first, "what was handed out is never changed")
	require.Equal(s, before.Verbs, s.Provider.Platform().Verbs)
}

func declines(s *story) {
	s.needs(engine.VerbDecline)
	id := s.Ring(s.User)
	s.wait(settle)
	s.does(engine.Ask{Verb: engine.VerbDecline, ProviderID: id})
	all := s.statuses(s.User, id)
	require.Equal(s, engine.StatusReleased, all[len(all)-1])
	require.NotContains(s, all, engine.StatusActive)
}

func diverts(s *story) {
	s.needs(engine.VerbDivert)
	id := s.Ring(s.User)
	s.wait(settle)
	s.does(engine.Ask{Verb: engine.VerbDivert, ProviderID: id, Number: s.Number2})
	s.over(id, engine.CauseRedirected)
	to := ""
	s.eachFact(id, func(_ *engine.Event, f *engine.Fact) {
		if f.RedirectedTo != "" {
			to = f.RedirectedTo
		}
	})
	require.Equal(s, s.Number2, to)
}

func divertsToVoicemail(s *story) {
	s.needs(engine.VerbVoicemail)
	id := s.Ring(s.User)
	s.wait(settle)
	s.does(engine.Ask{Verb: engine.VerbVoicemail, ProviderID: id})
	s.over(id, engine.CauseVoicemail)
}

func transfers(s *story) {
	for _, verb := range []engine.Verb{engine.VerbTransfer, engine.VerbMuteTransfer} {
		s.needs(verb)
		id := s.talk()
		s.does(engine.Ask{Verb: verb, ProviderID: id, Number: s.Number2})
		s.over(id, engine.CauseTransferred)
	}
}

func consults(s *story) {
	s.needs(engine.VerbConsult)
	first := s.talk()
	s.ask(engine.VerbHold, s.User, first)
	second := s.talk()
	s.does(engine.Ask{Verb: engine.VerbConsult, ProviderID: first, With: []string{second}})
	s.over(first, engine.CauseTransferred)
	s.over(second, engine.CauseTransferred)
}

func takesBackOne(s *story) {
	s.needs(engine.VerbReconnect)
	first := s.talk()
	s.ask(engine.VerbHold, s.User, first)
	second := s.talk()
	s.does(engine.Ask{Verb: engine.VerbReconnect, ProviderID: first})
	require.Equal(s, engine.StatusActive, s.lastFact(s.User, first).Status)
	all := s.statuses(s.User, second)
	require.Equal(s, engine.StatusReleased, all[len(all)-1])
}

func parks(s *story) {
	s.needs(engine.VerbPark)
	for _, verb := range []engine.Verb{engine.VerbPark, engine.VerbGroupPark} {
		if !s.Provider.Platform().Verbs.Has(verb) {
			continue
		}
		id := s.talk()
		out := s.does(engine.Ask{Verb: verb, ProviderID: id})
		require.NotEmpty(s, out.ParkedAt, "%s", verb)
		all := s.statuses(s.User, id)
		require.Equal(s, engine.StatusReleased, all[len(all)-1])

		// The code before the extension takes it back.
		if !s.Provider.Platform().Verbs.Has(engine.VerbRetrieve) {
			continue
		}
		call := s.does(engine.Ask{Verb: engine.VerbOriginate, Number: s.ParkRetrieveCode + out.ParkedAt}).Fact.ProviderID
		s.Lift(call)
		s.wait(settle)
		calls := live(s.picture(s.User))
		require.Len(s, calls, 1)
		require.Equal(s, engine.StatusActive, calls[0].Status)
		require.Equal(s, s.Number, calls[0].RemoteNumber, "who was parked is there again")
		s.does(engine.Ask{Verb: engine.VerbEnd, ProviderID: calls[0].ProviderID})
	}
}

func recalls(s *story) {
	s.needs(engine.VerbPark)
	id := s.talk()
	s.AtPhone(engine.VerbPark, id)
	s.wait(settle)
	all := s.statuses(s.User, id)
	require.Equal(s, engine.StatusReleased, all[len(all)-1], "the phone parked it")
	s.wait(10 * time.Minute) // it rings in the midst of them
	var back []engine.Fact
	s.sink.mu.Lock()
	for _, h := range s.sink.heard {
		if h.user == s.User && h.ev.Kind == engine.EventReceived && h.ev.Facts[0].Recall != engine.RecallNone {
			back = append(back, h.ev.Facts[0])
		}
	}
	s.sink.mu.Unlock()
	require.Len(s, back, 1)
	require.Equal(s, engine.StatusAlerting, back[0].Status)
	require.Equal(s, engine.RecallPark, back[0].Recall)
	require.Equal(s, s.Number, back[0].RemoteNumber)
}

func diverted(s *story) {
	id := s.Divert()
	s.wait(settle)
	var got []engine.Redirection
	s.eachFact(id, func(_ *engine.Event, f *engine.Fact) {
		if f.Diversion != nil {
			got = f.Diversion
		}
	})
	require.Len(s, got, 1)
	require.NotEmpty(s, got[0].Number)
	require.Equal(s, "user_busy", got[0].Reason)
	require.Equal(s, s.Number, s.lastFact(s.User, id).RemoteNumber, "who calls is another matter")
}

func phonesDo(s *story) {
	first := s.talk()
	if s.Provider.Platform().Verbs.Has(engine.VerbRecord) {
		s.AtPhone(engine.VerbRecord, first)
		s.wait(settle)
		require.Equal(s, engine.RecordingStarted, s.lastFact(s.User, first).Recording)
	}
	s.needs(engine.VerbConference)
	s.ask(engine.VerbHold, s.User, first)
	second := s.talk()
	s.AtPhone(engine.VerbConference, first, second)
	s.wait(settle)
	require.Equal(s, map[string]engine.ParticipantFact{first: {ProviderID: first}, second: {ProviderID: second}}, people(s.conference()))
	s.AtPhone(engine.VerbMute, second)
	s.wait(settle)
	require.True(s, people(s.conference())[second].Muted)
}

func sendsDigits(s *story) {
	s.needs(engine.VerbDTMF)
	id := s.talk()
	s.does(engine.Ask{Verb: engine.VerbDTMF, ProviderID: id, Number: "12*#"})
	require.Equal(s, engine.StatusActive, s.lastFact(s.User, id).Status)
}

func records(s *story) {
	s.needs(engine.VerbRecord, engine.VerbPauseRecording, engine.VerbResumeRecording, engine.VerbStopRecording)
	id := s.talk()
	for _, step := range []struct {
		verb engine.Verb
		want engine.Recording
	}{
		{engine.VerbRecord, engine.RecordingStarted},
		{engine.VerbPauseRecording, engine.RecordingPaused},
		{engine.VerbResumeRecording, engine.RecordingStarted},
		{engine.VerbStopRecording, engine.RecordingStopped},
	} {
		s.does(engine.Ask{Verb: step.verb, ProviderID: id})
		got := engine.RecordingUnknown
		s.eachFact(id, func(ev *engine.Event, f *engine.Fact) {
			if ev.Kind == engine.EventRecording {
				got = f.Recording
			}
		})
		require.Equal(s, step.want, got, "%s", step.verb)
	}
	require.Equal(s, engine.StatusActive, s.lastFact(s.User, id).Status, "the call goes on")
}

func unknownCallForAll(s *story) {
	id := s.Ring(s.User)
	s.wait(settle)
	s.RemoteHangUp(id)
	s.wait(settle)
	for v := engine.VerbDecline; v <= engine.VerbUndeaf; v++ {
		if v == engine.VerbRetrieve || !s.Provider.Platform().Verbs.Has(v) {
			continue
		}
		number := s.Number2
		switch v {
		case engine.VerbPark:
			number = ""
		case engine.VerbDTMF:
			number = "1"
		}
		out := s.Provider.Ask(s.Context(), engine.Ask{Verb: v, User: s.User, ProviderID: id, Number: number, With: []string{"nothing"}})
		require.Contains(s, []engine.OutcomeKind{engine.OutcomeGone, engine.OutcomeRefused}, out.Kind, "%s of a call that ended", v)
		require.NotContains(s, out.Detail, s.User)
	}
}
