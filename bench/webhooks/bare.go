package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/bench/busy"
	"offhook/bench/child"
)

// connections is what one endpoint may have under way at most; the bare client
// has as many.
const connections = 64

// message is one webhook, ready to be sent.
type message struct {
	id, stamp, signature string
	body                 []byte
}

// messages are the events that phones would make, signed beforehand.
func messages(streams, events int) ([]message, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return nil, err
	}
	phones := make([]*phone, streams)
	now := time.Now()
	stamp := strconv.FormatInt(now.Unix(), 10)
	for i := range phones {
		phones[i] = newPhone(busy.App(0), i)
		if err := phones[i].provision(now.UnixMilli()); err != nil {
			return nil, err
		}
	}
	list := make([]message, events)
	for i := range list {
		p := phones[i%streams]
		if err := p.next(now.UnixMilli()); err != nil {
			return nil, err
		}
		n := &p.out.Emit[0]
		n.Write()
		m := message{id: n.EventID, stamp: stamp, body: n.Body}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", m.id, m.stamp, m.body)
		m.signature = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		list[i] = m
	}
	return list, nil
}

// bare measures what fasthttp's client reaches with the same requests: no
// store, no order, no signing, nothing kept. It returns events a second.
func bare(ctx context.Context, k *keeper, streams, events int) (rate float64, err error) {
	l, err := k.open(ctx, streams, false)
	if err != nil {
		return 0, err
	}
	defer func() { err = closed(err, l.close(context.WithoutCancel(ctx))) }()
	list, err := messages(streams, events)
	if err != nil {
		return 0, err
	}
	hc := &fasthttp.HostClient{
		Addr: k.addr.Hooks, MaxConns: connections, MaxIdemponentCallAttempts: 1, NoDefaultUserAgentHeader: true,
		ReadTimeout: child.Patience, WriteTimeout: child.Patience,
		Dial: dial,
	}
	defer hc.CloseIdleConnections()
	rest()
	began := time.Now()
	if err := sendAll(ctx, hc, l.url(), list); err != nil {
		return 0, err
	}
	if err := l.wait(ctx, events); err != nil {
		return 0, err
	}
	p, err := l.turn(ctx)
	if err != nil {
		return 0, err
	}
	return perSecond(p.Arrivals, began), p.check()
}

// dial replaces fasthttp's own, which keeps a goroutine for its cache of names.
func dial(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }

func sendAll(ctx context.Context, hc *fasthttp.HostClient, url string, list []message) error {
	var (
		next atomic.Int64
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for range connections {
		wg.Go(func() {
			var req fasthttp.Request
			var resp fasthttp.Response
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(list)) {
					return
				}
				if err := send(hc, &req, &resp, url, &list[i]); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

func send(hc *fasthttp.HostClient, req *fasthttp.Request, resp *fasthttp.Response, url string, m *message) error {
	req.Reset()
	req.SetRequestURI(url)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetUserAgent("offhook/bench")
	req.Header.SetContentType("application/json")
	req.Header.Set("webhook-id", m.id)
	req.Header.Set("webhook-timestamp", m.stamp)
	req.Header.Set("webhook-signature", m.signature)
	req.SetBodyRaw(m.body)
	if err := hc.Do(req, resp); err != nil {
		return fmt.Errorf("bare client: %w", err)
	}
	if status := resp.StatusCode(); status != fasthttp.StatusOK {
		return fmt.Errorf("bare client: answered %d", status)
	}
	return nil
}
