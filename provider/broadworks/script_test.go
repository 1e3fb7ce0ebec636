package broadworks

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// script is a BroadWorks that says what a test wants it to say, over
// connections inside of the process, so that time in a synctest bubble runs.
type script struct {
	t     *testing.T
	dials chan net.Conn
	srv   *http.Server

	mu      sync.Mutex
	asked   []string // method and path of each request, in order
	bodies  []string
	auth    []string
	acks    []string // event ids acknowledged, with the code when it is not 200
	streams []*scriptStream
	handler map[string]http.HandlerFunc // by "METHOD path", else by method and a path's last segment
	down    map[string]bool             // hosts that refuse connections
	subs    int
}

type scriptStream struct {
	set  string
	host string
	send chan string
	stop chan struct{}
	once sync.Once
}

func (st *scriptStream) say(doc string) { st.send <- doc }
func (st *scriptStream) close()         { st.once.Do(func() { close(st.stop) }) }

func (st *scriptStream) ended() bool {
	select {
	case <-st.stop:
		return true
	default:
		return false
	}
}

type scriptListener struct {
	dials  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *scriptListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dials:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *scriptListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *scriptListener) Addr() net.Addr { return &net.TCPAddr{} }

func newScript(t *testing.T) *script {
	s := &script{t: t, dials: make(chan net.Conn), handler: map[string]http.HandlerFunc{}, down: map[string]bool{}}
	s.srv = &http.Server{Handler: s}
	l := &scriptListener{dials: s.dials, closed: make(chan struct{})}
	go func() { _ = s.srv.Serve(l) }()
	t.Cleanup(func() {
		s.mu.Lock()
		for _, st := range s.streams {
			st.close()
		}
		s.mu.Unlock()
		_ = s.srv.Close()
		synctest.Wait()
	})
	return s
}

