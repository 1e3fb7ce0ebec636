package httpapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

// retrieve takes a parked call back at a subscriber's phone: a new call, placed
// as any other.
func (s *Server) retrieve(ctx *fasthttp.RequestCtx, app *tenant.App) error {
	return s.place(ctx, app, engine.VerbRetrieve, parseRetrieve)
}

// parseRetrieve reads the body. Its strings are copies.
func parseRetrieve(body []byte) (subscriber string, o *engine.Originate, err error) {
	doc, err := web.ParseObject(body)
	if err != nil {
		return "", nil, err
	}
	o = &engine.Originate{}
	err = readAll([]member{
		{"subscriber_id", &subscriber, doc.Required},
		{"subscriber_number", &o.SubscriberNumber, doc.Required},
		{"subscriber_name", &o.SubscriberName, doc.Text},
		{"client_ref", &o.ClientRef, doc.Text},
	})
	if err != nil {
		return "", nil, err
	}
	if o.Extension, err = extension(doc); err != nil {
		return "", nil, err
	}
	// One more than the fields of any body that dials a number: the same key
	// with such a body is another request.
	o.BodyHash = web.HashOf(engine.Fold(subscriber), o.SubscriberNumber, o.SubscriberName, o.ClientRef, "", "retrieve", o.Extension)
	return subscriber, o, nil
}
