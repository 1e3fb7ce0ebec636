package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// phoneLine is a connection to offhook's listener, made when it is needed.
type phoneLine struct {
	w    *world
	s    *side
	conn net.Conn
	in   *bufio.Reader
}

// reply is an answer of offhook's. The zero status is for none: what was asked
// may have been done or not.
type reply struct {
	status int
	code   string // of a refusal
	header http.Header
	body   []byte
}

// patience is how long a client waits for an answer.
const patience = 20 * time.Second

// send makes a request and leaves the answer to recv.
func (l *phoneLine) send(method, path, key, body string, more ...string) error {
	if l.conn == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := l.w.wires.dial(ctx, "tcp", apiHost)
		if err != nil {
			return err
		}
		l.conn, l.in = c, bufio.NewReader(c)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s /apps/%s%s HTTP/1.1\r\nHost: offhook\r\nAuthorization: Bearer %s\r\n", method, l.s.id, path, l.s.token)
	if key != "" {
		fmt.Fprintf(&b, "Idempotency-Key: %s\r\n", key)
	}
	for _, h := range more {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Type: application/json\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	_ = l.conn.SetDeadline(time.Now().Add(patience))
	_, err := l.conn.Write(b.Bytes())
	return err
}

func (l *phoneLine) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// ask makes a request and waits for its answer.
func (l *phoneLine) ask(method, path, key, body string) (r reply) {
	if err := l.send(method, path, key, body); err != nil {
		l.hangUp()
		return r
	}
	resp, err := http.ReadResponse(l.in, &http.Request{Method: method})
	if err != nil {
		l.hangUp()
		return r
	}
	r = reply{status: resp.StatusCode, header: resp.Header}
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		l.hangUp()
		return reply{}
	}
	if resp.Close {
		l.hangUp()
	}
	if r.status >= 400 {
		var doc struct {
			Code string `json:"code"`
		}
		if json.Unmarshal(r.body, &doc) != nil || doc.Code == "" || r.header.Get("Content-Type") != "application/problem+json" {
			l.s.violate("a refusal with %d is no problem document: %.80q", r.status, r.body)
		}
		r.code = doc.Code
		if (r.status == 503 || r.status == 429) && r.header.Get("Retry-After") == "" {
			l.s.violate("a %d comes without Retry-After", r.status)
		}
		if r.status == 500 {
			l.s.violate("%s %s is answered with 500", method, path)
		}
	}
	return r
}

// follow reads the app's stream until ctx ends, going on where it was cut off.
func (w *world) follow(ctx context.Context, s *side) {
	l := &phoneLine{w: w, s: s}
	cursor := ""
	for ctx.Err() == nil && cursor == "" {
		r := l.ask("GET", "/events?limit=1", "", "")
		if cursor = r.header.Get("Events-Cursor"); cursor == "" {
			pause(ctx, time.Second)
		}
	}
	l.hangUp()
	for ctx.Err() == nil {
		l.stream(ctx, &cursor)
		l.hangUp()
		pause(ctx, 2*time.Second)
	}
}

// pause waits, but not for longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// silence is how long a stream may say nothing before it counts as dead.
const silence = 45 * time.Second

func (l *phoneLine) stream(ctx context.Context, cursor *string) {
	if l.send("GET", "/events/stream", "", "", "Last-Event-ID: "+*cursor) != nil {
		return
	}
	conn := l.conn
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	resp, err := http.ReadResponse(l.in, &http.Request{Method: "GET"})
	if err != nil || resp.StatusCode != http.StatusOK {
		return
	}
	in := bufio.NewReader(resp.Body)
	var name, data, id string
	for {
		_ = l.conn.SetReadDeadline(time.Now().Add(silence))
		text, err := in.ReadString('\n')
		if err != nil {
			return
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			data = value
		case "id":
			id = value
		case "":
			switch {
			case value != "": // a comment
			case name == "gap":
				l.s.violate("the stream of %s has a gap: %s", l.s.id, data)
			case data != "":
				l.s.hear(byStream, []byte(data), 0, true)
			}
			if value == "" {
				if id != "" {
					*cursor = id
				}
				name, data, id = "", "", ""
			}
		}
	}
}
