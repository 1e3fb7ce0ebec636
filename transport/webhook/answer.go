package webhook

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

var (
	errNotHTTP  = errors.New("the answer is not HTTP")
	errNoAnswer = errors.New("the connection was closed without an answer")
)

// maxInterim bounds 1xx answers before the real one.
const maxInterim = 8

// readHead reads the head of the answer.
func readHead(r *bufio.Reader) (*fasthttp.Response, error) {
	if _, err := r.Peek(1); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, err
		}
		return nil, errors.Join(errNoAnswer, err)
	}
	resp := fasthttp.AcquireResponse()
	for range maxInterim {
		err := checkStatusLine(r)
		if err == nil {
			err = resp.Header.Read(r)
		}
		if err != nil {
			fasthttp.ReleaseResponse(resp)
			var timeout interface{ Timeout() bool }
			if errors.As(err, &timeout) && timeout.Timeout() {
				return nil, context.DeadlineExceeded
			}
			return nil, errNotHTTP // its words would quote the receiver's
		}
		if status := resp.StatusCode(); status < 100 || status >= 200 || status == fasthttp.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	fasthttp.ReleaseResponse(resp)
	return nil, errNotHTTP
}

// checkStatusLine looks at how an answer begins (RFC 9112 §4): fasthttp takes a
// status of zeroes, and what has none, for 200.
func checkStatusLine(r *bufio.Reader) error {
	const like = "HTTP/d.d sdd"
	line, err := r.Peek(len(like))
	if err != nil {
		return err
	}
	for i, b := range line {
		switch like[i] {
		case 'd':
			if b < '0' || b > '9' {
				return errNotHTTP
			}
		case 's':
			if b < '1' || b > '9' {
				return errNotHTTP
			}
		default:
			if b != like[i] {
				return errNotHTTP
			}
		}
	}
	return nil
}

// Lengths of a body that has no Content-Length, as fasthttp has them.
const (
	chunked  = -1
	toTheEnd = -2
)

// finish reads the body of an answer. It returns up to keep bytes of it, and
// reports whether the connection can carry the next request. What is long or
// slow is not waited for, but until the deadline for what is to be kept.
func (t *target) finish(c *conn, answer *fasthttp.Response, keep int, deadline time.Time) (body []byte, reusable bool) {
	length := answer.Header.ContentLength()
	switch answer.StatusCode() {
	case fasthttp.StatusSwitchingProtocols:
		return nil, false
	case fasthttp.StatusNoContent, fasthttp.StatusNotModified:
		length = 0
	}
	if length != 0 {
		_ = c.SetReadDeadline(deadline)
	}
	whole := false
	switch {
	case length < toTheEnd:
		return nil, false
	case keep > 0:
		body, whole = t.read(c, length, keep)
	case answer.ConnectionClose() || length == toTheEnd || length > t.pool.client.cfg.BodyLimit:
		return nil, false
	case length >= 0:
		_, err := c.read.Discard(length)
		whole = err == nil
	default:
		whole = answer.ReadBody(c.read, t.pool.client.cfg.BodyLimit) == nil
	}
	if length == chunked {
		whole = whole && answer.Header.ReadTrailer(c.read) == nil
	}
	// More than one answer to one request is not to be trusted.
	return body, whole && length != toTheEnd && !answer.ConnectionClose() && c.read.Buffered() == 0
}

// read returns up to keep bytes of a body. whole says that it has come to its
// end; a body beyond what is kept and BodyLimit does not.
func (t *target) read(c *conn, length, keep int) (body []byte, whole bool) {
	var from io.Reader = c.read
	if length == chunked {
		from = httputil.NewChunkedReader(c.read)
	} else if length >= 0 {
		from = io.LimitReader(from, int64(length))
	}
	body = make([]byte, max(keep, t.pool.client.cfg.BodyLimit)+1)
	n := 0
	var err error
	for n < len(body) && err == nil {
		var more int
		more, err = from.Read(body[n:])
		n += more
	}
	return body[:min(n, keep)], err == io.EOF && (length < 0 || n == length)
}

// retryAfter reads Retry-After: seconds or a date (RFC 9110 §10.2.3). A date is
// by the receiver's clock, which its Date shows; only without one by ours.
func retryAfter(value, date []byte, now time.Time) time.Duration {
	if len(value) == 0 {
		return 0
	}
	if secs, err := strconv.ParseFloat(string(value), 64); err == nil {
		if !(secs > 0) {
			return 0
		}
		return time.Duration(min(secs, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if its, err := fasthttp.ParseHTTPDate(date); err == nil {
		now = its
	}
	if at, err := fasthttp.ParseHTTPDate(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxRetryAfter)
	}
	return 0
}