func (s *script) dial(ctx context.Context, _, address string) (net.Conn, error) {
	s.mu.Lock()
	down := s.down[address]
	s.mu.Unlock()
	if down {
		return nil, fmt.Errorf("dial: connection refused")
	}
	ours, theirs := net.Pipe()
	select {
	case s.dials <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var (
	setPattern = regexp.MustCompile(`<channelSetId>([^<]*)</channelSetId>`)
	idPattern  = regexp.MustCompile(`<eventID>([^<]*)</eventID><statusCode>([0-9]*)</statusCode>`)
)

// on replaces the answer to "METHOD suffix-of-path".
func (s *script) on(what string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h == nil {
		delete(s.handler, what)
		return
	}
	s.handler[what] = h
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func errorInfo(code int) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="ISO-8859-1"?><ErrorInfo xmlns="http://schema.broadsoft.com/xsi"><summary>s</summary><summaryEnglish>s</summaryEnglish><errorCode>%d</errorCode></ErrorInfo>`, code)
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	what := r.Method + " " + r.URL.RequestURI()
	s.mu.Lock()
	s.asked = append(s.asked, what)
	s.bodies = append(s.bodies, string(body))
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	var own http.HandlerFunc
	longest := -1
	for pattern, h := range s.handler {
		method, suffix, _ := strings.Cut(pattern, " ")
		if method == r.Method && strings.HasSuffix(r.URL.Path, suffix) && len(suffix) > longest {
			own, longest = h, len(suffix)
		}
	}
	s.mu.Unlock()
	if own != nil {
		own(w, r)
		return
	}
	s.standard(w, r, string(body))
}

// standard is what a BroadWorks in good health answers.
func (s *script) standard(w http.ResponseWriter, r *http.Request, body string) {
	path := r.URL.Path
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(path, "/v2.0/channel"):
		s.stream(w, r, body)
	case strings.HasSuffix(path, "/heartbeat"):
	case strings.HasSuffix(path, "/eventresponse"):
		m := idPattern.FindStringSubmatch(body)
		id := m[1]
		if m[2] != "200" {
			id += " " + m[2]
		}
		s.mu.Lock()
		s.acks = append(s.acks, id)
		s.mu.Unlock()
	case r.Method == http.MethodPost && strings.Contains(path, "com.broadsoft.xsi-events/v2.0/"):
		s.mu.Lock()
		s.subs++
		n := s.subs
		s.mu.Unlock()
		_, _ = fmt.Fprintf(w, "%s\n"+`<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>s%d</subscriptionId><expires>3600</expires></Subscription>`, declaration, n)
	case r.Method == http.MethodPut && strings.Contains(path, "/v2.0/subscription/"):
		_, _ = io.WriteString(w, declaration+"\n"+`<Subscription xmlns="http://schema.broadsoft.com/xsi"><subscriptionId>`+path[strings.LastIndexByte(path, '/')+1:]+`</subscriptionId><expires>3600</expires></Subscription>`)
	case strings.HasSuffix(path, "/calls/new"):
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, declaration+`<CallStartInfo xmlns="http://schema.broadsoft.com/xsi"><callId>callhalf-101:0</callId><externalTrackingId>41:1</externalTrackingId></CallStartInfo>`)
	case strings.HasSuffix(path, "/calls"):
		_, _ = io.WriteString(w, `<Calls xmlns="http://schema.broadsoft.com/xsi"/>`)
	}
}

func (s *script) stream(w http.ResponseWriter, r *http.Request, body string) {
	st := &scriptStream{host: r.Host, send: make(chan string), stop: make(chan struct{})}
	if m := setPattern.FindStringSubmatch(body); m != nil {
		st.set = m[1]
	}
	s.mu.Lock()
	s.streams = append(s.streams, st)
	n := len(s.streams)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: fmt.Sprintf("node%d", n), Path: "/com.broadsoft.xsi-events", Secure: true, HttpOnly: true})
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = fmt.Fprintf(w, "%s\n"+`<Channel xmlns="http://schema.broadsoft.com/xsi"><channelId>ch%d</channelId><expires>3600</expires></Channel>`, declaration, n)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	alive := time.NewTicker(30 * time.Second)
	defer alive.Stop()
	for {
		select {
		case doc := <-st.send:
			_, _ = io.WriteString(w, doc)
			_ = flush.Flush()
		case <-alive.C:
			_, _ = io.WriteString(w, `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>`)
			_ = flush.Flush()
		case <-st.stop:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// last is the newest stream.
func (s *script) last() *scriptStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.streams, "no channel was opened")
	return s.streams[len(s.streams)-1]
}

// count counts requests whose method and path contain a text.
func (s *script) count(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

// sink keeps what it is told. Receipts are settled at once, unless withheld.
type sink struct {
	mu       sync.Mutex
	withhold bool
	events   []*engine.Event
	users    []string
	receipts []provider.Receipt
	resyncs  []string
}

func (k *sink) Deliver(user string, ev *engine.Event, r provider.Receipt) {
	k.mu.Lock()
	k.events = append(k.events, ev)
	k.users = append(k.users, user)
	k.receipts = append(k.receipts, r)
	withhold := k.withhold
	k.mu.Unlock()
	if !withhold {
		r.Settle()
	}
}

func (k *sink) Resync(user string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.resyncs = append(k.resyncs, user)
}

func (k *sink) kinds() (kinds []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, ev := range k.events {
		kinds = append(kinds, ev.Kind.String())
	}
	return kinds
}

func (k *sink) settleAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.receipts {
		r.Settle()
	}
	k.receipts = nil
}

// story is a provider beside a script.
type story struct {
	*testing.T
	bw   *script
	sink *sink
	p    *Provider
	stop context.CancelFunc
}

const bob = "bob@example.com"

// tell runs a story in a bubble of its own time. The provider follows bob.
func tell(t *testing.T, prepare func(*script, *Config), fn func(*story)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &story{T: t, bw: newScript(t), sink: &sink{}}
		cfg := Config{
			Network: tenant.BroadWorks{XSPs: []string{"http://xsp1"}, Username: "admin@example.com", Password: "secret", ApplicationID: "offhook-test"},
			Sink:    s.sink, Dial: s.bw.dial, Random: func() float64 { return 0.5 }, CountryCode: "1",
		}
		if prepare != nil {
			prepare(s.bw, &cfg)
		}
		s.start(cfg)
		defer func() { s.stop() }()
		fn(s)
	})
}

// start runs a provider; a second one takes the place of the first.
func (s *story) start(cfg Config) {
	if s.stop != nil {
		s.stop()
	}
	p, err := New(cfg)
	require.NoError(s, err)
	ctx, cancel := context.WithCancel(s.Context())
	done := make(chan error, 1)
	p.Follow(bob)
	go func() { done <- p.Run(ctx) }()
	s.p = p
	s.stop = func() {
		cancel()
		require.NoError(s, <-done)
		s.stop = func() {}
	}
	synctest.Wait()
}

// after lets time pass.
func (s *story) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *story) say(doc string) {
	s.bw.last().say(doc)
	synctest.Wait()
}

// copied reads a list that the server's goroutines append to.
func copied[T any](s *script, list *[]T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]T(nil), *list...)
}

func (s *script) requests() []string      { return copied(s, &s.asked) }
func (s *script) sent() []string          { return copied(s, &s.bodies) }
func (s *script) logins() []string        { return copied(s, &s.auth) }
func (s *script) opened() []*scriptStream { return copied(s, &s.streams) }
func (s *script) acked() []string         { return copied(s, &s.acks) }
