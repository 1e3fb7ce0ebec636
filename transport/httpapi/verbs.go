package httpapi

import (
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// order is one thing that can be asked of a call: where, and what.
type order struct {
	method, path string // behind the call's own
	verb         engine.Verb

	// read takes the arguments out of the body, and may choose another verb.
	// It is nil where there are none: the body is not looked at then.
	read func(body []byte, cmd *engine.Command) error
}

// orders are those of a call by itself. What may be asked of it as a
// participant of a conference is in conferences.go.
var orders = []order{
	{"DELETE", "", engine.VerbEnd, nil},
	{"PUT", "/answer", engine.VerbAnswer, nil},
	{"PUT", "/hold", engine.VerbHold, nil},
	{"PUT", "/resume", engine.VerbResume, nil},
	{"PUT", "/decline", engine.VerbDecline, nil},
	{"PUT", "/divert", engine.VerbDivert, readDivert},
	{"PUT", "/transfer", engine.VerbTransfer, readRemoteNumber},
	{"PUT", "/mute-transfer", engine.VerbMuteTransfer, readRemoteNumber},
	{"PUT", "/consult-transfer", engine.VerbConsult, readConsult},
	{"PUT", "/reconnect", engine.VerbReconnect, nil},
	{"PUT", "/park", engine.VerbPark, readPark},
	{"PUT", "/dtmf", engine.VerbDTMF, readDigits},
	{"PUT", "/recording/start", engine.VerbRecord, nil},
	{"PUT", "/recording/pause", engine.VerbPauseRecording, nil},
	{"PUT", "/recording/resume", engine.VerbResumeRecording, nil},
	{"PUT", "/recording/stop", engine.VerbStopRecording, nil},
}

// order handles one of them. The answer leaves when what was asked for is
// durable.
func (s *Server) order(o order) handler {
	return func(ctx *fasthttp.RequestCtx, app *tenant.App) error {
		id, err := callParam(ctx)
		if err != nil {
			return err
		}
		cmd := engine.Command{Verb: o.verb, App: app.ID, Call: id}
		if o.read != nil {
			if err := o.read(ctx.PostBody(), &cmd); err != nil {
				return err
			}
		}
		if _, err := s.command(ctx, app, cmd); err != nil {
			return err
		}
		ctx.SetStatusCode(fasthttp.StatusNoContent)
		return nil
	}
}

// command gives a command to the subscriber whose call it is about.
func (s *Server) command(ctx *fasthttp.RequestCtx, app *tenant.App, cmd engine.Command) (engine.Reply, error) {
	if err := s.mayCommandCall(app, cmd.Call); err != nil {
		return engine.Reply{}, err
	}
	var err error
	if cmd.Dialing, err = s.dialing(app, &cmd); err != nil {
		return engine.Reply{}, err
	}
	wait, cancel := s.within()
	defer cancel()
	reply := s.config.Calls.DoCall(web.Traced(wait, ctx), cmd)
	if reply.Err != nil {
		return reply, reply.Err
	}
	return reply, nil
}

// dialing are the rules for the number of a command, if it has one to dial. A
// call that is not live needs none: it is refused for that.
func (s *Server) dialing(app *tenant.App, cmd *engine.Command) (*engine.Dialing, error) {
	switch cmd.Verb {
	case engine.VerbDivert, engine.VerbTransfer, engine.VerbMuteTransfer:
	default:
		return nil, nil
	}
	subscriber, ok := s.config.Calls.Whose(app.ID, cmd.Call)
	if !ok {
		return nil, nil
	}
	info, err := s.linked(app, subscriber)
	if err != nil {
		return nil, err
	}
	return s.dialingOf(info), nil
}

func (s *Server) dialingOf(info *tenant.SubscriberInfo) *engine.Dialing {
	if n, ok := s.config.Tenants.Network(info.Profile.Network); ok {
		return &n.Dialing
	}
	return nil
}

func callParam(ctx *fasthttp.RequestCtx) (engine.CallID, error) {
	text, err := web.Param(ctx, "call_id")
	if err != nil {
		return 0, err
	}
	id, ok := engine.ParseCallID(text)
	if !ok {
		return 0, problem.NotFound()
	}
	return id, nil
}

func readRemoteNumber(body []byte, cmd *engine.Command) error {
	doc, err := web.ParseObject(body)
	if err != nil {
		return err
	}
	cmd.Number, err = doc.Required("remote_number")
	return err
}

// readDivert reads where a ringing call is to go: to a number or to voicemail.
func readDivert(body []byte, cmd *engine.Command) error {
	doc, err := web.ParseObject(body)
	if err != nil {
		return err
	}
	voicemail, err := doc.Bool("voicemail")
	if err != nil {
		return err
	}
	if !voicemail {
		if cmd.Number, err = doc.Required("remote_number"); err != nil {
			return err
		}
		return nil
	}
	if given(doc, "remote_number") {
		return problem.Invalid("voicemail", "is either this or remote_number")
	}
	cmd.Verb = engine.VerbVoicemail
	return nil
}

// readConsult reads the other call. What is no id is an id that nothing has.
func readConsult(body []byte, cmd *engine.Command) error {
	doc, err := web.ParseObject(body)
	if err != nil {
		return err
	}
	text, err := doc.Required("with_call_id")
	if err != nil {
		return err
	}
	with, ok := engine.ParseCallID(text)
	switch {
	case !ok:
		return problem.NotFound()
	case with == cmd.Call:
		return problem.Invalid("with_call_id", "must be another call")
	}
	cmd.With = []engine.CallID{with}
	return nil
}

// readPark reads where to park: at an extension, where the platform likes in
// the subscriber's group, or, with nothing said, at the subscriber's own extension.
func readPark(body []byte, cmd *engine.Command) error {
	if len(body) == 0 {
		return nil
	}
	doc, err := web.ParseObject(body)
	if err != nil {
		return err
	}
	group, err := doc.Bool("group")
	if err != nil {
		return err
	}
	switch {
	case group && given(doc, "extension"):
		return problem.Invalid("group", "is either this or extension")
	case group:
		cmd.Verb = engine.VerbGroupPark
	case given(doc, "extension"):
		cmd.Number, err = extension(doc)
	}
	return err
}

// given reports whether a member is there and says something.
func given(doc web.Object, name string) bool { return doc.Has(name) && !doc.Null(name) }

// extension is where a call is parked: 2 to 10 digits.
func extension(doc web.Object) (string, error) {
	text, err := doc.Required("extension")
	if err != nil {
		return "", err
	}
	if len(text) < 2 || len(text) > 10 || strings.Trim(text, "0123456789") != "" {
		return "", problem.Invalid("extension", "must be 2 to 10 digits")
	}
	return text, nil
}

// maxDigits is how many tones are sent at once.
const maxDigits = 64

func readDigits(body []byte, cmd *engine.Command) error {
	doc, err := web.ParseObject(body)
	if err != nil {
		return err
	}
	if cmd.Number, err = doc.Required("digits"); err != nil {
		return err
	}
	if len(cmd.Number) > maxDigits || strings.Trim(cmd.Number, "0123456789*#ABCD") != "" {
		return problem.Invalid("digits", "must be 1 to 64 of 0-9, *, #, A-D")
	}
	return nil
}
