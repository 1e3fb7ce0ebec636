package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/provider/oci"
	"offhook/provider/simulator"
)

// answerer is what a hostile provisioning server does instead of an answer in
// a session.
type answerer struct {
	name string
	do   func(c net.Conn, session string)
}

func writes(text string) func(net.Conn, string) {
	return func(c net.Conn, session string) {
		_, _ = io.WriteString(c, strings.ReplaceAll(text, "SESSION", session))
	}
}

// pours writes text and then a piece until nobody reads.
func pours(head, piece string) func(net.Conn, string) {
	is := endless(head, piece)
	return func(c net.Conn, _ string) { is(c, nil) }
}

const document = `<?xml version="1.0" encoding="ISO-8859-1"?><BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`

// said is a whole answer in the session.
func said(command string) string {
	return document + `<sessionId xmlns="">SESSION</sessionId>` + command + `</BroadsoftDocument>`
}

var answerers = []answerer{
	{"a close", func(net.Conn, string) {}},
	{"not a word", func(c net.Conn, _ string) { _, _ = io.Copy(io.Discard, c) }},
	{"a byte a second", func(c net.Conn, _ string) { drips("", document)(c, nil) }},
	{"white space a byte a second", func(c net.Conn, _ string) { drips("", " ")(c, nil) }},
	{"white space without end", pours("", " \n")},
	{"a document without end", pours(document, "<a/>")},
	{"depth without end", pours("", "<a>")},
	{"a comment without end", pours("<!--", "x")},
	{"an attribute without end", pours(`<a b="`, "x")},
	{"text without end", pours(document, "x")},
	{"rows without end", pours(document+`<sessionId xmlns="">x</sessionId><command><userTable>`, "<row><col>x</col></row>")},
	{"a billion laughs", writes(laughs(9))},
	{"an external entity", writes(`<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`)},
	{"a depth of 10,000", writes(strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000))},
	{"UTF-16", writes("\xff\xfe<\x00a\x00/\x00>\x00")},
	{"NULs", writes(strings.Repeat("\x00", 10_000))},
	{"HTTP", writes("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html><body>Bad</body></html>")},
	{"SSH", writes("SSH-2.0-OpenSSH_9.7\r\n")},
	{"another session", writes(document + `<sessionId xmlns="">another</sessionId><command xsi:type="c:SuccessResponse" xmlns=""/></BroadsoftDocument>`)},
	{"an answer to something else", writes(said(`<command xsi:type="SystemSoftwareVersionGetResponse" xmlns=""><version>1</version></command>`))},
	{"two answers in one", writes(said(strings.Repeat(`<command xsi:type="c:SuccessResponse" xmlns=""/>`, 2)))},
	{"no answer in a document", writes(said(""))},
	{"a refusal", writes(said(`<command type="Error" xsi:type="c:ErrorResponse" xmlns=""><summary>[Error 4500] no</summary></command>`))},
	{"a refusal with a number nobody can read", writes(said(`<command type="Error" xsi:type="c:ErrorResponse" xmlns=""><summary>[Error ` + strings.Repeat("9", 60_000) + `] no</summary></command>`))},
	{"a goodbye", writes(said(`<command xsi:type="LogoutRequest" xmlns=""><userId>admin</userId></command>`))},
	{"a million nonces", func(c net.Conn, session string) {
		pours(strings.ReplaceAll(said(""), "SESSION", session), strings.ReplaceAll(said(`<command xsi:type="AuthenticationResponse" xmlns=""><nonce>1</nonce></command>`), "SESSION", session))(c, session)
	}},
}

var sessionOf = regexp.MustCompile(`<sessionId xmlns="">([^<]*)</sessionId>`)

// middle stands between offhook and a provisioning server, and answers in its
// place from some request on.
type middle struct {
	door  *door
	ended sync.WaitGroup

	mu    sync.Mutex
	is    func(net.Conn, string) // nil lets all pass
	after int                    // requests of a connection that pass
	hits  int
}

// met is how often it answered.
func (m *middle) met() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hits
}

func (m *middle) turn(is func(net.Conn, string), after int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.is, m.after = is, after
}

