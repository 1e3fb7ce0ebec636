package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options are how a client talks. The zero Options are fit for use.
type Options struct {
	// HTTP sends the requests; nil means one with the default transport.
	// Whatever it does with redirects, they are not followed.
	HTTP *http.Client
	// Timeout bounds every request that has an end, waiting for a
	// Retry-After left out; zero means a minute.
	Timeout time.Duration
	// Patience is how long a read waits in all for what is put off; zero
	// means half a minute, negative not at all.
	Patience  time.Duration
	UserAgent string // empty means offhook-client
}

// MaxBody bounds an answer: lists come in pages.
const MaxBody = 16 << 20

// tries is how often a read is asked.
const tries = 4

// link is the way to one listener.
type link struct {
	base    *url.URL
	token   string
	http    *http.Client
	options Options
}

func dial(base, token string, o Options) (*link, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%q is no URL of an offhook; write http://host:port", base)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the key has characters that cannot be sent in a header")
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{}
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.UserAgent == "" {
		o.UserAgent = "offhook-client"
	}
	h := *o.HTTP
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &link{base: u, token: token, http: &h, options: o}, nil
}

// call is one request.
type call struct {
	method, path string // escaped
	query        url.Values
	header       http.Header
	body         any       // JSON; nil for none
	stream       io.Reader // in the place of body: sent as it is read, of that type
	typ          string
	endless      bool // nothing bounds it but its context
}

// do sends a request and reads its answer into out, which may be nil for
// nothing or a *string for text.
func (l *link) do(ctx context.Context, c call, out any) (http.Header, error) {
	deadline := time.Now().Add(l.options.Patience)
	for try := 1; ; try++ {
		header, err := l.once(ctx, c, out)
		var refused *Error
		if c.method != http.MethodGet || try == tries || !errors.As(err, &refused) || !refused.PutOff() {
			return header, err
		}
		wait := max(refused.RetryAfter, time.Second/10)
		if time.Now().Add(wait).After(deadline) {
			return header, err
		}
		if err := sleep(ctx, wait); err != nil {
			return header, errors.Join(refused, err)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *link) once(ctx context.Context, c call, out any) (http.Header, error) {
	if !c.endless {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.options.Timeout)
		defer cancel()
	}
	resp, err := l.send(ctx, c)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case err != nil:
		return resp.Header, fmt.Errorf("%s %s: the answer broke off: %w", c.method, c.path, err)
	case len(text) > MaxBody:
		return resp.Header, fmt.Errorf("%s %s: the answer has more than %d MiB", c.method, c.path, MaxBody>>20)
	}
	if s, ok := out.(*string); ok {
		*s = string(text)
		return resp.Header, nil
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return resp.Header, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return resp.Header, fmt.Errorf("%s %s: the answer is not what the document says; is that an offhook? %w", c.method, c.path, err)
	}
	return resp.Header, nil
}

// send sends a request. Its answer is a good one, or becomes an *Error.
func (l *link) send(ctx context.Context, c call) (*http.Response, error) {
	resp, err := l.raw(ctx, c)
	if err != nil || resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return resp, err
	}
	defer resp.Body.Close()
	return nil, refusal(c.method, c.path, resp)
}

// raw sends a request.
func (l *link) raw(ctx context.Context, c call) (*http.Response, error) {
	at := *l.base
	path := at.EscapedPath() + c.path
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	at.Path, at.RawPath, at.RawQuery = plain, path, c.query.Encode()
	body, typ := c.stream, c.typ
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body, typ = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, c.method, at.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", l.options.UserAgent)
	if l.token != "" {
		req.Header.Set("Authorization", "Bearer "+l.token)
	}
	if typ != "" {
		req.Header.Set("Content-Type", typ)
	}
	return l.http.Do(req)
}

// seg is one segment of a path.
func seg(s string) string { return "/" + url.PathEscape(s) }

// close lets connections go that nobody uses.
func (l *link) close() { l.http.CloseIdleConnections() }

// ready is do for the one answer that says no with a body of its own.
func (l *link) ready(ctx context.Context, c call, out any) error {
	ctx, cancel := context.WithTimeout(ctx, l.options.Timeout)
	defer cancel()
	resp, err := l.raw(ctx, c)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return refusal(c.method, c.path, resp)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, MaxBody)).Decode(out); err != nil {
		return fmt.Errorf("%s %s: the answer is not what the document says; is that an offhook? %w", c.method, c.path, err)
	}
	return nil
}
