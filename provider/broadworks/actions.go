package broadworks

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"offhook/engine"
)

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// understand decodes the body of an answer and hands the document to fn,
// which must not keep it. It reports whether there was one.
func (p *Provider) understand(body []byte, fn func(*document)) bool {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.countryCode = p.cfg.CountryCode
	doc, err := d.decode(body)
	if err != nil {
		return false
	}
	fn(doc)
	return true
}

func errorCode(body []byte) (code int64) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	if doc, err := d.decode(body); err == nil && doc.kind == docErrorInfo {
		code = doc.errorCode
	}
	return code
}

// Ask implements provider.Provider.
func (p *Provider) Ask(ctx context.Context, ask engine.Ask) engine.Outcome {
	out := p.carryOut(ctx, &ask)
	out.Ask = ask.ID
	return out
}

func (p *Provider) carryOut(ctx context.Context, ask *engine.Ask) engine.Outcome {
	switch ask.Verb {
	case engine.VerbOriginate:
		return p.originate(ctx, ask)
	case engine.VerbReadBack:
		return p.readBack(ctx, ask)
	case engine.VerbSnapshot:
		return p.snapshot(ctx, ask.User)
	case engine.VerbConsult:
		return p.consult(ctx, ask)
	case engine.VerbConference:
		return p.confer(ctx, ask)
	case engine.VerbMute, engine.VerbUnmute, engine.VerbDeaf, engine.VerbUndeaf:
		return p.command(ctx, http.MethodPut, p.conferencePath(ask.User)+"/"+escape(ask.ProviderID)+conferenceCommands[ask.Verb])
	case engine.VerbEndConference:
		return p.command(ctx, http.MethodDelete, p.conferencePath(ask.User))
	}
	if w, ok := commands[ask.Verb]; ok {
		return p.change(ctx, ask, w)
	}
	return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "this provider has no such request"}
}

func (p *Provider) userPath(user string) string {
	return p.cfg.Network.ActionsPath + "/v2.0/user/" + escape(user)
}

func (p *Provider) callPath(ask *engine.Ask) string {
	return p.userPath(ask.User) + "/calls/" + escape(ask.ProviderID)
}

// escape keeps the @ of user ids and the colon of call ids, as clients do
// (dossier §1.1). Dots alone would climb out of the path.
func escape(id string) string {
	if id == "." || id == ".." {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

// originate places a call. Nothing repeats it: another XSP is only tried when
// the connection to the one before could not even be made.
func (p *Provider) originate(ctx context.Context, ask *engine.Ask) engine.Outcome {
	a, err := p.anyXSP(ctx, request{
		op: opOriginate, method: http.MethodPost, client: p.clients.fresh,
		path: p.userPath(ask.User) + "/calls/new?address=" + url.QueryEscape(ask.Number),
	})
	if out, bad := failed(a, err, false); bad {
		return out
	}
	out := engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "the provider's answer was not understood"}
	p.understand(a.body, func(d *document) {
		if d.kind == docCallStartInfo && !d.calls[0].id.empty() {
			// It carries ids alone; that it rings at the subscriber's own
			// phone is what the platform does next (dossier §1.5).
			out = engine.Outcome{Kind: engine.OutcomeAccepted, Fact: engine.Fact{
				ProviderID:   d.text(d.calls[0].id),
				TrackingID:   d.text(d.calls[0].tracking),
				Status:       engine.StatusAlerting,
				Personality:  engine.ClickToDial,
				RemoteNumber: ask.Number,
			}}
		}
	})
	return out
}

// readBack reads one call as the provider sees it, and the conference where
// that is wanted, or nothing else is.
func (p *Provider) readBack(ctx context.Context, ask *engine.Ask) engine.Outcome {
	if ask.ProviderID == "" && ask.Read {
		out := engine.Outcome{Kind: engine.OutcomeAccepted, Conference: p.readConference(ctx, ask.User, classCommand)}
		if out.Conference == nil {
			out.Kind, out.Detail = engine.OutcomeUnknown, "the provider does not say whether there is a conference"
		}
		return out
	}
	fact, out := p.readCall(ctx, p.callPath(ask), classCommand)
	if out.Kind == engine.OutcomeAccepted {
		out.Fact = fact
	}
	if ask.Read && (out.Kind == engine.OutcomeAccepted || out.Kind == engine.OutcomeGone) {
		out.Conference = p.readConference(ctx, ask.User, classCommand)
	}
	return out
}

func (p *Provider) readCall(ctx context.Context, path string, c class) (fact engine.Fact, out engine.Outcome) {
	a, err := p.read(ctx, path, c)
	if out, bad := failed(a, err, true); bad {
		return fact, out
	}
	out = engine.Outcome{Kind: engine.OutcomeUnknown, Detail: "the provider's answer was not understood"}
	p.understand(a.body, func(d *document) {
		if d.kind == docCall && len(d.calls) == 1 && !d.calls[0].id.empty() {
			fact = d.fact(&d.calls[0], engine.EventOther)
			fact.Diversion, _ = d.stations(&d.calls[0], nil)
			out = engine.Outcome{Kind: engine.OutcomeAccepted}
		}
	})
	return fact, out
}

// read gets a resource; it may, once more, when the first try brought no
// answer or the XSP was at fault.
func (p *Provider) read(ctx context.Context, path string, c class) (answer, error) {
	r := request{op: opRead, method: http.MethodGet, path: path, class: c}
	a, err := p.anyXSP(ctx, r)
	if (err != nil && a.sent || err == nil && a.status >= 500) && ctx.Err() == nil {
		a, err = p.anyXSP(ctx, r)
	}
	return a, err
}
