package oci

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/text/encoding/charmap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is a platform with a few people, and the faults a test wants.
type town struct {
	mu     sync.Mutex
	people []Person
	faults map[Fault]time.Duration
	server *Server
	how    How
}

func newTown() *town {
	return &town{how: How{Copies: 1}, faults: map[Fault]time.Duration{}, people: []Person{
		{UserID: "anna@demo.example", FirstName: "Anna", LastName: "Archer", Number: "+12015550100", Extension: "1001", Department: "Sales", Provider: "acme", Group: "north"},
		{UserID: "miguel@demo.example", FirstName: "Miguel", LastName: "Muñoz", Number: "+442079460001", Extension: "1002", Provider: "acme", Group: "north"},
		{UserID: "lukasz@demo.example", FirstName: "Łukasz", LastName: "<Walker & Sons>", Extension: "1003", Provider: "acme", Group: "south"},
	}}
}

func (v *town) Providers() []Provider {
	return []Provider{{ID: "acme", Enterprise: true}, {ID: "empty"}}
}

func (v *town) Groups(provider string) ([]string, bool) {
	return map[string][]string{"acme": {"north", "south"}, "empty": nil}[provider], provider == "acme" || provider == "empty"
}

func (v *town) Users(provider, group string) (all []Person, found bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.people {
		if p.Provider == provider && (group == "" || p.Group == group) {
			all = append(all, p)
		}
	}
	return all, group == "" || slices.Contains([]string{"north", "south"}, group)
}

func (v *town) User(id string) (Person, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.people {
		if p.UserID == id {
			return p, true
		}
	}
	return Person{}, false
}

func (v *town) Change(c Change, w Write) *Error {
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.people, func(p Person) bool { return p.UserID == c.UserID })
	switch {
	case c.Op == AddUser && i >= 0:
		return Taken("subscriber_id", "the user id")
	case c.Op == AddUser:
		v.people = append(v.people, Person{UserID: c.UserID, Provider: c.Provider, Group: c.Group})
		i = len(v.people) - 1
	case c.Op == DeleteGroup:
	case i < 0:
		return NoUser(c.UserID)
	case c.Op == DeleteUser:
		v.people = slices.Delete(v.people, i, i+1)
	case c.Op == RenameUser:
		v.people[i].UserID = c.NewID
	}
	if c.Op == AddUser || c.Op == ModifyUser {
		p := &v.people[i]
		for _, f := range []struct{ to, from *string }{
			{&p.FirstName, c.Set.FirstName}, {&p.LastName, c.Set.LastName}, {&p.Number, c.Set.Number},
			{&p.Extension, c.Set.Extension}, {&p.Department, c.Set.Department},
		} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
	}
	v.server.Report(w, v.how)
	return nil
}

func (v *town) Struck(f Fault) (time.Duration, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	d, struck := v.faults[f]
	return d, struck
}

func (v *town) fault(f Fault, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults[f] = d
}

// pipes is a listener in memory, so that a story has a clock of its own.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2208} }

// from is a connection that says where it comes from.
type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

func (p *pipes) dial(ip string) net.Conn {
	near, far := net.Pipe()
	p.conns <- from{far, &net.TCPAddr{IP: net.ParseIP(ip), Port: 40000}}
	return near
}

// story is a server with its people, and the two ways to it.
type story struct {
	*testing.T
	town      *town
	server    *Server
	provision *pipes
	reporting *pipes
}

func inStory(t *testing.T, cfg Config, tell func(w *story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		orElse(&cfg.Seed, 1)
		w := &story{T: t, town: newTown(), provision: newPipes(), reporting: newPipes()}
		w.server = New(cfg, w.town)
		w.town.server = w.server
		served := make(chan error, 2)
		go func() { served <- w.server.Serve(w.provision) }()
		go func() { served <- w.server.ServeReporting(w.reporting) }()
		synctest.Wait()
		defer func() {
			require.NoError(t, w.server.Close())
			require.NoError(t, <-served)
			require.NoError(t, <-served)
		}()
		tell(w)
	})
}

func (w *story) pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

// client speaks OCI-P in bytes.
type client struct {
	*story
	conn    net.Conn
	session string
	left    []byte
}

func (w *story) connect() *client {
	w.Helper()
	c := &client{story: w, conn: w.provision.dial("127.0.0.1"), session: "5a3f6f2e-9d0c-4a57-8b1e-2f4f8f9a7b11"}
	w.Cleanup(func() { _ = c.conn.Close() })
	return c
}

