package broadworks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"time"

	"offhook/engine/maybe"
	"offhook/engine/trace"
)

// Operations, as metrics name them.
const (
	opProbe       = "probe"
	opOriginate   = "originate"
	opCommand     = "command"
	opRead        = "read"
	opChannel     = "channel"
	opHeartbeat   = "heartbeat"
	opSubscribe   = "subscribe"
	opRenew       = "renew"
	opUnsubscribe = "unsubscribe"
	opAck         = "ack"
)

var (
	errNoXSP      = errors.New("no XSP is known yet")
	errGateClosed = errors.New("gate closed")
	errRedirect   = errors.New("redirected to a host that is not configured")
	errTooLong    = errors.New("answer too long")
	errDropped    = errors.New("the connection dropped")
)

const (
	maxRedirects  = 3
	maxAnswerHead = 64 << 10
)

// request is one exchange with an XSP.
type request struct {
	op, method, path string
	body             string
	login            string       // Authorization of a probe; empty takes the gate's
	client           *http.Client // nil takes the one for actions
	onLine           bool         // goes over a line of the XSP's and no client
	class            class
	unbounded        bool          // does not wait for a turn
	patience         time.Duration // for the exchange, where it is less than usual
	repeatable       bool          // may be sent to another XSP when one failed with it
}

// answer is what came back.
type answer struct {
	status int
	code   int64  // errorCode of an ErrorInfo
	where  string // Content-Location
	body   []byte
	// sent says that at least part of the request may have left; with an
	// error and sent false nothing happened at the provider.
	sent bool
}

// keepIdle is how long a connection is kept for the next request; XSPs keep
// theirs for 4 s (dossier §3.1).
const keepIdle = 3 * time.Second

// clients are the pools. Commands that must not be repeated get a fresh
// connection each: on a kept one that the server is just closing nobody could
// tell whether it arrived. Acknowledgements have lines.
type clients struct {
	actions, fresh, stream *http.Client

	tls *tls.Config
}

