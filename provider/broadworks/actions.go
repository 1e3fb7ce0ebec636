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
	var out engine.Outcome
	switch ask.Verb {
	case engine.VerbOriginate:
		out = p.originate(ctx, &ask)
	case engine.VerbAnswer, engine.VerbResume:
		out = p.command(ctx, http.MethodPut, p.callPath(&ask)+"/Talk")
	case engine.VerbHold:
		out = p.command(ctx, http.MethodPut, p.callPath(&ask)+"/Hold")
	case engine.VerbEnd:
		out = p.command(ctx, http.MethodDelete, p.callPath(&ask))
	case engine.VerbReadBack:
		out = p.readBack(ctx, &ask)
	case engine.VerbSnapshot:
		out = p.snapshot(ctx, ask.User)
	default:
		out = engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "this provider has no such request"}
	}
	out.Ask = ask.ID
	return out
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

// command asks for a change of a call. It is sent once: a 2xx means that it
// was accepted, and the event that follows is the truth (dossier §1.4).
func (p *Provider) command(ctx context.Context, method, path string) engine.Outcome {
	a, err := p.anyXSP(ctx, request{op: opCommand, method: method, path: path})
	if err != nil && a.sent && a.status/100 == 2 {
		err = nil // accepted; only the rest of an empty body got lost
	}
	if out, bad := failed(a, err, true); bad {
		return out
	}
	return engine.Outcome{Kind: engine.OutcomeAccepted}
}

// readBack reads one call as the provider sees it.
func (p *Provider) readBack(ctx context.Context, ask *engine.Ask) engine.Outcome {
	fact, out := p.readCall(ctx, p.callPath(ask), classCommand)
	if out.Kind == engine.OutcomeAccepted {
		out.Fact = fact
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
