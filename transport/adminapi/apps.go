package adminapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// appCreated is the only answer that has a key and secrets in it.
type appCreated struct {
	ID         string    `json:"app_id"`
	Name       string    `json:"name"`
	APIKey     string    `json:"api_key"`
	Calls      *hookView `json:"calls_webhook"`
	Subscriber *hookView `json:"subscriber_webhook"`
}

type appView struct {
	ID         string    `json:"app_id"`
	Name       string    `json:"name"`
	Calls      *hookView `json:"calls_webhook"`
	Subscriber *hookView `json:"subscriber_webhook"`
	Challenge  bool      `json:"challenge"`
	Keys       []keyView `json:"keys"`
	CreatedAt  int64     `json:"created_at"`
}

func viewApp(a *tenant.App, callsSecret, subscriberSecret string) appView {
	v := appView{
		ID: a.ID, Name: a.Name, Challenge: a.Challenge, CreatedAt: a.CreatedAt, Keys: []keyView{},
		Calls: viewHook(a.Calls, callsSecret), Subscriber: viewHook(a.Subscriber, subscriberSecret),
	}
	for _, k := range a.Keys {
		v.Keys = append(v.Keys, keyView{ID: k.ID, Scopes: k.Scopes, CreatedAt: k.CreatedAt})
	}
	return v
}

func (s *Server) createApp(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	now := s.config.Now()
	a := &tenant.App{CreatedAt: now.UnixMilli()}
	if a.Name, err = doc.Required("name"); err != nil {
		return err
	}
	if a.ID, err = doc.Text("app_id"); err != nil {
		return err
	}
	if a.ID == "" {
		a.ID = newUUID(s.config.Random)
	}
	if a.Challenge, err = doc.Bool("challenge"); err != nil {
		return err
	}
	created := appCreated{ID: a.ID, Name: a.Name}
	calls, subscriber, err := s.readHooks(doc, a.ID)
	if err != nil {
		return err
	}
	a.Calls, a.Subscriber = calls.apply(a.Calls), subscriber.apply(a.Subscriber)
	key, text, err := tenant.NewKey(s.config.Random, []tenant.Scope{tenant.ScopeRead, tenant.ScopeControl}, now)
	if err != nil {
		return err
	}
	a.Keys, created.APIKey = []tenant.Key{key}, text
	created.Calls, created.Subscriber = viewHook(a.Calls, calls.show()), viewHook(a.Subscriber, subscriber.show())

	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.config.Tenants.App(a.ID); there {
		return &problem.Problem{Code: engine.CodeConflict, Field: "app_id", Detail: "there is an app with this id"}
	}
	if err := s.config.Tenants.PutApp(a); err != nil {
		return err
	}
	calls.note(s, a.ID, "calls")
	subscriber.note(s, a.ID, "subscriber")
	ctx.Response.Header.Set(fasthttp.HeaderLocation, web.Path("admin", "apps", a.ID))
	return writeJSON(ctx, fasthttp.StatusCreated, created)
}

func (s *Server) listApps(ctx *fasthttp.RequestCtx) error {
	apps := s.config.Tenants.Apps()
	return web.WriteList(ctx, "/admin/apps", func(after string, limit int, item func([]byte)) (string, error) {
		i, err := appsAfter(apps, after)
		if err != nil {
			return "", err
		}
		n := min(len(apps), i+limit)
		for ; i < n; i++ {
			b, err := encode(s.viewRunningApp(apps[i]))
			if err != nil {
				return "", err
			}
			item(b)
		}
		if n < len(apps) {
			return fmt.Sprintf("%d/%s", apps[n-1].CreatedAt, apps[n-1].ID), nil
		}
		return "", nil
	})
}

// viewRunningApp is an app and how its webhooks do.
func (s *Server) viewRunningApp(a *tenant.App) appView {
	v := viewApp(a, "", "")
	if s.config.Hooks == nil {
		return v
	}
	if v.Calls != nil {
		v.Calls.Delivery = s.config.Hooks.Delivery(a.ID, engine.StreamCalls, a.Calls)
	}
	if v.Subscriber != nil {
		v.Subscriber.Delivery = s.config.Hooks.Delivery(a.ID, engine.StreamSubscriber, a.Subscriber)
	}
	return v
}

// appsAfter finds the place behind an app that may be gone by now.
func appsAfter(apps []*tenant.App, after string) (int, error) {
	if after == "" {
		return 0, nil
	}
	at, id, ok := strings.Cut(after, "/")
	created, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil {
		return 0, problem.Invalid("after", "must come from the Link of the page before")
	}
	i := slices.IndexFunc(apps, func(a *tenant.App) bool {
		return a.CreatedAt > created || a.CreatedAt == created && a.ID > id
	})
	if i < 0 {
		i = len(apps)
	}
	return i, nil
}

