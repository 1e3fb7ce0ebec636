package adminapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/hookapi"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// hookView is a webhook as it is shown with its app. The secret is, once, when
// it is made.
type hookView struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"`

	Delivery *hookapi.Delivery `json:"delivery,omitempty"` // in a list of apps: a page shows it without a request for each
}

func viewHook(r tenant.Receiver, secret string) *hookView {
	if !r.Set() {
		return nil
	}
	return &hookView{URL: r.URL, Secret: secret}
}

// hookChange is what a body says of a webhook: {"url": …} sets it, null removes
// it, and if it is not there nothing changes.
type hookChange struct {
	url    string
	remove bool
	secret string // for a webhook that has none
	shown  string // the secret, once it is used
}

// readHook reads a webhook member; nil if there is none.
func (s *Server) readHook(doc web.Object, name, app string) (*hookChange, error) {
	switch {
	case !doc.Has(name):
		return nil, nil
	case doc.Null(name):
		return &hookChange{remove: true}, nil
	}
	hook, err := doc.Object(name)
	if err != nil {
		return nil, err
	}
	c := &hookChange{}
	if c.url, err = hook.Long("url", hookapi.MaxURL); err != nil {
		return nil, err
	}
	if wrong := s.config.URLs.Check(app, c.url); wrong != "" {
		return nil, problem.Invalid(name+".url", wrong)
	}
	c.secret, err = tenant.NewSecret(s.config.Random)
	return c, err
}

// apply is a webhook with the change. A URL that is set, again or anew, ends
// that it is disabled; everything else of it stays.
func (c *hookChange) apply(was tenant.Receiver) tenant.Receiver {
	switch {
	case c == nil:
		return was
	case c.remove:
		return tenant.Receiver{}
	}
	was.URL, was.Disabled = c.url, ""
	if c.shown = ""; len(was.Secrets) == 0 {
		was.Secrets, c.shown = []string{c.secret}, c.secret
	}
	return was
}

// show is the secret to show.
func (c *hookChange) show() string {
	if c == nil {
		return ""
	}
	return c.shown
}

// note says in the log what was changed; URLs are often secrets.
func (c *hookChange) note(s *Server, app, kind string) {
	switch {
	case c == nil:
	case c.remove:
		s.config.Log.Info("webhook removed", "app", app, "kind", kind, "by", byAdmin)
	default:
		s.config.Log.Info("webhook set", "app", app, "kind", kind, "by", byAdmin)
	}
}

// byAdmin is who the log names for what is done here.
const byAdmin = "admin"

// webhook lets the operator look after a webhook of an app.
func (s *Server) webhook(r hookapi.Route) web.Handler {
	return func(ctx *fasthttp.RequestCtx) error {
		a, err := s.app(ctx)
		if err != nil {
			return err
		}
		return r.Handler(ctx, hookapi.Caller{App: a, By: byAdmin, Base: web.Path("admin", "apps", a.ID), Context: s.web.Context()})
	}
}