func (m *middle) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	m.mu.Lock()
	is, after := m.is, m.after
	m.mu.Unlock()
	if is == nil {
		m.ended.Go(func() { m.door.enter(far) })
		return near, nil
	}
	m.ended.Go(func() { m.between(far, is, after) })
	return near, nil
}

func (m *middle) between(c net.Conn, is func(net.Conn, string), after int) {
	defer c.Close()
	here, there := net.Pipe()
	var back sync.WaitGroup
	defer back.Wait()
	defer here.Close()
	m.door.enter(there)
	back.Go(func() { _, _ = io.Copy(c, here) })
	var asked []byte
	chunk := make([]byte, 4<<10)
	for n := 0; ; {
		k, err := c.Read(chunk)
		asked = append(asked, chunk[:k]...)
		if end := bytes.Index(asked, []byte("</BroadsoftDocument>")); end >= 0 {
			if n == after {
				session := ""
				if s := sessionOf.FindSubmatch(asked); s != nil {
					session = string(s[1])
				}
				m.mu.Lock()
				m.hits++
				m.mu.Unlock()
				is(c, session)
				return
			}
			n++
			if _, err := here.Write(asked); err != nil {
				return
			}
			asked = nil
		}
		if err != nil {
			return
		}
	}
}

// inOCI runs a story with a provisioning server of the simulator.
func inOCI(t *testing.T, story func(sim *simulator.Simulator, m *middle, source *oci.Source)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := simulator.New(simulator.Config{Subscribers: people, Seed: 7, Bases: []string{"http://xsp1"}, Traffic: simulator.TrafficNone})
		m := &middle{door: &door{dials: make(chan net.Conn), closed: make(chan struct{})}}
		m.ended.Go(func() { _ = sim.ServeOCI(m.door) })
		source, err := oci.New(oci.Config{
			Network: network, CountryCode: "1", Dial: m.dial, Random: func() float64 { return 0.5 },
			OCI: tenant.OCI{Address: "oci:2208", Username: "admin@simulator.example", Password: "simulator", PageSize: 2},
		})
		require.NoError(t, err)
		story(sim, m, source)
		synctest.Wait()
		time.Sleep(2 * time.Minute) // a session that nobody uses ends
		require.NoError(t, sim.Close())
		_ = m.door.Close()
		m.ended.Wait()
		synctest.Wait()
	})
}

func listed(source *oci.Source) (n int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	err = source.List(ctx, func(provider.Entry) error { n++; return nil })
	return n, err
}

// A provisioning server says anything at all, at the login, at the first list
// and in its midst. It is never taken for a list: whom it leaves out would be
// deleted. And when it is itself again everybody is there.
func TestAHostileProvisioningServer(t *testing.T) {
	row := report.Attack(t, report.Isolation, "a hostile provisioning server, whose list is never a short one", "answers")
	most := 0
	for _, after := range []int{0, 1, 2, 4} {
		for _, a := range answerers {
			t.Run(fmt.Sprintf("%s after %d", a.name, after), func(t *testing.T) {
				inOCI(t, func(_ *simulator.Simulator, m *middle, source *oci.Source) {
					all, err := listed(source)
					require.NoError(t, err)
					require.GreaterOrEqual(t, all, people)
					time.Sleep(2 * time.Minute)
					was, goroutines := heap(), runtime.NumGoroutine()

					m.turn(a.do, after)
					began := time.Now()
					n, err := listed(source)
					if err == nil { // one that hangs up is asked once more
						require.Equal(t, all, n, "what is no list is none")
					}
					require.NotZero(t, m.met(), "the monster was met")
					require.Less(t, time.Since(began), 10*time.Minute)
					synctest.Wait()
					grown := heap() - was
					most = max(most, grown)
					require.Less(t, grown, 100*mega, "memory is bounded")
					require.Less(t, runtime.NumGoroutine(), goroutines+slack)

					m.turn(nil, 0)
					for began = time.Now(); time.Since(began) < 3*time.Hour; time.Sleep(time.Minute) {
						var n int
						if n, err = listed(source); err == nil {
							require.Equal(t, all, n, "everybody is there")
							break
						}
						require.False(t, errors.Is(err, context.DeadlineExceeded))
					}
					require.NoError(t, err)
				})
			})
			row.Add(1)
		}
	}
	row.Note("at most %d MB more", most/mega)
}
