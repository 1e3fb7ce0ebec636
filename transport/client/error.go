package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
)

// Error is an answer that says no: a problem document (RFC 9457), or what
// something between us and offhook answered, which has no Code.
type Error struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`            // branch on this
	Detail string `json:"detail"`          // for people
	State  string `json:"state,omitempty"` // of wrong_state: what the call is in
	Field  string `json:"field,omitempty"` // the member, header or parameter at fault

	RetryAfter time.Duration `json:"-"` // of 429 and 503: when to ask again
	Method     string        `json:"-"`
	Path       string        `json:"-"`
}

const maxProblem = 64 << 10

func refusal(method, path string, resp *http.Response) *Error {
	e := &Error{}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if typ, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); typ == "application/problem+json" {
		_ = json.Unmarshal(text, e) // what is none has no code
	}
	e.Status, e.Method, e.Path = resp.StatusCode, method, path
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
		e.RetryAfter = time.Duration(min(s, 86400)) * time.Second
	}
	return e
}

// Error implements error.
func (e *Error) Error() string {
	switch {
	case e.Code == "":
		return fmt.Sprintf("%s %s was answered with %d and no problem document; is that an offhook?", e.Method, e.Path, e.Status)
	case e.Field != "":
		return fmt.Sprintf("%s: %s (%s, %d)", e.Field, e.Detail, e.Code, e.Status)
	}
	return fmt.Sprintf("%s (%s, %d)", e.Detail, e.Code, e.Status)
}

// PutOff reports whether nothing was done, and asking again may help.
func (e *Error) PutOff() bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

// CodeOf is the code of a refusal; "" for other errors and for none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