func (c *Config) clients() (clients, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if file := c.Network.CAFile; file != "" {
		pem, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
		if err != nil {
			return clients{}, fmt.Errorf("broadworks: read ca_file: %w", err)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return clients{}, errors.New("broadworks: no certificate in ca_file")
		}
	}
	pool := func(idle int) *http.Client {
		return &http.Client{
			Transport: &http.Transport{
				Proxy:                  nil, // never from the environment
				DialContext:            c.Dial,
				TLSClientConfig:        tlsConfig,
				TLSHandshakeTimeout:    c.Request,
				DisableKeepAlives:      idle == 0,
				DisableCompression:     true,
				MaxIdleConnsPerHost:    idle,
				IdleConnTimeout:        keepIdle,
				MaxResponseHeaderBytes: maxAnswerHead,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return clients{actions: pool(c.InFlight), fresh: pool(0), stream: pool(0), tls: tlsConfig}, nil
}

func (c *clients) close() {
	for _, h := range []*http.Client{c.actions, c.fresh, c.stream} {
		h.CloseIdleConnections()
	}
}

// do sends a request to an XSP, through the gate and when its turn has come,
// and reads the whole answer. A redirect to an XSP that is configured is
// followed by hand, since Go would turn a POST into a GET (dossier §1.2); it
// waits for its turn there too. An error comes with answer.sent.
func (p *Provider) do(ctx context.Context, x *xsp, r request) (answer, error) {
	began := time.Now()
	target := x.origin + r.path
	var a answer
	var err error
	for hop := 0; ; hop++ {
		var location string
		a, location, err = p.turn(ctx, x, &r, target)
		if err != nil || location == "" {
			break
		}
		next, nextURL := p.redirected(x, target, location)
		if next == nil || hop == maxRedirects {
			a, err = answer{}, errRedirect // answered, and not carried out
			break
		}
		x, target = next, nextURL
	}
	p.cfg.Metrics.requested(p.cfg.NetworkID, r.op, outcomeWord(a, err), time.Since(began))
	return a, err
}

// turn waits for the turn of a request and does one exchange.
func (p *Provider) turn(ctx context.Context, x *xsp, r *request, target string) (answer, string, error) {
	if !r.unbounded {
		waited, err := x.limit.enter(ctx, r.class)
		p.cfg.Metrics.queued(p.cfg.NetworkID, r.class, waited, err)
		if err != nil {
			return answer{}, "", err
		}
		defer x.limit.leave()
	}
	if r.login != "" { // a probe
		return p.exchange(ctx, x, r, target, r.login)
	}
	header, version, ok := p.gate.pass()
	if !ok {
		return answer{}, "", errGateClosed
	}
	a, location, err := p.exchange(ctx, x, r, target, header)
	if err == nil && a.status == http.StatusUnauthorized {
		p.refusedLogin(r, version)
	}
	return a, location, err
}

// refusedLogin closes the gate for a 401. One to a heartbeat may say no more
// than that the channel is gone (dossier §1.8), so the probe that settles what
// it means leaves at once; if that is refused too, the next one waits.
func (p *Provider) refusedLogin(r *request, version uint64) {
	if r.op == opHeartbeat {
		p.gate.doubt()
		return
	}
	if p.gate.refuse(version) {
		p.alarmGate()
		p.touch()
	}
}

// redirected resolves where an answer of an XSP points to; nil when it is no XSP
// of ours, which never sees our login.
func (p *Provider) redirected(x *xsp, from, location string) (*xsp, string) {
	base, err := url.Parse(from)
	if err != nil || location == "" {
		return nil, ""
	}
	u, err := base.Parse(location)
	if err != nil {
		return nil, ""
	}
	u.User, u.Fragment = nil, ""
	for _, ours := range p.xsps.Load().all {
		if origin(u) == origin(ours.base) {
			return ours, u.String()
		}
	}
	p.sayForeign(x, u)
	return nil, ""
}

// sayForeign tells the operator of an XSP that is missing in the list, at most
// once a minute.
func (p *Provider) sayForeign(x *xsp, to *url.URL) {
	now, last := p.moment(time.Now()), p.foreign.Load()
	if now-last < int64(time.Minute) && last != 0 || !p.foreign.CompareAndSwap(last, now) {
		return
	}
	host := origin(to)
	p.cfg.Log.Warn("an XSP sends us to a host that is not among the XSPs; it is not followed", "xsp", x.base.Host, "to", host[:min(len(host), 300)])
}

// origin is scheme, host and port in one form: a port may be left out where it
// is the scheme's own.
func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	case u.Scheme == "http":
		port = "80"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// exchange sends a request and reads its answer, in bounded time.
func (p *Provider) exchange(ctx context.Context, x *xsp, r *request, target, header string) (a answer, location string, err error) {
	patience := p.cfg.Request
	if r.patience > 0 {
		patience = min(patience, r.patience)
	}
	if r.onLine {
		return p.exchangeOnLine(ctx, x, r, target, header, time.Now().Add(patience))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	heard := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { a.sent = true }}
	req, err := newRequest(httptrace.WithClientTrace(ctx, heard), r.method, target, r.body)
	if err != nil {
		return answer{}, "", err
	}
	jar := p.jarOf(x, req.URL.Path)
	jar.sign(req, header)
	client := r.client
	if client == nil {
		client = p.clients.actions
	}
	if maybe.Now("broadworks: the connection drops before the request") { // certainly nothing was done
		return answer{}, "", errDropped
	}
	res, err := client.Do(req)
	if err != nil {
		return a, "", err
	}
	defer res.Body.Close()
	// Nobody knows then what was done; a dial request is not repeated.
	if maybe.Now("broadworks: the connection drops before the answer is read") {
		return a, "", errDropped
	}
	jar.learn(res, false)
	a, location, err = p.hear(x, res)
	a.sent = true
	return a, location, err
}

// hear reads what an XSP answered.
func (p *Provider) hear(x *xsp, res *http.Response) (a answer, location string, err error) {
	p.heed(x, res)
	a.status, a.where = res.StatusCode, res.Header.Get("Content-Location")
	a.body, err = io.ReadAll(io.LimitReader(res.Body, int64(p.cfg.MaxDocument)+1))
	if err == nil && len(a.body) > p.cfg.MaxDocument {
		err = errTooLong
	}
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if err == nil {
			location = res.Header.Get("Location")
		}
	}
	if a.status >= 400 {
		a.code = errorCode(a.body)
		err = nil // a refusal is one, whatever became of its prose
	}
	return a, location, err
}

func newRequest(ctx context.Context, method, target, body string) (*http.Request, error) {
	var content io.Reader
	if body != "" {
		content = bytes.NewReader([]byte(body))
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, errors.New("request cannot be written") // the error of net/http quotes the URL
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/xml; charset=UTF-8")
	}
	req.Header.Set("Accept", "application/xml, text/xml")
	req.Header.Set("User-Agent", "offhook")
	if t := trace.From(ctx); t.Set() {
		req.Header.Set("traceparent", t.Parent())
		req.Header.Set("TrackingID", t.String()) // in the platform's own logs (dossier §1.2)
	}
	return req, nil
}

// reasonOf says why a request failed, without the URL that net/http puts into
// its errors: it names users and numbers.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}
