package broadworks

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"offhook/engine"
)

// maxConference is how many calls a conference is asked for with.
const maxConference = 15

func (p *Provider) conferencePath(user string) string { return p.userPath(user) + "/calls/Conference" }

// conferenceCommands change how one call takes part (dossier §1.4).
var conferenceCommands = map[engine.Verb]string{
	engine.VerbMute:   "/Mute",
	engine.VerbUnmute: "/Unmute",
	engine.VerbDeaf:   "/Deaf",
	engine.VerbUndeaf: "/UnDeaf",
}

// confer joins calls. It is sent once, like an originate, on a connection of
// its own: on a kept one nobody could tell whether it arrived.
func (p *Provider) confer(ctx context.Context, ask *engine.Ask) engine.Outcome {
	calls := append([]string{ask.ProviderID}, ask.With...)
	if len(calls) < 2 || len(calls) > maxConference || slices.Contains(calls, "") {
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "a conference has 2 to 15 calls"}
	}
	out, a := p.once(ctx, request{
		op: opCommand, method: http.MethodPost, client: p.clients.fresh,
		path: p.conferencePath(ask.User), body: conferenceBody(calls),
	})
	switch out.Kind {
	case engine.OutcomeAccepted: // with a body or without (dossier §1.4)
		p.understand(a.body, func(d *document) {
			if d.kind == docConference && len(d.conference.participants) > 0 {
				out.Conference = d.conferenceFact()
			}
		})
	case engine.OutcomeGone: // which of the calls is, it does not say
		out.Kind = engine.OutcomeRefused
	}
	return out
}

// conferenceBody is a Conference (dossier §1.6).
func conferenceBody(calls []string) string {
	var b strings.Builder
	b.WriteString(head + `<Conference xmlns="http://schema.broadsoft.com/xsi"><conferenceParticipantList>`)
	for _, id := range calls {
		b.WriteString(`<conferenceParticipant><callId>` + xmlEscaper.Replace(id) + `</callId></conferenceParticipant>`)
	}
	b.WriteString(`</conferenceParticipantList></Conference>`)
	return b.String()
}

// readConference reads the conference of a user; nil when nobody can tell
// whether there is one. That it can be read at all is not sure (dossier §1.4):
// a no to it means that there is none only while every call is said to be in none.
func (p *Provider) readConference(ctx context.Context, user string, c class) *engine.ConferenceFact {
	a, err := p.read(ctx, p.conferencePath(user), c)
	if err == nil && a.final() {
		if list, out := p.listCalls(ctx, user, c); out.Kind == engine.OutcomeAccepted && !slices.ContainsFunc(list, listed.perhapsJoined) {
			return &engine.ConferenceFact{Over: true}
		}
		return nil
	}
	if _, bad := failed(a, err, true); bad {
		return nil
	}
	var is *engine.ConferenceFact
	p.understand(a.body, func(d *document) {
		if d.kind == docConference {
			is = d.conferenceFact()
		}
	})
	return is
}
