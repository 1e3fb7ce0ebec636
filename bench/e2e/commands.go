package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/bench/child"
	"offhook/bench/figures"
)

// callers are how many commands are under way at a time.
var callers = []int{1, 64}

// commands measures requests that change a call: hold and resume by turns. A
// command is answered once the platform's event, which confirms it, is durable.
// The baseline answers the same requests and does nothing.
func (s *Suite) commands(ctx context.Context, p *figures.Plan, b *bed) (rows []figures.Row, err error) {
	bare, err := child.Start("bare", b.stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, bare.End()) }()
	baseAddr, err := child.Ask[string](ctx, bare, "Where", 0)
	if err != nil {
		return nil, err
	}
	most := min(callers[len(callers)-1], s.Lines)
	r, err := b.begin(ctx, setting{lines: most})
	if err != nil {
		return nil, err
	}
	defer func() {
		_, endErr := r.end(ctx)
		err = errors.Join(err, endErr)
	}()
	calls, err := r.liveCalls(ctx)
	if err != nil {
		return nil, err
	}
	events := 2 * len(calls) // so far: every call rang and was answered
	for _, n := range callers {
		n = min(n, most)
		name := fmt.Sprintf("hold and resume over HTTP, %d at a time, ", n)
		if n == 1 {
			name = "hold and resume over HTTP, one at a time, "
		}
		rate := figures.Row{Suite: suiteName, Name: name + "rate", Unit: "commands/s", Beside: "bare fasthttp"}
		p50 := figures.Row{Suite: suiteName, Name: name + "p50", Unit: "ms", Beside: "bare fasthttp"}
		p99 := figures.Row{Suite: suiteName, Name: name + "p99", Unit: "ms", Beside: "bare fasthttp"}
		round := func(addr string, rates, medians, highs *[]float64, count *int) error {
			h, perSecond, done, err := command(ctx, addr, r.node, calls[:n], p.Round)
			if err != nil {
				return err
			}
			*rates, *medians, *highs = append(*rates, perSecond), append(*medians, h.ms(50)), append(*highs, h.ms(99))
			if count != nil {
				*count += done
			}
			return nil
		}
		err := figures.Turns(p.Runs, func(int) error {
			if err := round(r.node.said["api"], &rate.Ours, &p50.Ours, &p99.Ours, &events); err != nil {
				return err
			}
			_, err := r.await(ctx, events) // one webhook for each command, in order
			return err
		}, func(int) error { return round(baseAddr, &rate.Base, &p50.Base, &p99.Base, nil) })
		if err != nil {
			return nil, fmt.Errorf("%d at a time: %w", n, err)
		}
		p.Say("%d commands at a time: %.0f/s (bare %.0f/s), p50 %.2f ms (bare %.2f ms)", n,
			figures.Of(rate.Ours).Median, figures.Of(rate.Base).Median, figures.Of(p50.Ours).Median, figures.Of(p50.Base).Median)
		rows = append(rows, rate, p50, p99)
	}
	return rows, nil
}

// liveCalls brings every line to a call that is answered, and returns their ids.
func (r *round) liveCalls(ctx context.Context) ([]string, error) {
	if _, err := child.Ask[int](ctx, r.platform, "Answer", 0); err != nil {
		return nil, err
	}
	if _, err := r.await(ctx, 2*r.lines); err != nil {
		return nil, err
	}
	var list []struct {
		ID    string `json:"call_id"`
		State string `json:"state"`
	}
	if err := r.node.get(ctx, "/calls", &list); err != nil {
		return nil, err
	}
	var calls []string
	for _, c := range list {
		if c.State != "active" {
			return nil, fmt.Errorf("a call is %s and not active", c.State)
		}
		calls = append(calls, c.ID)
	}
	if len(calls) != r.lines {
		return nil, fmt.Errorf("%d calls are live, of %d", len(calls), r.lines)
	}
	return calls, nil
}

// command holds and resumes each call for a time, one request after the other
// for each. The first tenth of the time is left out.
func command(ctx context.Context, addr string, n *node, calls []string, length time.Duration) (h *histogram, perSecond float64, done int, err error) {
	client := &fasthttp.HostClient{Addr: addr, MaxConns: len(calls), MaxIdemponentCallAttempts: 1, ReadTimeout: 10 * time.Second, Dial: dial}
	defer client.CloseIdleConnections()
	began := time.Now()
	from, end := began.Add(length/10), began.Add(length)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	h = newHistogram()
	for _, call := range calls {
		wg.Go(func() {
			took, all, err := turns(ctx, client, n, call, from, end)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			done += all
			for _, ns := range took {
				h.record(ns)
			}
		})
	}
	wg.Wait()
	return h, float64(h.h.TotalCount()) / (length - length/10).Seconds(), done, errors.Join(errs...)
}

// dial replaces fasthttp's own, which keeps a goroutine for its cache of names.
func dial(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }

// turns holds and resumes one call until a time. It ends with a call that is
// active.
func turns(ctx context.Context, client *fasthttp.HostClient, n *node, call string, from, end time.Time) (took []int64, all int, err error) {
	var req fasthttp.Request
	var resp fasthttp.Response
	req.Header.SetMethod(fasthttp.MethodPut)
	req.Header.Set("Authorization", "Bearer "+n.apiKey)
	urls := [...]string{"http://" + client.Addr + "/apps/" + n.app + "/calls/" + call + "/hold", "http://" + client.Addr + "/apps/" + n.app + "/calls/" + call + "/resume"}
	for ; all%2 == 1 || time.Now().Before(end); all++ {
		if ctx.Err() != nil {
			return nil, all, ctx.Err()
		}
		req.SetRequestURI(urls[all%2])
		began := time.Now()
		if err := client.Do(&req, &resp); err != nil {
			return nil, all, err
		}
		now := time.Now()
		if status := resp.StatusCode(); status != fasthttp.StatusNoContent {
			return nil, all, fmt.Errorf("PUT %s: %d %.300s", urls[all%2], status, resp.Body())
		}
		if began.After(from) && now.Before(end) {
			took = append(took, int64(now.Sub(began)))
		}
	}
	return took, all, nil
}
