// Package problem says no in one way: an RFC 9457 problem document with a code
// that never changes its meaning.
//
// The table in codes.go is the only place where codes meet statuses.
// docs/errors.md explains the same codes to people; a test holds the two
// against each other.
package problem

import (
	"errors"
	"strconv"

	"github.com/valyala/fasthttp"

	"offhook/engine"
)

// ContentType is the media type of a problem document.
const ContentType = "application/problem+json"

// Problem is one refusal. It holds no phone number, name or secret.
type Problem struct {
	Code       engine.Code
	Detail     string
	Field      string // which member, header or parameter, if it is about one
	State      string // wrong_state: what the call is in
	RetryAfter int    // seconds; zero means the code's own

	status int // zero means the code's; only too_large has a second one
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// New makes a problem without extras.
func New(code engine.Code, detail string) *Problem { return &Problem{Code: code, Detail: detail} }

// Invalid says what is wrong with a field.
func Invalid(field, detail string) *Problem {
	return &Problem{Code: engine.CodeInvalidField, Field: field, Detail: detail}
}

// NotFound is the one answer to everything that is not there, or not the
// caller's: the two cannot be told apart.
func NotFound() *Problem { return New(engine.CodeNotFound, "there is no such resource") }

// NoRoom refuses what would have to be stored while the disk is nearly full.
// Somebody has to make room first, which takes longer than a queue.
func NoRoom() *Problem {
	return &Problem{Code: engine.CodeBusy, Detail: "nothing can be stored for now; reading goes on", RetryAfter: 10}
}

// HeadersTooLarge is too_large for the part before the body: 431, not 413.
func HeadersTooLarge(detail string) *Problem {
	return &Problem{Code: CodeTooLarge, Detail: detail, status: fasthttp.StatusRequestHeaderFieldsTooLarge}
}

// From turns any error into a problem. What is not a refusal becomes an
// internal error without a word of what it was.
func From(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var refusal *engine.Error
	if errors.As(err, &refusal) {
		return FromEngine(refusal)
	}
	return New(CodeInternal, "something went wrong here; it was logged")
}

// FromEngine turns a refusal of the core into a problem.
func FromEngine(e *engine.Error) *Problem {
	if e.Code == engine.CodeNotFound {
		return NotFound()
	}
	p := &Problem{Code: e.Code, Detail: e.Message, Field: e.Field}
	if e.Code == engine.CodeWrongState {
		p.State = e.State.String()
	}
	return p
}

// Append appends the document.
func (p *Problem) Append(b []byte) []byte {
	row := rowOf(p.Code)
	b = append(b, `{"type":"urn:offhook:problem:`...)
	b = append(b, row.code...)
	b = append(b, `","title":`...)
	b = engine.AppendString(b, row.title)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(p.Status()), 10)
	b = append(b, `,"code":"`...)
	b = append(b, row.code...)
	b = append(b, `","detail":`...)
	b = engine.AppendString(b, p.Detail)
	if p.State != "" {
		b = append(b, `,"state":`...)
		b = engine.AppendString(b, p.State)
	}
	if p.Field != "" {
		b = append(b, `,"field":`...)
		b = engine.AppendString(b, p.Field)
	}
	return append(b, '}')
}

// Status is the HTTP status.
func (p *Problem) Status() int {
	if p.status != 0 {
		return p.status
	}
	return rowOf(p.Code).status
}

// Retry is how many seconds to wait before asking again; zero for a problem
// that asking again does not cure.
func (p *Problem) Retry() int {
	row := rowOf(p.Code)
	if row.retry == 0 {
		return 0
	}
	return max(p.RetryAfter, row.retry)
}

// Write makes p the response. Headers set before stay.
func Write(ctx *fasthttp.RequestCtx, p *Problem) {
	ctx.Response.ResetBody()
	ctx.SetStatusCode(p.Status())
	ctx.Response.Header.SetContentType(ContentType)
	ctx.Response.Header.Set("Cache-Control", "no-store")
	if s := p.Retry(); s > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(s))
	}
	ctx.Response.SetBodyRaw(p.Append(nil))
}
