package broadworks

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	"offhook/engine"
)

// wire is how a verb is asked for (dossier §1.4): the method, what stands
// behind the path of the call, and the parameter that carries Ask.Number.
type wire struct {
	method, path, number string
	optional             bool // without a number the parameter is left out
}

// commands are the verbs that change one call.
var commands = map[engine.Verb]wire{
	engine.VerbAnswer:          {method: http.MethodPut, path: "/Talk"},
	engine.VerbHold:            {method: http.MethodPut, path: "/Hold"},
	engine.VerbResume:          {method: http.MethodPut, path: "/Talk"},
	engine.VerbEnd:             {method: http.MethodDelete},
	engine.VerbDecline:         {method: http.MethodDelete, path: "?decline=true"},
	engine.VerbDivert:          {method: http.MethodPut, path: "/BlindTransfer", number: "address"},
	engine.VerbVoicemail:       {method: http.MethodPut, path: "/VmTransfer"},
	engine.VerbTransfer:        {method: http.MethodPut, path: "/BlindTransfer", number: "address"},
	engine.VerbMuteTransfer:    {method: http.MethodPut, path: "/MuteTransfer", number: "address"},
	engine.VerbReconnect:       {method: http.MethodPut, path: "/Reconnect"},
	engine.VerbPark:            {method: http.MethodPut, path: "/Park", number: "address", optional: true},
	engine.VerbGroupPark:       {method: http.MethodPut, path: "/GroupCallPark"},
	engine.VerbDTMF:            {method: http.MethodPut, path: "/TransmitDTMF", number: "playdtmf"},
	engine.VerbRecord:          {method: http.MethodPut, path: "/Record"},
	engine.VerbPauseRecording:  {method: http.MethodPut, path: "/PauseRecording"},
	engine.VerbResumeRecording: {method: http.MethodPut, path: "/ResumeRecording"},
	engine.VerbStopRecording:   {method: http.MethodPut, path: "/StopRecording"},
}

// query is the path with the number in it; ok is false for a number that is
// missing.
func (w wire) query(number string) (path string, ok bool) {
	switch {
	case w.number == "":
		return w.path, true
	case number == "":
		return w.path, w.optional
	}
	return w.path + "?" + w.number + "=" + url.QueryEscape(number), true
}

// command asks for a change of a call. It is sent once: a 2xx means that it
// was accepted, and the event that follows is the truth (dossier §1.4).
func (p *Provider) command(ctx context.Context, method, path string) engine.Outcome {
	out, _ := p.once(ctx, request{op: opCommand, method: method, path: path})
	return out
}

// once carries out a command; an answer goes with an outcome that is accepted.
func (p *Provider) once(ctx context.Context, r request) (engine.Outcome, answer) {
	a, err := p.anyXSP(ctx, r)
	if err != nil && a.sent && a.status/100 == 2 {
		err = nil // accepted; only the rest of an empty body got lost
	}
	out, _ := failed(a, err, true)
	return out, a
}

// change asks for what a command is in wire.
func (p *Provider) change(ctx context.Context, ask *engine.Ask, w wire) engine.Outcome {
	path, ok := w.query(ask.Number)
	if !ok {
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "no number was given"}
	}
	out, a := p.once(ctx, request{op: opCommand, method: w.method, path: p.callPath(ask) + path})
	if out.Kind == engine.OutcomeAccepted && (ask.Verb == engine.VerbPark || ask.Verb == engine.VerbGroupPark) {
		out.ParkedAt = parkedAt(a.where)
	}
	return out
}

// consult joins the far ends of two calls.
func (p *Provider) consult(ctx context.Context, ask *engine.Ask) engine.Outcome {
	if len(ask.With) != 1 || ask.With[0] == "" {
		return engine.Outcome{Kind: engine.OutcomeNotSent, Detail: "there is no call to join with"}
	}
	return p.command(ctx, http.MethodPut, p.callPath(ask)+"/ConsultTransfer/"+escape(ask.With[0]))
}

// maxWhere is how long a Content-Location is that is looked at.
const maxWhere = 2048

// parkedAt is the extension in the Content-Location of an answer to a park:
// …/Park?address={user}:{extension} (dossier §1.4). Empty when there is none.
func parkedAt(location string) string {
	if len(location) > maxWhere {
		return ""
	}
	_, query, _ := bytes.Cut([]byte(location), []byte("?"))
	values, _ := url.ParseQuery(string(query)) // what can be read of it
	return string(extensionOf([]byte(values.Get("address"))))
}
