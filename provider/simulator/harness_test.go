package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = "alice@demo.example"
	bob   = "bob@demo.example"
	carol = "carol@demo.example"

	actionsBase = "/com.broadsoft.xsi-actions/v2.0"
	eventsBase  = "/com.broadsoft.xsi-events/v2.0"
	channelURL  = "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel"
)

// pipes is a listener in memory, so that HTTP works inside a synctest bubble.
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

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a simulator, and a client of it, under a clock of their own.
type world struct {
	*testing.T
	sim     *Simulator
	listen  *pipes
	listens []*pipes // by XSP
	client  *http.Client
	user    string
}

// dialXSP reaches an XSP by its name, if it is there.
func (w *world) dialXSP(ctx context.Context, network, address string) (net.Conn, error) {
	var n int
	if _, err := fmt.Sscanf(address, "xsp%d.", &n); err != nil || n < 1 || n > len(w.listens) {
		return nil, fmt.Errorf("dial %s: no such host", address)
	}
	if !w.sim.Reachable(n - 1) {
		return nil, errors.New("dial: connection refused")
	}
	return w.listens[n-1].dial(ctx, network, address)
}

// at is the URL of a path on XSP n, counted from 1.
func at(n int, path string) string { return fmt.Sprintf("http://xsp%d.example%s", n, path) }

// inWorld runs a story in a bubble: minutes of ringing take no time.
func inWorld(t *testing.T, cfg Config, story func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if cfg.Seed == 0 {
			cfg.Seed = 1
		}
		for i := range max(cfg.XSPs, 1) {
			cfg.Bases = append(cfg.Bases, fmt.Sprintf("http://xsp%d.example", i+1))
		}
		w := &world{T: t, sim: New(cfg), user: "admin@simulator.example"}
		transport := &http.Transport{DialContext: w.dialXSP, MaxIdleConnsPerHost: 8}
		w.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		served := make(chan error, 16)
		for i := range cfg.Bases {
			p := newPipes()
			w.listens = append(w.listens, p)
			go func() { served <- w.sim.ServeXSP(i, p) }()
		}
		w.listen = w.listens[0]
		defer func() { // also when the story failed
			require.NoError(t, w.sim.Close())
			for range w.listens {
				require.NoError(t, <-served)
			}
			transport.CloseIdleConnections()
			w.pass(time.Second) // net/http lingers on a connection it refused
		}()
		story(w)
	})
}

// pass lets time go by, in the bubble.
func (w *world) pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(method, path, body string, headers ...string) answer {
	w.Helper()
	got, err := w.try(method, path, body, headers...)
	require.NoError(w, err)
	return got
}

func (w *world) try(method, path, body string, headers ...string) (answer, error) {
	if strings.HasPrefix(path, "/") {
		path = at(1, path)
	}
	req, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(w.user, "simulator")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(b)}, err
}

// field cuts the text of the first element of that name out of a document.
func (a answer) field(name string) string { return field(a.body, name) }

func field(doc, name string) string {
	_, rest, found := strings.Cut(doc, "<"+name+">")
	if !found {
		return ""
	}
	text, _, _ := strings.Cut(rest, "<")
	return text
}

func (w *world) action(method, path string) answer {
	w.Helper()
	return w.do(method, actionsBase+path, "")
}

// dial is click-to-dial; it returns the call's id.
func (w *world) dial(user, address string) string {
	w.Helper()
	got := w.action("POST", "/user/"+user+"/calls/new?address="+url.QueryEscape(address))
	require.Equal(w, 201, got.status, got.body)
	require.NotEmpty(w, got.field("externalTrackingId"))
	return got.field("callId")
}

func (w *world) call(user, id, verb string) {
	w.Helper()
	got := w.action("PUT", "/user/"+user+"/calls/"+id+"/"+verb)
	require.Equal(w, 200, got.status, got.body)
}

// control sends JSON to the control paths and reads the answer into out.
func (w *world) control(method, path, body string, status int, out any) {
	w.Helper()
	got := w.do(method, "/simulator"+path, body)
	require.Equal(w, status, got.status, got.body)
	if out != nil {
		require.NoError(w, json.Unmarshal([]byte(got.body), out))
	}
}

