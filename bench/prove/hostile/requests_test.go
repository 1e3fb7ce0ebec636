package hostile

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// front is one listener, and a request of somebody in good standing.
type front struct {
	name, addr string
	as         client
	zoo        []monster
	streams    bool // bodies may be of any length here, for whoever has the token
	terse      bool // the answers of its own have no document
	well       func() error
}

// Whatever a client sends, it is answered with a problem document of the right
// code or cut, nothing that hides behind it is taken for another request, and
// the next client is served.
func TestRequestsThatAreNone(t *testing.T) {
	t.Parallel()
	row := report.Attack(t, report.Refusals, "hostile requests at every listener", "requests")
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	site := rig.Connect(t, p, rig.NewLedger(t), 1)
	was, base := resident(t, p), goroutines(t, p)
	fronts := []front{
		{
			name: "public", addr: p.Addr("api"), zoo: slices.Concat(framing, content, people),
			as:   client{"POST", "/apps/" + site.App + "/calls", "Authorization: Bearer " + site.Key + "\r\n"},
			well: asks(site.API("/subscribers"), site.Key),
		},
		{
			name: "admin", streams: true, addr: p.Addr("admin"), zoo: slices.Concat(framing, content, people),
			as:   client{"POST", "/admin/apps", "Authorization: Bearer " + rig.Operator + "\r\n"},
			well: asks(site.Admin("/admin/apps"), rig.Operator),
		},
		contactFront(t),
	}
	for _, f := range fronts {
		for _, m := range f.zoo {
			t.Run(f.name+"/"+m.name, func(t *testing.T) {
				m.attack(t, f)
				require.NoError(t, f.well(), "the next client is served")
			})
			row.Add(max(1, m.most))
		}
	}
	rests(t, p, base)
	grown := resident(t, p) - was
	require.Less(t, grown, 200*mega, "memory is bounded")
	row.Note("memory grew by %d MB", grown/mega)
}

func asks(url, key string) func() error {
	return func() error {
		a, err := rig.Ask("GET", url, key, "")
		if err == nil && a.Status != http.StatusOK {
			err = errors.New(http.StatusText(a.Status))
		}
		return err
	}
}

// patience is how long a hostile client waits; no bound of ours is as long.
const patience = 30 * time.Second

// attack sends a monster and looks at what comes back.
func (m monster) attack(t *testing.T, f front) {
	conn, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	sent := make(chan error, 1)
	go func() {
		err := m.send(conn, f.as)
		_ = conn.(*net.TCPConn).CloseWrite()
		sent <- err
	}()
	answers, err := readAnswers(conn)
	_ = conn.Close() // whoever still sends ends
	if err := <-sent; m.endless && !f.streams {
		assert.Error(t, err, "it was read to the last of 32 MB")
	}
	var late net.Error
	require.False(t, errors.As(err, &late) && late.Timeout(), "the connection hangs: %v", err)
	if len(answers) == 0 {
		require.Contains(t, m.want, cut, "cut off without an answer: %v", err)
		return
	}
	assert.LessOrEqual(t, len(answers), max(1, m.most), "something hid behind it: %v", answers)
	assert.Contains(t, m.want, answers[0].Status, "%s", answers[0].Body)
	for _, a := range answers {
		if a.Status < 400 || f.terse && len(a.Body) == 0 {
			continue
		}
		var doc struct {
			Status int    `json:"status"`
			Code   string `json:"code"`
		}
		assert.Equal(t, "application/problem+json", a.Header.Get("Content-Type"))
		require.NoError(t, json.Unmarshal(a.Body, &doc), "%s", a.Body)
		assert.Equal(t, a.Status, doc.Status)
		assert.NotEmpty(t, doc.Code)
	}
	if last := answers[len(answers)-1]; !m.open {
		assert.Equal(t, "close", strings.ToLower(last.Header.Get("Connection")), "what follows may be anything")
	}
}

// readAnswers reads to the end of a connection, as far as there are answers.
func readAnswers(conn net.Conn) (answers []rig.Answer, err error) {
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return answers, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return answers, err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, mega))
		_ = resp.Body.Close()
		if err != nil {
			return answers, err
		}
		if resp.Close {
			resp.Header.Set("Connection", "close") // net/http takes it out
		}
		answers = append(answers, rig.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body})
	}
}
