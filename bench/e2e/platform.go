package e2e

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// platform is as much of a BroadWorks as offhook needs to follow users and to
// control their calls: an XSP, and lines on which things happen when the
// generator says so.
type platform struct {
	ln     net.Listener
	server *fasthttp.Server

	mu      sync.Mutex
	lines   []*line
	contact string // where events are POSTed; empty for over the channel
	strange []string

	channel channel

	subscribed atomic.Int64
	acked      atomic.Int64  // of all events, each once
	repeats    atomic.Int64  // acknowledgements that came again
	requests   atomic.Int64  // of acknowledgements
	freed      chan struct{} // has room for one: an acknowledgement came
}

func newPlatform(lines int) (*platform, error) {
	p := &platform{freed: make(chan struct{}, 1)}
	for i := range lines {
		p.lines = append(p.lines, &line{id: i})
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.ln = ln
	p.server = &fasthttp.Server{Handler: p.handle, NoDefaultServerHeader: true, NoDefaultDate: true, Logger: mute{}, MaxRequestBodySize: 64 << 10}
	go func() { _ = p.server.Serve(ln) }()
	return p, nil
}

// mute drops what a server says of clients that went away.
type mute struct{}

func (mute) Printf(string, ...any) {}

func (p *platform) close() error {
	p.channel.close()
	return p.server.Shutdown()
}

const (
	eventsPath  = "/com.broadsoft.xsi-events/v2.0/"
	actionsPath = "/com.broadsoft.xsi-actions/v2.0/user/"
	asyncPath   = "/com.broadsoft.async/com.broadsoft.xsi-events/v2.0/channel"
)

func (p *platform) handle(ctx *fasthttp.RequestCtx) {
	path, method := string(ctx.Path()), string(ctx.Method())
	ctx.SetContentType("text/xml;charset=UTF-8")
	switch rest, events := strings.CutPrefix(path, eventsPath); {
	case events && rest == "channel/eventresponse":
		p.acknowledge(ctx.PostBody())
	case events && strings.HasSuffix(rest, "/heartbeat"):
		p.channel.say([]byte(`<ChannelHeartBeat ` + xsi + `/>`))
	case events && strings.HasPrefix(rest, "channel/") && method == "PUT":
		ctx.SetBodyString(declaration + "\n<Channel " + xsi + "><channelId>" + channelID + "</channelId><expires>86400</expires></Channel>")
	case events && strings.HasPrefix(rest, "channel/") && method == "DELETE":
	case events && (strings.HasPrefix(rest, "user/") || strings.HasPrefix(rest, "subscription/")):
		p.subscription(ctx, rest, method)
	case path == asyncPath:
		p.channel.open(ctx)
	case strings.HasPrefix(path, actionsPath):
		p.action(ctx, path[len(actionsPath):], method)
	default:
		p.refuse(ctx, method, path)
	}
}

// maxStrange is how many requests are kept that nobody expects.
const maxStrange = 5

func (p *platform) refuse(ctx *fasthttp.RequestCtx, method, path string) {
	p.wonder(method + " " + path)
	ctx.SetStatusCode(fasthttp.StatusNotFound)
}

func (p *platform) wonder(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.strange) < maxStrange {
		p.strange = append(p.strange, what)
	}
}

// lineIn finds the line that a prefix in some text speaks of.
func (p *platform) lineIn(text, prefix string) *line {
	n, ok := lineAt([]byte(text), prefix)
	if !ok || n >= len(p.lines) {
		return nil
	}
	return p.lines[n]
}

// subscription makes, renews or ends one. Making and renewing bring a snapshot,
// which may come before the answer.
func (p *platform) subscription(ctx *fasthttp.RequestCtx, rest, method string) {
	l := p.lineIn(rest, userPrefix)
	if l == nil {
		l = p.lineIn(rest, subscriptionPrefix)
	}
	if l == nil {
		p.refuse(ctx, method, rest)
		return
	}
	if method == "DELETE" {
		return
	}
	if _, uri, ok := strings.Cut(string(ctx.PostBody()), "<uri>"); ok {
		uri, _, _ = strings.Cut(uri, "</uri>")
		p.mu.Lock()
		p.contact = uri
		p.mu.Unlock()
	}
	l.mu.Lock()
	if !l.subscribed {
		l.subscribed = true
		p.subscribed.Add(1)
	}
	ctx.SetBody(append(appendSubscription([]byte(declaration+"\n<Subscription "+xsi+"><subscriptionId>"), l.id), "</subscriptionId><expires>86400</expires></Subscription>"...))
	if to := p.contactURL(); to != "" {
		// After the answer: the first document of a contact waits for it anyway.
		doc := l.snapshot(nil, true, time.Now().UnixMilli())
		sequence := l.sequence
		l.mu.Unlock()
		go p.postOnce(to, l, sequence, doc)
		return
	}
	p.channel.say(l.snapshot(nil, false, time.Now().UnixMilli()))
	l.mu.Unlock()
}

func (p *platform) contactURL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.contact
}

// action is what a phone is asked for. What it asks for happens at once, and
// its event may come before the answer, as on a real platform.
func (p *platform) action(ctx *fasthttp.RequestCtx, rest, method string) {
	l := p.lineIn(rest, userPrefix)
	words := strings.Split(rest, "/")
	switch {
	case len(words) == 2 && words[1] == "profile":
		ctx.SetBodyString(declaration + "\n<Profile " + xsi + "/>")
		return
	case l == nil || len(words) != 4 || words[1] != "calls" || method != "PUT":
		p.refuse(ctx, method, rest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	want := map[string]int{"Hold": atHeld, "Talk": atResumed}[words[3]]
	if want == 0 || string(appendCall(nil, l.id, l.steps/len(life))) != words[2] {
		p.refuse(ctx, method, rest)
		return
	}
	l.sequence++
	l.open++
	// The call goes back and forth between held and active, so its steps do not move on.
	p.channel.say(appendEvent(nil, false, l.id, l.sequence, l.steps, want, time.Now().UnixMilli()))
}

func (p *platform) acknowledge(body []byte) {
	p.requests.Add(1)
	line, sequence, ok := eventOf(body)
	if !ok || line >= len(p.lines) {
		p.wonder(fmt.Sprintf("an acknowledgement of nothing: %.200q", body))
		return
	}
	p.settled(p.lines[line], sequence)
}

func (p *platform) settled(l *line, sequence uint64) {
	l.mu.Lock()
	first, known := l.acknowledged(sequence)
	l.mu.Unlock()
	switch {
	case !known:
		p.wonder(fmt.Sprintf("line %d: an acknowledgement of %d, which there is not", l.id, sequence))
	case first:
		p.acked.Add(1)
	default:
		p.repeats.Add(1)
	}
	select {
	case p.freed <- struct{}{}:
	default:
	}
}
