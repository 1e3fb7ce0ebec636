package rig

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/transport/openapitest"
)

// Answer is one HTTP answer, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// JSON is an answer that is an object.
func (a Answer) JSON(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(a.Body, &v), "%s", a.Body)
	return v
}

// List is an answer that is an array of objects.
func (a Answer) List(t testing.TB) []map[string]any {
	t.Helper()
	var v []map[string]any
	require.NoError(t, json.Unmarshal(a.Body, &v), "%s", a.Body)
	return v
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Ask makes one request on a connection of its own; err is for when the program
// is being killed. header has names and values by turns.
func Ask(method, url, token, body string, header ...string) (Answer, error) {
	return AskWith(client, method, url, token, body, header...)
}

// AskWith is Ask through a client of the caller's, for many requests.
func AskWith(c *http.Client, method, url, token, body string, header ...string) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return Answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return Answer{resp.StatusCode, resp.Header, b}, err
}

// Must is Ask for what has to be answered with that status, and as the documents
// of the listeners say.
func Must(t testing.TB, status int, method, url, token, body string, header ...string) Answer {
	t.Helper()
	a, err := Ask(method, url, token, body, header...)
	require.NoError(t, err)
	require.Equal(t, status, a.Status, "%s %s: %s", method, url, a.Body)
	require.NoError(t, documented(method, url, body, a, header))
	return a
}

// documented says what of a request and its answer is in no document. Which one
// it is shows in the path; the simulator's own listener has none.
func documented(method, target, body string, a Answer, header []string) error {
	u, err := url.Parse(target)
	if err != nil {
		return err
	}
	d := openapitest.Admin
	switch {
	case strings.HasPrefix(u.Path, "/simulator/"):
		return nil
	case strings.HasPrefix(u.Path, "/apps/"):
		d = openapitest.Public
	}
	sent := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		sent.Set(header[i], header[i+1])
	}
	return d().Check(openapitest.Exchange{
		Method: method, Path: u.EscapedPath(), Query: u.RawQuery, Header: sent, Body: []byte(body),
		Status: a.Status, Answer: a.Header, Text: a.Body, Cut: len(a.Body) > mostJudged,
	})
}

// mostJudged bounds what is held against a document: lists of a hundred thousand
// subscribers are not.
const mostJudged = 4 << 20

// Poll yields every few milliseconds until the time is up.
func Poll(limit time.Duration) func(func(int) bool) {
	return func(yield func(int) bool) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(limit)
		for i := 0; yield(i); i++ {
			select {
			case <-tick.C:
			case <-deadline:
				return
			}
		}
	}
}