func (s *Server) getApp(ctx *fasthttp.RequestCtx) error {
	a, err := s.app(ctx)
	if err != nil {
		return err
	}
	return writeJSON(ctx, fasthttp.StatusOK, viewApp(a, "", ""))
}

func (s *Server) app(ctx *fasthttp.RequestCtx) (*tenant.App, error) {
	id, err := web.Param(ctx, "app_id")
	if err != nil {
		return nil, err
	}
	a, ok := s.config.Tenants.App(id)
	if !ok {
		return nil, problem.NotFound()
	}
	return a, nil
}

// patchApp changes what the body names. A webhook that is new gets a secret,
// shown in this answer and never again.
func (s *Server) patchApp(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	was, err := s.app(ctx)
	if err != nil {
		return err
	}
	name, challenge := "", false
	if doc.Has("name") {
		if name, err = doc.Required("name"); err != nil {
			return err
		}
	}
	if challenge, err = doc.Bool("challenge"); err != nil {
		return err
	}
	calls, subscriber, err := s.readHooks(doc, was.ID)
	if err != nil {
		return err
	}
	a, err := s.changeApp(was.ID, func(a *tenant.App) error {
		if doc.Has("name") {
			a.Name = name
		}
		if doc.Has("challenge") {
			a.Challenge = challenge
		}
		a.Calls, a.Subscriber = calls.apply(a.Calls), subscriber.apply(a.Subscriber)
		return nil
	})
	if err != nil {
		return err
	}
	calls.note(s, a.ID, "calls")
	subscriber.note(s, a.ID, "subscriber")
	return writeJSON(ctx, fasthttp.StatusOK, viewApp(a, calls.show(), subscriber.show()))
}

func (s *Server) readHooks(doc web.Object, app string) (calls, subscriber *hookChange, err error) {
	if calls, err = s.readHook(doc, "calls_webhook", app); err != nil {
		return nil, nil, err
	}
	subscriber, err = s.readHook(doc, "subscriber_webhook", app)
	return calls, subscriber, err
}

// changeApp changes a part of an app; what others change meanwhile stays. fn
// must not change what slices hold.
func (s *Server) changeApp(id string, fn func(*tenant.App) error) (changed *tenant.App, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.config.Tenants.ChangeApp(id, func(was *tenant.App) (*tenant.App, error) {
		a := *was
		changed = &a
		return changed, fn(changed)
	})
	if err == nil && !found {
		err = problem.NotFound()
	}
	return changed, err
}

// deleteApp takes the keys away first, so that nothing new begins; then ends
// the streams of all subscribers, which may be many; and then, with nobody
// else changing anything, those that were linked meanwhile.
func (s *Server) deleteApp(ctx *fasthttp.RequestCtx) error {
	id, err := s.revoke(ctx)
	if err != nil {
		return err
	}
	if err := s.unlinkAll(s.web.Context(), id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unlinkAll(s.web.Context(), id); err != nil {
		return err
	}
	if err := s.config.Tenants.DeleteApp(id); err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

func (s *Server) revoke(ctx *fasthttp.RequestCtx) (app string, err error) {
	was, err := s.app(ctx)
	if err != nil {
		return "", err
	}
	_, err = s.changeApp(was.ID, func(a *tenant.App) error { a.Keys = nil; return nil })
	return was.ID, err
}

// unlinkAll reads a page before it changes anything: the list it reads is the
// one it shortens.
func (s *Server) unlinkAll(ctx context.Context, app string) error {
	after := ""
	for {
		var page []string
		err := s.config.Tenants.Linked(app, after, 500, func(info *tenant.SubscriberInfo) error {
			page = append(page, info.Profile.ID)
			return nil
		})
		if err != nil || len(page) == 0 {
			return err
		}
		if refusal := s.unlinkPage(ctx, app, page); refusal != nil {
			return refusal
		}
		after = engine.Fold(page[len(page)-1])
	}
}

// unlinkPage unlinks several at a time: each waits for the disk, and they
// share its syncs.
func (s *Server) unlinkPage(ctx context.Context, app string, page []string) error {
	var wg sync.WaitGroup
	var next atomic.Int64
	var failed atomic.Pointer[engine.Error]
	for range bulkWorkers {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(page) {
					return
				}
				if refusal := s.config.Calls.Unlink(ctx, app, page[i]); refusal != nil && refusal.Code != engine.CodeNotFound {
					failed.CompareAndSwap(nil, refusal)
				}
			}
		})
	}
	wg.Wait()
	if refusal := failed.Load(); refusal != nil {
		return refusal
	}
	return nil
}

// newUUID is a random UUID (RFC 9562, version 4).
func newUUID(random io.Reader) string {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		_, _ = rand.Read(b[:]) // never fails
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