func document(session, commands string) string {
	return `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n" +
		`<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sessionId xmlns="">` + session +
		`</sessionId>` + commands + `</BroadsoftDocument>` + "\n"
}

func command(kind, body string) string {
	return `<command xsi:type="` + kind + `" xmlns="">` + body + `</command>`
}

func latin(t testing.TB, s string) []byte {
	b, err := charmap.ISO8859_1.NewEncoder().Bytes([]byte(s))
	require.NoError(t, err)
	return b
}

func (c *client) send(doc string) {
	c.Helper()
	_, err := c.conn.Write(latin(c, doc))
	require.NoError(c, err)
}

// receive reads up to the closing tag; what came before the end is in the error.
func (c *client) receive() (string, error) {
	chunk := make([]byte, 1000)
	for {
		if i := bytes.Index(c.left, []byte(closingTag+"\n")); i >= 0 {
			i += len(closingTag) + 1
			doc := c.left[:i]
			c.left = c.left[i:]
			text, err := charmap.ISO8859_1.NewDecoder().Bytes(doc)
			return string(text), err
		}
		n, err := c.conn.Read(chunk)
		c.left = append(c.left, chunk[:n]...)
		if err != nil {
			return string(c.left), err
		}
	}
}

// ask sends one command and returns the inside of its answer.
func (c *client) ask(kind, body string) string {
	c.Helper()
	c.send(document(c.session, command(kind, body)))
	got, err := c.receive()
	require.NoError(c, err)
	head := `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n" +
		`<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sessionId xmlns="">` + c.session + `</sessionId>`
	require.True(c, strings.HasPrefix(got, head), got)
	return strings.TrimSuffix(strings.TrimPrefix(got, head), closingTag+"\n")
}

const done = `<command echo="" xsi:type="c:SuccessResponse" xmlns:c="C" xmlns=""/>`

func refused(text string) string {
	return `<command type="Error" echo="" xsi:type="c:ErrorResponse" xmlns:c="C" xmlns=""><summary>` + text + `</summary><summaryEnglish>` + text +
		`</summaryEnglish></command>`
}

func element1(doc, name string) string {
	_, rest, _ := strings.Cut(doc, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

// signIn is the login in two steps.
func (c *client) signIn(user, password string) string {
	c.Helper()
	got := c.ask("AuthenticationRequest", "<userId>"+user+"</userId>")
	nonce := element1(got, "nonce")
	require.NotEmpty(c, nonce)
	require.Equal(c, `<command echo="" xsi:type="AuthenticationResponse" xmlns=""><userId>`+user+`</userId><nonce>`+nonce+
		`</nonce><passwordAlgorithm>MD5</passwordAlgorithm></command>`, got)
	signed := md5.Sum([]byte(nonce + ":" + fmt.Sprintf("%x", sha1.Sum([]byte(password)))))
	return c.ask("LoginRequest14sp4", "<userId>"+user+"</userId><signedPassword>"+fmt.Sprintf("%x", signed)+"</signedPassword>")
}

// admin is a client that is logged in.
func (w *story) admin() *client {
	w.Helper()
	c := w.connect()
	require.Contains(w, c.signIn("admin", "simulator"), "LoginResponse14sp4")
	return c
}

// listener is somebody who reads the feed.
type listener struct {
	*story
	conn net.Conn
	docs chan string
}

func (w *story) listen(ip string) *listener {
	l := &listener{story: w, conn: w.reporting.dial(ip), docs: make(chan string, 10000)}
	w.Cleanup(func() { _ = l.conn.Close() })
	go func() {
		defer close(l.docs)
		var have []byte
		chunk := make([]byte, 512)
		for {
			n, err := l.conn.Read(chunk)
			have = append(have, chunk[:n]...)
			for {
				i := bytes.Index(have, []byte(feedClose+"\n"))
				if i < 0 {
					break
				}
				i += len(feedClose) + 1
				l.docs <- string(have[:i])
				have = have[i:]
			}
			if err != nil {
				return
			}
		}
	}()
	synctest.Wait()
	return l
}

// next is the next document, "" when the connection ended.
func (l *listener) next() string {
	l.Helper()
	select {
	case d := <-l.docs:
		return d
	case <-time.After(10 * time.Minute):
		l.Fatal("nothing came on the feed")
		return ""
	}
}

// ended reports whether the other side is gone.
func ended(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	return n == 0 && err == io.EOF
}
