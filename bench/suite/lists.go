package suite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/bench/busy"
	"offhook/bench/figures"
	"offhook/engine/tenant"
	"offhook/transport/httpapi"
	"offhook/transport/httpapi/web"
)

const listPage = 100 // calls of a page

// measureLists lists an app's live calls, the first page and the whole, over the
// real handler on loopback. The owners have their calls in memory; there is no
// store.
func measureLists(ctx context.Context, p figures.Plan) (rows []figures.Row, err error) {
	for _, n := range []int{10, 10_000, p.Many(1_000_000)} {
		p.Say("lists: %s calls begin", figures.Grouped(n))
		l, err := newLists(ctx, n)
		if err != nil {
			return rows, err
		}
		more, err := l.measure(ctx, &p)
		rows = append(rows, more...)
		if err := errors.Join(err, l.close()); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// lists is an office with live calls, and listeners in front of it.
type lists struct {
	n       int
	office  *busy.Office
	journal *instant
	api     *httpapi.Server
	bare    *fasthttp.Server
	client  http.Client
	key     string
	urls    struct{ api, bare string }
	serving []chan error
}

// reader is an app that may read, and the only one there is.
type reader struct {
	app *tenant.App
	key tenant.Key
}

func (r reader) Key(id string) (*tenant.App, tenant.Key, bool)                         { return r.app, r.key, id == r.key.ID }
func (r reader) Network(string) (*tenant.Network, bool)                                { return nil, false }
func (r reader) Subscriber(string) (*tenant.SubscriberInfo, bool, error)               { return nil, false, nil }
func (r reader) Linked(_, _ string, _ int, _ func(*tenant.SubscriberInfo) error) error { return nil }
func (r reader) Reached(string) ([]string, error)                                      { return nil, nil }

func newLists(ctx context.Context, n int) (*lists, error) {
	l := &lists{n: n, journal: newInstant()}
	l.office = busy.Without(l.journal, l.journal)
	if err := errors.Join(l.office.Start(ctx), l.office.Advance(ctx, 0, n, 1, inboxCallers)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	key, text, err := tenant.NewKey(rand.Reader, []tenant.Scope{tenant.ScopeRead}, time.Now())
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.key = text
	none := web.Rate{PerSecond: -1}
	l.api, err = httpapi.New(httpapi.Config{
		Calls: l.office.Directory, Tenants: reader{&tenant.App{ID: busy.App(0), Keys: []tenant.Key{key}}, key},
		PerKey: none, PerApp: none, PerAddress: none,
	})
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	l.bare = &fasthttp.Server{Handler: bareList, NoDefaultServerHeader: true}
	if err := errors.Join(l.serve(&l.urls.api, l.api.Serve), l.serve(&l.urls.bare, l.bare.Serve)); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func (l *lists) serve(url *string, serve func(net.Listener) error) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	*url = "http://" + ln.Addr().String()
	done := make(chan error, 1)
	l.serving = append(l.serving, done)
	go func() { done <- serve(ln) }()
	return nil
}

func (l *lists) close() error {
	var errs []error
	l.client.CloseIdleConnections()
	if len(l.serving) > 0 {
		errs = append(errs, l.api.Shutdown(context.Background()))
	}
	if len(l.serving) > 1 {
		errs = append(errs, l.bare.Shutdown())
	}
	for _, done := range l.serving {
		errs = append(errs, <-done)
	}
	errs = append(errs, l.office.Close())
	l.journal.close()
	return errors.Join(errs...)
}

func (l *lists) get(ctx context.Context, url string, read func(io.Reader) error) (link string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+l.key)
	resp, err := l.client.Do(req) // #nosec G704 -- a listener of our own
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: status %d", url, resp.StatusCode)
	}
	return resp.Header.Get("Link"), read(resp.Body)
}

func (l *lists) measure(ctx context.Context, p *figures.Plan) (rows []figures.Row, err error) {
	whole := "/apps/" + busy.App(0) + "/calls"
	for _, list := range []struct {
		name, path string
		calls      int
	}{
		{fmt.Sprintf("first %d of %s live calls", min(listPage, l.n), figures.Grouped(l.n)), fmt.Sprintf("%s?limit=%d", whole, listPage), min(listPage, l.n)},
		{fmt.Sprintf("all of %s live calls", figures.Grouped(l.n)), whole, l.n},
	} {
		size, err := l.check(ctx, l.urls.api+list.path, list.calls)
		if err != nil {
			return rows, err
		}
		row := figures.Row{
			Suite: "lists", Name: list.name, Unit: ms, Beside: "bare fasthttp, as many bytes",
			Note:  "median of the requests of a round, one after the other; the calls are in memory, all of one app",
			Point: &figures.Point{Plot: "list of live calls", Line: "whole", Axis: "live calls", X: float64(l.n), Log: true},
		}
		if list.path != whole {
			row.Point.Line = "first page"
		}
		measure := func(of *[]float64, url string) func(int) error {
			return func(run int) error {
				rest()
				took, err := l.round(ctx, p.Round, url, size)
				*of = append(*of, took)
				p.Say("lists, %s, run %d of %d: %.3f ms from %s", list.name, run+1, p.Runs, took, url)
				return err
			}
		}
		err = figures.Turns(p.Runs, measure(&row.Ours, l.urls.api+list.path), measure(&row.Base, fmt.Sprintf("%s/?bytes=%d", l.urls.bare, size)))
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// round asks for a list again and again; each answer has to have its size.
func (l *lists) round(ctx context.Context, length time.Duration, url string, size int64) (p50 float64, err error) {
	var took []float64
	for end := time.Now().Add(length); len(took) == 0 || time.Now().Before(end); {
		began := time.Now()
		_, err := l.get(ctx, url, func(r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			if err == nil && n != size {
				err = fmt.Errorf("%s: %d bytes instead of %d", url, n, size)
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		took = append(took, time.Since(began).Seconds()*1e3)
	}
	return figures.Quantile(took, 0.5), nil
}
