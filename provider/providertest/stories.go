package providertest

import (
	"context"
	"slices"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func originates(s *story) {
	out := s.ask(engine.VerbOriginate, s.User, "")
	require.Equal(s, engine.OutcomeAccepted, out.Kind, out.Detail)
	require.NotEmpty(s, out.Fact.ProviderID)
	require.Equal(s, 1, s.Dials())
	s.wait(settle)
	require.Equal(s, []engine.Status{engine.StatusAlerting}, s.statuses(s.User, out.Fact.ProviderID), "the own phone rings")
	s.Lift(out.Fact.ProviderID)
	s.wait(settle)
	got := s.statuses(s.User, out.Fact.ProviderID)
	require.Equal(s, []engine.Status{engine.StatusAlerting, engine.StatusActive}, got, "it rings, then somebody answers")
	require.Equal(s, s.Number, s.lastNumber())

	id := s.liveID(s.User)
	require.Equal(s, engine.OutcomeAccepted, s.ask(engine.VerbEnd, s.User, id).Kind)
	s.wait(settle)
	got = s.statuses(s.User, id)
	require.Equal(s, engine.StatusReleased, got[len(got)-1])
	require.Empty(s, live(s.picture(s.User)))
	require.Equal(s, 1, s.Dials(), "one call for one request")
}

// liveID is the id of the user's only call: it may change when it rings out.
func (s *story) liveID(user string) string {
	calls := live(s.picture(user))
	require.Len(s, calls, 1)
	return calls[0].ProviderID
}

func (s *story) lastNumber() (number string) {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	for _, h := range s.sink.heard {
		for _, f := range h.ev.Facts {
			if f.RemoteNumber != "" {
				number = f.RemoteNumber
			}
		}
	}
	return number
}

func live(facts []engine.Fact) []engine.Fact {
	return slices.DeleteFunc(slices.Clone(facts), func(f engine.Fact) bool {
		return f.Status == engine.StatusDetached || f.Status == engine.StatusReleased || f.Status == engine.StatusIdle
	})
}

func originatesNothing(s *story) {
	out := s.Provider.Ask(s.Context(), engine.Ask{ID: 1, Verb: engine.VerbOriginate, User: "nobody@nowhere.example", Number: s.Number})
	require.Equal(s, engine.OutcomeRefused, out.Kind)
	require.NotContains(s, out.Detail, "nobody", "people read the detail; it names nobody")
	require.Zero(s, s.Dials())
}

func asksTooLate(s *story) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	out := s.Provider.Ask(ctx, engine.Ask{ID: 1, Verb: engine.VerbOriginate, User: s.User, Number: s.Number})
	require.Equal(s, engine.OutcomeNotSent, out.Kind)
	s.wait(settle)
	require.Zero(s, s.Dials())
	require.Equal(s, engine.OutcomeNotSent, s.ask(engine.VerbNone, s.User, "").Kind)
}

func commands(s *story) {
	id := s.Ring(s.User)
	s.wait(settle)
	f := s.lastFact(s.User, id)
	require.Equal(s, engine.StatusAlerting, f.Status)
	require.Equal(s, engine.Terminator, f.Personality)
	require.Equal(s, s.Number, f.RemoteNumber)
	want := []engine.Status{engine.StatusAlerting}
	for _, step := range []struct {
		verb   engine.Verb
		status engine.Status
	}{
		{engine.VerbAnswer, engine.StatusActive},
		{engine.VerbHold, engine.StatusHeld},
		{engine.VerbResume, engine.StatusActive},
		{engine.VerbEnd, engine.StatusReleased},
	} {
		out := s.ask(step.verb, s.User, id)
		require.Equal(s, engine.OutcomeAccepted, out.Kind, "%s: %s", step.verb, out.Detail)
		s.wait(settle)
		want = append(want, step.status)
		require.Equal(s, want, s.statuses(s.User, id), step.verb.String())
	}
	f = s.lastFact(s.User, id)
	require.Equal(s, engine.PartyLocal, f.Party, "we ended it")
	require.NotZero(s, f.AnswerTime)
}

func otherHands(s *story) {
	id := s.Ring(s.User)
	s.wait(settle)
	s.Lift(id)
	s.wait(settle)
	s.RemoteHold(id)
	s.wait(settle)
	require.NotContains(s, s.statuses(s.User, id), engine.StatusHeld, "the far end's hold is not ours")
	s.RemoteHangUp(id)
	s.wait(settle)
	f := s.lastFact(s.User, id)
	require.Equal(s, engine.StatusReleased, f.Status)
	require.Equal(s, engine.PartyRemote, f.Party)

	id = s.Ring(s.User)
	s.wait(settle)
	s.Lift(id)
	s.wait(settle)
	s.HangUp(id)
	s.wait(settle)
	require.Equal(s, []engine.Status{engine.StatusAlerting, engine.StatusActive, engine.StatusReleased}, s.statuses(s.User, id))
	require.Equal(s, engine.PartyLocal, s.lastFact(s.User, id).Party, "the subscriber hung up, at the phone")
}

func unknownCall(s *story) {
	id := s.Ring(s.User)
	s.wait(settle)
	s.RemoteHangUp(id)
	s.wait(settle)
	for _, verb := range []engine.Verb{engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd, engine.VerbReadBack} {
		require.Equal(s, engine.OutcomeGone, s.ask(verb, s.User, id).Kind, "%s of a call that ended", verb)
	}
}

func readsBack(s *story) {
	id := s.Ring(s.User)
	s.wait(settle)
	s.ask(engine.VerbAnswer, s.User, id)
	s.wait(settle)
	s.ask(engine.VerbHold, s.User, id)
	s.wait(settle)
	out := s.ask(engine.VerbReadBack, s.User, id)
	require.Equal(s, engine.OutcomeAccepted, out.Kind, out.Detail)
	told := s.lastFact(s.User, id)
	require.Equal(s, engine.StatusHeld, out.Fact.Status)
	require.Equal(s,
		[]any{told.ProviderID, told.TrackingID, told.Personality, told.RemoteNumber, told.RemoteName, told.StartTime, told.AnswerTime},
		[]any{out.Fact.ProviderID, out.Fact.TrackingID, out.Fact.Personality, out.Fact.RemoteNumber, out.Fact.RemoteName, out.Fact.StartTime, out.Fact.AnswerTime})
}

func snapshot(s *story) {
	require.Empty(s, live(s.picture(s.User)))
	first := s.Ring(s.User)
	s.wait(settle)
	s.Lift(first)
	second := s.Ring(s.User)
	s.wait(settle)
	for _, user := range []string{s.User, s.Other} { // nobody follows the other
		var got []string
		for _, f := range live(s.picture(user)) {
			got = append(got, f.ProviderID)
			if user == s.User {
				require.Equal(s, s.lastFact(user, f.ProviderID).Status, f.Status)
			}
		}
		want := []string(nil)
		if user == s.User {
			want = []string{first, second}
		}
		require.ElementsMatch(s, want, got)
	}
}
