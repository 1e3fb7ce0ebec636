package httpapi

import (
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// originate places a call. The 201 leaves when the call is durable; events of
// the call leave when the 201 has.
func (s *Server) originate(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.place(ctx, app, engine.VerbOriginate, parseOriginate)
}

// place makes a new call of what parse reads from the body.
func (s *Server) place(ctx *fasthttp.RequestCtx, app *tenant.App, verb engine.Verb, parse func([]byte) (string, *engine.Originate, error)) error {
	if err := web.CheckJSON(ctx); err != nil {
		return err
	}
	subscriber, o, err := parse(ctx.PostBody())
	if err != nil {
		return err
	}
	if o.Key, err = web.IdempotencyKey(ctx); err != nil {
		return err
	}
	info, err := s.linked(app, subscriber)
	if err != nil {
		return err
	}
	if err := s.mayCommand(app, info.Profile.ID); err != nil {
		return err
	}
	o.Dialing = s.dialingOf(info)
	wait, cancel := s.within()
	defer cancel()
	b := s.barrier(ctx)
	reply := s.config.Calls.Do(web.Traced(wait, ctx), info.Profile.ID, engine.Command{Verb: verb, App: app.ID, Originate: o})
	if reply.Err != nil {
		return reply.Err
	}
	b.call = reply.Call.ID
	b.flushAtOnce()

	profile := reply.Profile
	if profile == nil {
		profile = &info.Profile
	}
	if reply.Replay {
		ctx.Response.Header.Set("Idempotency-Replayed", "true")
	}
	ctx.Response.Header.Set(fasthttp.HeaderLocation, web.Path("apps", app.ID, "calls", reply.Call.ID.String()))
	ctx.Response.Header.SetContentType("application/json")
	ctx.SetStatusCode(fasthttp.StatusCreated)
	ctx.SetBody(engine.AppendCall(nil, profile, &reply.Call))
	return nil
}

// parseOriginate reads the body. Its strings are copies.
func parseOriginate(body []byte) (subscriber string, o *engine.Originate, err error) {
	doc, err := web.ParseObject(body)
	if err != nil {
		return "", nil, err
	}
	o = &engine.Originate{}
	err = readAll([]member{
		{"subscriber_id", &subscriber, doc.Required},
		{"subscriber_number", &o.SubscriberNumber, doc.Required},
		{"remote_number", &o.RemoteNumber, doc.Required},
		{"subscriber_name", &o.SubscriberName, doc.Text},
		{"remote_name", &o.RemoteName, doc.Text},
		{"client_ref", &o.ClientRef, doc.Text},
	})
	if err != nil {
		return "", nil, err
	}
	fields := []string{engine.Fold(subscriber), o.SubscriberNumber, o.RemoteNumber, o.SubscriberName, o.RemoteName}
	if o.ClientRef != "" { // a body without one has the hash it had before there were any
		fields = append(fields, o.ClientRef)
	}
	o.BodyHash = web.HashOf(fields...)
	return subscriber, o, nil
}

// member is a text of a body, and where it goes.
type member struct {
	name string
	to   *string
	read func(string) (string, error)
}

func readAll(all []member) (err error) {
	for _, m := range all {
		if *m.to, err = m.read(m.name); err != nil {
			return err
		}
	}
	return nil
}

// linked finds a subscriber an app may use.
func (s *Server) linked(app *tenant.App, subscriber string) (*tenant.SubscriberInfo, error) {
	info, ok, err := s.config.Tenants.Subscriber(subscriber)
	if err != nil {
		return nil, err
	}
	if !ok || !slices.Contains(info.Apps, app.ID) {
		return nil, problem.NotFound()
	}
	return info, nil
}

// barrier lifts the hold on a call's events when fasthttp lets go of the
// request: after the response was flushed, or could not be, or the connection
// died. It is in place before the call is, so that nothing that goes wrong in
// between leaves the events held.
type barrier struct {
	ctx   *fasthttp.RequestCtx
	calls Calls
	write time.Duration
	call  engine.CallID // zero for none
}

func (s *Server) barrier(ctx *fasthttp.RequestCtx) *barrier {
	b := &barrier{ctx: ctx, calls: s.config.Calls, write: s.config.WriteTimeout}
	ctx.SetUserValue("barrier", b)
	return b
}

// flushAtOnce makes fasthttp flush this response by itself. It would otherwise
// wait for the responses to requests that were pipelined behind this one, but
// never does when the handler has set a deadline.
func (b *barrier) flushAtOnce() { _ = b.ctx.SetWriteDeadline(time.Now().Add(b.write)) }

func (b *barrier) Close() error {
	if b.call != 0 {
		b.calls.Lift(b.call)
		b.call = 0
	}
	return nil
}
