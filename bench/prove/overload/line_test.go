package overload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"offhook/bench/prove/rig"
)

// hangs is how long nobody may wait: past the bound of a command, which is 15 s.
const hangs = 20 * time.Second

// line is one connection of a client, which asks one thing after the other. It
// does as little as it takes to ask and to understand, so that the clients are
// not what is measured.
type line struct {
	addr, from string
	key        string
	conn       net.Conn
	in         *bufio.Reader
	out        []byte
}

// newLine is one that connects with its first request, from a loopback address
// of its own choice.
func newLine(addr, from, key string) *line { return &line{addr: addr, from: from, key: key} }

// answer is what came back.
type answer struct {
	status   int
	expected bool   // a refusal that is right, and no load was needed for it
	retry    string // Retry-After
	kind     string // Content-Type
	body     []byte
}

// code is the word of a problem document; "" if it is none.
func (a answer) code() string {
	if !strings.HasPrefix(a.kind, "application/problem+json") {
		return ""
	}
	var v struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(a.body, &v) != nil {
		return ""
	}
	return v.Code
}

// ask sends one request and reads its answer. An error means that there was none.
func (l *line) ask(method, path, body string) (answer, error) {
	if l.conn == nil {
		d := net.Dialer{Timeout: hangs, LocalAddr: &net.TCPAddr{IP: net.ParseIP(l.from)}}
		c, err := d.Dial("tcp", l.addr)
		if err != nil {
			return answer{}, fmt.Errorf("connect: %w", err)
		}
		l.conn, l.in = c, bufio.NewReaderSize(c, 4<<10)
	}
	l.out = fmt.Appendf(l.out[:0], "%s %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n", method, path, l.key)
	if body != "" {
		l.out = fmt.Appendf(l.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	l.out = append(append(l.out, "\r\n"...), body...)
	_ = l.conn.SetDeadline(time.Now().Add(hangs))
	if _, err := l.conn.Write(l.out); err != nil {
		l.hangUp()
		return answer{}, fmt.Errorf("ask: %w", err)
	}
	a, last, err := l.read()
	if err != nil || last {
		l.hangUp()
	}
	return a, err
}

func (l *line) hangUp() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

// read reads one answer; last says that the server closes the connection.
func (l *line) read() (a answer, last bool, err error) {
	row, err := l.in.ReadSlice('\n')
	if err != nil {
		return a, true, fmt.Errorf("no answer: %w", err)
	}
	if len(row) < 12 {
		return a, true, errors.New("no status")
	}
	if a.status, err = strconv.Atoi(string(row[9:12])); err != nil {
		return a, true, fmt.Errorf("no status: %w", err)
	}
	length := 0
	for {
		if row, err = l.in.ReadSlice('\n'); err != nil {
			return a, true, fmt.Errorf("half an answer: %w", err)
		}
		if row = bytes.TrimRight(row, "\r\n"); len(row) == 0 {
			break
		}
		name, value, _ := bytes.Cut(row, []byte(": "))
		switch string(bytes.ToLower(name)) {
		case "content-length":
			if length, err = strconv.Atoi(string(value)); err != nil {
				return a, true, fmt.Errorf("no length: %w", err)
			}
		case "content-type":
			a.kind = string(value)
		case "retry-after":
			a.retry = string(value)
		case "connection":
			last = string(value) == "close"
		}
	}
	a.body = make([]byte, length)
	if _, err = io.ReadFull(l.in, a.body); err != nil {
		return a, true, fmt.Errorf("half an answer: %w", err)
	}
	return a, last, nil
}

// lines are n connections with the app's key, from a few addresses, so that
// none has too many.
func lines(w *rig.Apart, n int) []*line { return linesOf(w, w.Key, n) }

func linesOf(w *rig.Apart, key string, n int) []*line {
	const perAddress = 500
	all := make([]*line, n)
	for i := range all {
		all[i] = newLine(w.Addr("api"), fmt.Sprintf("127.0.1.%d", 1+i/perAddress), key)
	}
	return all
}
