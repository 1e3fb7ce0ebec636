package adminapi

import (
	"slices"

	"github.com/valyala/fasthttp"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// keyView is a key as it is listed; keyCreated as it is shown once.
type keyView struct {
	ID        string         `json:"key_id"`
	Scopes    []tenant.Scope `json:"scopes"`
	CreatedAt int64          `json:"created_at"`
}

type keyCreated struct {
	ID     string         `json:"key_id"`
	APIKey string         `json:"api_key"`
	Scopes []tenant.Scope `json:"scopes"`
}

const maxKeys = 100 // of one app

func (s *Server) createKey(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	scopes, err := readScopes(doc)
	if err != nil {
		return err
	}
	key, text, err := tenant.NewKey(s.config.Random, scopes, s.config.Now())
	if err != nil {
		return err
	}
	was, err := s.app(ctx)
	if err != nil {
		return err
	}
	_, err = s.changeApp(was.ID, func(a *tenant.App) error {
		if len(a.Keys) >= maxKeys {
			return problem.Invalid("app_id", "the app has 100 keys; delete one first")
		}
		a.Keys = append(slices.Clone(a.Keys), key)
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusCreated, keyCreated{ID: key.ID, APIKey: text, Scopes: key.Scopes})
}

// readScopes reads what a key may do; everything, if the body does not say.
func readScopes(doc web.Object) ([]tenant.Scope, error) {
	all := []tenant.Scope{tenant.ScopeRead, tenant.ScopeControl}
	if !doc.Has("scopes") {
		return all, nil
	}
	names, err := doc.Texts("scopes")
	if err != nil {
		return nil, err
	}
	var scopes []tenant.Scope
	for _, n := range names {
		if !slices.Contains(all, tenant.Scope(n)) {
			return nil, problem.Invalid("scopes", "must be of calls:read and calls:control")
		}
		if !slices.Contains(scopes, tenant.Scope(n)) {
			scopes = append(scopes, tenant.Scope(n))
		}
	}
	if len(scopes) == 0 {
		return nil, problem.Invalid("scopes", "must name at least one")
	}
	return scopes, nil
}

func (s *Server) deleteKey(ctx *fasthttp.RequestCtx) error {
	id, err := web.Param(ctx, "key_id")
	if err != nil {
		return err
	}
	was, err := s.app(ctx)
	if err != nil {
		return err
	}
	_, err = s.changeApp(was.ID, func(a *tenant.App) error {
		had := len(a.Keys)
		a.Keys = slices.DeleteFunc(slices.Clone(a.Keys), func(k tenant.Key) bool { return k.ID == id })
		if len(a.Keys) == had {
			return problem.NotFound()
		}
		return nil
	})
	if err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
