package adminapi

import (
	"context"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

type subscriberView struct {
	ID           string   `json:"subscriber_id"`
	Number       string   `json:"subscriber_number"`
	Extension    string   `json:"extension,omitempty"`
	Name         string   `json:"subscriber_name"`
	AccountID    string   `json:"subscriber_account_id"`
	Network      string   `json:"network_id"`
	ProviderUser string   `json:"provider_user_id"`
	Apps         []string `json:"apps"`
	LogID        string   `json:"log_id,omitempty"`

	Provider *standingView `json:"provider_status,omitempty"` // of a subscriber that is looked at by itself
}

func (s *Server) viewSubscriber(info *tenant.SubscriberInfo) subscriberView {
	p := &info.Profile
	logID := ""
	if s.config.LogID != nil {
		logID = s.config.LogID(p.ID)
	}
	return subscriberView{
		ID: p.ID, Number: p.Number, Extension: p.Extension, Name: p.Name, AccountID: p.AccountID,
		Network: p.Network, ProviderUser: p.ProviderUser, Apps: list(info.Apps), LogID: logID,
		Provider: viewStanding(info.Provider),
	}
}

// readProfile reads a subscriber and checks it against its network.
func (s *Server) readProfile(id string, doc web.Object) (engine.Profile, error) {
	p := engine.Profile{ID: id}
	var err error
	for _, f := range []struct {
		name string
		to   *string
		read func(string) (string, error)
	}{
		{"subscriber_number", &p.Number, doc.Required},
		{"network_id", &p.Network, doc.Required},
		{"subscriber_name", &p.Name, doc.Text},
		{"subscriber_account_id", &p.AccountID, doc.Text},
		{"provider_user_id", &p.ProviderUser, doc.Text},
		{"extension", &p.Extension, doc.Text},
	} {
		if *f.to, err = f.read(f.name); err != nil {
			return p, err
		}
	}
	n, ok := s.config.Tenants.Network(p.Network)
	if !ok {
		return p, problem.Invalid("network_id", "there is no such network")
	}
	number, ok := s.config.Normalise(n, p.Number)
	if !ok || !strings.HasPrefix(number, "+") {
		return p, problem.Invalid("subscriber_number", "must be a number in E.164, as in +15125550123")
	}
	p.Number = number
	if len(p.Extension) > 20 || !digits(p.Extension) {
		return p, problem.Invalid("extension", "must be up to 20 digits")
	}
	if p.ProviderUser == "" {
		p.ProviderUser = p.ID
	}
	return p, nil
}

func (s *Server) putSubscriber(ctx *fasthttp.RequestCtx) error {
	id, err := web.Param(ctx, "subscriber_id")
	if err != nil {
		return err
	}
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	if again, err := doc.Text("subscriber_id"); err != nil {
		return err
	} else if doc.Has("subscriber_id") && engine.Fold(again) != engine.Fold(id) {
		return problem.Invalid("subscriber_id", "must be the one of the path, or left out")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, err := s.readProfile(id, doc)
	if err != nil {
		return err
	}
	wait, cancel := s.within()
	defer cancel()
	created, refusal := s.config.Calls.PutProfile(wait, p)
	if refusal != nil {
		return refusal
	}
	info, ok, err := s.config.Tenants.Subscriber(id)
	if err != nil {
		return err
	}
	if !ok { // deleted again meanwhile; it was there
		info = &tenant.SubscriberInfo{Profile: p}
	}
	status := fasthttp.StatusOK
	if created {
		status = fasthttp.StatusCreated
		ctx.Response.Header.Set(fasthttp.HeaderLocation, web.Path("admin", "subscribers", info.Profile.ID))
	}
	return writeJSON(ctx, status, s.viewSubscriber(info))
}

func (s *Server) subscriber(ctx *fasthttp.RequestCtx) (*tenant.SubscriberInfo, error) {
	id, err := web.Param(ctx, "subscriber_id")
	if err != nil {
		return nil, err
	}
	info, ok, err := s.config.Tenants.Subscriber(id)
	if err == nil && !ok {
		err = problem.NotFound()
	}
	return info, err
}

func (s *Server) getSubscriber(ctx *fasthttp.RequestCtx) error {
	info, err := s.subscriber(ctx)
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, s.viewSubscriber(info))
}

func (s *Server) deleteSubscriber(ctx *fasthttp.RequestCtx) error {
	info, err := s.subscriber(ctx)
	if err != nil {
		return err
	}
	wait, cancel := s.within()
	defer cancel()
	if refusal := s.config.Calls.Delete(wait, info.Profile.ID); refusal != nil {
		return refusal
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) listSubscribers(ctx *fasthttp.RequestCtx) error {
	wanted, err := s.sought(ctx)
	if err != nil {
		return err
	}
	all, query := s.config.Tenants.Subscribers, url.Values{}
	if wanted != nil {
		query.Set("q", string(ctx.QueryArgs().Peek("q")))
	}
	if ctx.QueryArgs().Has("app_id") {
		app := string(ctx.QueryArgs().Peek("app_id"))
		if _, there := s.config.Tenants.App(app); !there {
			return problem.Invalid("app_id", "there is no such app")
		}
		query.Set("app_id", app)
		all = func(after string, limit int, fn func(*tenant.SubscriberInfo) error) error {
			return s.config.Tenants.Linked(app, after, limit, fn)
		}
	}
	path := "/admin/subscribers"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return web.WriteList(ctx, path, func(after string, limit int, item func([]byte)) (string, error) {
		look := limit
		if wanted != nil {
			look = mostSought
		}
		n, found, last, next := 0, 0, "", ""
		// One more than is wanted, to know whether there is a next page.
		err := all(after, look+1, func(info *tenant.SubscriberInfo) error {
			if n++; next != "" {
				return nil
			}
			if fits := wanted == nil || wanted(info); n > look || fits && found == limit {
				next = last
				return nil
			} else if last = engine.Fold(info.Profile.ID); !fits {
				return nil
			}
			found++
			b, err := encode(s.viewSubscriber(info))
			if err == nil {
				item(b)
			}
			return err
		})
		return next, err
	})
}

// link lets an app follow a subscriber. That it may already is no error.
func (s *Server) link(ctx *fasthttp.RequestCtx) error { return s.linking(ctx, s.config.Calls.Link) }

func (s *Server) unlink(ctx *fasthttp.RequestCtx) error { return s.linking(ctx, s.config.Calls.Unlink) }

func (s *Server) linking(ctx *fasthttp.RequestCtx, do func(ctx context.Context, app, subscriber string) *engine.Error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, err := s.app(ctx)
	if err != nil {
		return err
	}
	info, err := s.subscriber(ctx)
	if err != nil {
		return err
	}
	wait, cancel := s.within()
	defer cancel()
	if refusal := do(wait, a.ID, info.Profile.ID); refusal != nil {
		return refusal
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
