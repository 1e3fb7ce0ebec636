package doors

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// ask is one request, as it goes over the wire.
type ask struct {
	method, target, body, token string
	header                      map[string]string
	from                        string // a loopback address of one's own; empty for any
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// of fills a door's placeholders. The value of raw, if it is one in the path, is
// sent as it stands, not escaped.
func (d door) ask(base string, of ids, raw string) ask {
	fill := func(text string, escape func(string) string) string {
		for name, value := range of {
			if name == raw && escape == nil {
				continue
			}
			if escape != nil {
				value = escape(value)
			}
			text = strings.ReplaceAll(text, "{"+name+"}", value)
		}
		return text
	}
	path := d.path
	for name, value := range of {
		if name != raw && !strings.HasSuffix(name, ":*") { // the rest of a path is one
			value = escapeAll(value)
		}
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	target := base + path
	if d.query != "" {
		target += "?" + fill(d.query, url.QueryEscape)
	}
	return ask{method: d.method, target: target, body: fill(d.body, inJSON)}
}

// inJSON is a text as it stands between quotes.
func inJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return ""
	}
	return string(b[1 : len(b)-1])
}

// escapeAll leaves nothing that could mean something in a path.
func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

var quick = client("")

// client sends from an address of 127.0.0.0/8.
func client(from string) *http.Client {
	dial := &net.Dialer{Timeout: 10 * time.Second}
	if from != "" {
		dial.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: dial.DialContext, DisableKeepAlives: from != ""},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send makes a request. Of an event stream only the head is read.
func (w *world) send(a ask) answer {
	w.t.Helper()
	var body io.Reader
	if a.body != "" {
		body = strings.NewReader(a.body)
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(a.target, "http://"), "/")
	req, err := http.NewRequest(a.method, "http://"+host, body)
	require.NoError(w.t, err)
	req.URL.Opaque = "//" + host + "/" + path
	if strings.Contains(path, "?") {
		req.URL.Opaque, req.URL.RawQuery, _ = strings.Cut(req.URL.Opaque, "?")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	c := quick
	if a.from != "" {
		c = client(a.from)
	}
	resp, err := c.Do(req)
	require.NoError(w.t, err, "%s %s", a.method, a.target)
	defer resp.Body.Close()
	w.sent++
	out := answer{status: resp.StatusCode, header: resp.Header}
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return out
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	require.NoError(w.t, err)
	out.body = string(b)
	return out
}

var (
	taskID = regexp.MustCompile(`rpl_\w+`)
	stamp  = regexp.MustCompile(`"(created|updated)_at":\d+`)
	cursor = regexp.MustCompile(`^[\w-]{22}$`)
)

// plain is an answer without what may differ: the id that was sent, the moment,
// and what was made new.
func (a answer) plain(sent string) string {
	hide := func(text string) string {
		if sent != "" {
			for _, form := range []string{sent, inJSON(sent), url.QueryEscape(sent), strings.ToLower(sent)} {
				text = strings.ReplaceAll(text, form, "<id>")
			}
		}
		return stamp.ReplaceAllString(taskID.ReplaceAllString(text, "<task>"), "<time>")
	}
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		switch name {
		case "Date", "Content-Length", "Traceresponse":
			continue
		}
		value := strings.Join(a.header[name], ", ")
		if cursor.MatchString(value) {
			value = "<cursor>"
		}
		fmt.Fprintf(&b, "%s: %s\n", name, hide(value))
	}
	return b.String() + "\n" + hide(a.body)
}

// showsNothing fails if an answer has in it what only the victim knows, other
// than what the request itself had.
func (w *world) showsNothing(t testing.TB, a ask, got answer, marks []string) {
	t.Helper()
	asked := a.target + a.body + strings.Join(slices.Collect(maps.Values(a.header)), " ")
	if plain, err := url.PathUnescape(asked); err == nil {
		asked += plain
	}
	asked += engine.Fold(asked)
	text := got.plain("")
	for _, mark := range marks {
		if !strings.Contains(asked, mark) {
			require.NotContains(t, text, mark, "%s %s shows what is another app's", a.method, a.target)
		}
	}
}