// ring makes a call come in at a phone.
func (w *world) ring(user, number string) string {
	w.Helper()
	var v callView
	w.control("POST", "/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"remote_name":"Grünberg & Co"}`, user, number), 201, &v)
	return v.CallID
}

func (w *world) verb(id, verb string) callView {
	w.Helper()
	var v callView
	w.control("POST", "/calls/"+id+"/"+verb, "", 200, &v)
	return v
}

func (w *world) fault(body string) string {
	w.Helper()
	var v faultView
	w.control("POST", "/faults", body, 201, &v)
	return v.FaultID
}

// stream is an open channel as a client holds it.
type stream struct {
	w      *world
	xsp    int
	id     string
	head   string // the Channel document
	setID  string
	docs   chan string
	cancel context.CancelFunc
	header http.Header
	mute   bool // does not acknowledge
}

// open opens a channel and reads it in the background.
func (w *world) open(setID string, extra ...string) *stream {
	w.Helper()
	return w.openAt(1, setID, extra...)
}

func (w *world) openAt(xsp int, setID string, extra ...string) *stream {
	w.Helper()
	st, err := w.tryOpenAt(xsp, setID, extra...)
	require.NoError(w, err)
	return st
}

func (w *world) tryOpenAt(xsp int, setID string, extra ...string) (*stream, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w.Cleanup(cancel)
	body := `<?xml version="1.0" encoding="UTF-8"?><Channel xmlns="http://schema.broadsoft.com/xsi"><channelSetId>` + setID +
		`</channelSetId>` + strings.Join(extra, "") + `</Channel>`
	req, err := http.NewRequestWithContext(ctx, "POST", at(xsp, channelURL), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.SetBasicAuth(w.user, "simulator")
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 200 {
		_ = res.Body.Close()
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	st := &stream{w: w, xsp: xsp, setID: setID, docs: make(chan string, 100000), cancel: cancel, header: res.Header}
	go st.read(res.Body)
	st.head = <-st.docs
	if st.id = field(st.head, "channelId"); st.id == "" {
		return nil, errors.New("the channel was lost at once")
	}
	return st, nil
}

var docEnds = []string{"</xsi:Event>", "</Channel>", string(heartbeat)}

// read frames the stream by the ends documents have.
func (st *stream) read(body io.ReadCloser) {
	defer func() { _ = body.Close(); close(st.docs) }()
	var buf bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := body.Read(chunk)
		buf.Write(chunk[:n])
		for {
			end := -1
			for _, mark := range docEnds {
				if i := strings.Index(buf.String(), mark); i >= 0 && (end < 0 || i+len(mark) < end) {
					end = i + len(mark)
				}
			}
			if end < 0 {
				break
			}
			st.docs <- string(buf.Next(end))
		}
		if err != nil {
			return
		}
	}
}

// next is the next document; "" when the stream ended.
func (st *stream) next() string {
	st.w.Helper()
	select {
	case d := <-st.docs:
		return d
	case <-time.After(10 * time.Minute):
		st.w.Fatal("nothing more came on the channel")
		return ""
	}
}

// event is an event as read.
type event struct {
	ID      string `xml:"eventID"`
	Seq     int64  `xml:"sequenceNumber"`
	SubID   string `xml:"subscriptionId"`
	Channel string `xml:"channelId"`
	User    string `xml:"userId"`
	Target  string `xml:"targetId"`
	Data    struct {
		Type  string    `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Call  xmlCall   `xml:"call"`
		Calls []xmlCall `xml:"calls>call"`
		Hook  string    `xml:"hookStatus"`

		Conference xmlConference `xml:"conference"`
	} `xml:"eventData"`
	raw string
}

type xmlCall struct {
	ID          string    `xml:"callId"`
	Tracking    string    `xml:"extTrackingId"`
	Personality string    `xml:"personality"`
	State       string    `xml:"state"`
	Cause       string    `xml:"releaseCause>internalReleaseCause"`
	Party       string    `xml:"releasingParty"`
	Name        string    `xml:"remoteParty>name"`
	Address     string    `xml:"remoteParty>address"`
	UserID      string    `xml:"remoteParty>userId"`
	CallType    string    `xml:"remoteParty>callType"`
	Reason      string    `xml:"redirect>reason"`
	Start       int64     `xml:"startTime"`
	Answer      int64     `xml:"answerTime"`
	Release     int64     `xml:"releaseTime"`
	Recall      string    `xml:"recallType"`
	ParkedAt    string    `xml:"groupCallParkLocationSelected"`
	Recording   string    `xml:"recordingState"`
	From        []string  `xml:"redirections>redirection>party>address"`
	Why         []string  `xml:"redirections>redirection>reason"`
	AllowAnswer *struct{} `xml:"allowAnswer"`
	Retrieve    *struct{} `xml:"allowRetrieve"`
}

type xmlConference struct {
	State string `xml:"state"`
	Calls []struct {
		ID    string    `xml:"callId"`
		Muted *struct{} `xml:"muted"`
		Deaf  *struct{} `xml:"deaf"`
	} `xml:"conferenceParticipantList>conferenceParticipant"`
}

// event is the next event, acknowledged; heartbeats are skipped.
func (st *stream) event() event {
	st.w.Helper()
	for {
		d := st.next()
		if d == string(heartbeat) {
			continue
		}
		ev := parse(st.w, d)
		if !st.mute {
			st.ack(ev.ID, 200)
		}
		return ev
	}
}

func parse(t testing.TB, d string) event {
	t.Helper()
	var ev event
	require.NoError(t, xml.Unmarshal([]byte(d), &ev), d)
	ev.raw = d
	return ev
}

func (st *stream) ack(eventID string, status int) {
	st.w.Helper()
	got := st.w.do("POST", at(st.xsp, eventsBase+"/channel/eventresponse"), fmt.Sprintf(
		`<?xml version="1.0" encoding="UTF-8"?><EventResponse xmlns="http://schema.broadsoft.com/xsi"><eventID>%s</eventID><statusCode>%d</statusCode><reason>OK</reason></EventResponse>`,
		eventID, status))
	require.Equal(st.w, 200, got.status)
}

// String says an event in a few words: "Held Held", "Released Released Busy".
func (ev event) String() string {
	name := strings.TrimSuffix(strings.TrimPrefix(ev.Data.Type, "xsi:"), "Event")
	switch c := ev.Data.Call; {
	case c.ID != "":
		words := []string{strings.TrimPrefix(name, "Call"), c.State, c.Personality}
		if c.Party != "" {
			words = append(words, c.Party)
		}
		if c.Cause != "" {
			words = append(words, c.Cause)
		}
		return strings.Join(words, " ")
	case ev.Data.Conference.State != "" && strings.HasPrefix(name, "Conference"):
		words := []string{name, ev.Data.Conference.State, fmt.Sprint(len(ev.Data.Conference.Calls))}
		for i, p := range ev.Data.Conference.Calls {
			if p.Muted != nil {
				words = append(words, fmt.Sprint("muted ", i))
			}
			if p.Deaf != nil {
				words = append(words, fmt.Sprint("deaf ", i))
			}
		}
		return strings.Join(words, " ")
	case ev.Data.Hook != "" && name == "HookStatus":
		return ev.Data.Hook
	}
	return name
}

// want reads as many events as given and compares them in the words of String.
func (st *stream) want(story ...string) []event {
	st.w.Helper()
	var got []event
	var words []string
	for range story {
		ev := st.event()
		got, words = append(got, ev), append(words, ev.String())
	}
	require.Equal(st.w, story, words)
	return got
}

// quiet lets time pass and wants no event in it.
func (st *stream) quiet(d time.Duration) {
	st.w.Helper()
	st.w.pass(d)
	for {
		select {
		case got := <-st.docs:
			if got != string(heartbeat) {
				st.w.Fatalf("unexpected: %q", got)
			}
		default:
			return
		}
	}
}

// follow subscribes the channel's set to a target and returns the subscription.
func (st *stream) follow(target string) string {
	st.w.Helper()
	got := st.w.do("POST", eventsBase+target, subscriptionBody(st.setID))
	require.Equal(st.w, 200, got.status, got.body)
	return got.field("subscriptionId")
}

func subscriptionBody(setID string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Subscription xmlns="http://schema.broadsoft.com/xsi"><event>Advanced Call</event>` +
		`<expires>3600</expires><channelSetId>` + setID + `</channelSetId><applicationId>offhook</applicationId></Subscription>`
}

// following is a channel that follows one user, its first snapshot read, with
// a heartbeat that keeps it alive.
func (w *world) following(user string) *stream {
	w.Helper()
	st := w.open("set-" + user)
	st.follow("/user/" + user)
	st.want("CallSubscription")
	return st
}

// patient is a Config without the timeouts that are not the story's subject.
func patient() Config {
	return Config{HeartbeatTimeout: -1, HeartbeatEvery: -1, ActionDelay: -1}
}
