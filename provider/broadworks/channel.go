package broadworks

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"offhook/engine/maybe"
)

var (
	errSilent    = errors.New("the event stream went silent")
	errGone      = errors.New("the XSP no longer knows the channel")
	errHeartbeat = errors.New("heartbeats are not answered")
	errRebuild   = errors.New("the platform no longer knows the channel set")
	errDuplicate = errors.New("another client opened a channel set with our application id")
	errNoChannel = errors.New("no channel in the answer")
	errNoRoom    = errors.New("there is no room on the disk for what the platform tells")
)

// channel is one open event stream.
type channel struct {
	x       *xsp // whoever answered: heartbeats, renewals and acks go there too
	id      string
	granted time.Duration
	end     context.CancelCauseFunc
}

// keep holds a channel on one XSP for as long as ctx lives: it builds it again
// whenever it ends, after a pause with full jitter.
func (p *Provider) keep(ctx context.Context, x *xsp) {
	if p.contact.on {
		return // events come the other way
	}
	for failures := 0; ctx.Err() == nil && !x.left.Load(); {
		if p.gate.wait(ctx) != nil || !p.waitDuplicate(ctx) {
			return
		}
		if waited, ok := p.waitRoom(ctx, x); !ok {
			return
		} else if waited {
			failures = 0
		}
		if p.gate.refusing() {
			continue // it closed again while we waited
		}
		held, err := p.hold(ctx, x)
		if ctx.Err() != nil {
			return
		}
		if held >= p.cfg.BackoffMax {
			failures = 0
		}
		wait := p.backoff(failures)
		if held >= p.cfg.BackoffMin {
			// An XSP that opens channels is there. It ends them every few seconds
			// while more is told than can be acknowledged, and when that is over
			// nobody is to wait for what it took before.
			wait = min(wait, held)
		}
		failures++
		switch afterEnd(err) {
		case thenYield:
			p.yieldSet()
			continue
		case thenProbe:
			p.gate.doubt()
		case thenWait:
			wait = p.cfg.BackoffMax/2 + time.Duration(p.cfg.Random()*float64(p.cfg.BackoffMax/2))
		case thenAsk:
			wait = p.cfg.RefusedWait/2 + time.Duration(p.cfg.Random()*float64(p.cfg.RefusedWait))
		}
		p.trouble(x, err)
		if err == errElsewhere { // as the platform wants it: nothing is amiss
			if !p.pause(ctx, wait, nil) {
				return
			}
			continue
		}
		p.cfg.Log.Warn("event stream ended", "xsp", x.base.Host, "after", held.Round(time.Millisecond), "reason", reasonOf(err))
		p.cfg.Metrics.reconnected(p.cfg.NetworkID)
		if !p.pause(ctx, wait+x.limit.pause(), nil) {
			return
		}
	}
}

// yieldSet leaves the channel set to the client that took it: two that fight
// end each other's channels for ever (dossier §3.1).
func (p *Provider) yieldSet() {
	p.mu.Lock()
	known := time.Now().Before(p.duplicate)
	if !known {
		p.duplicate = time.Now().Add(p.cfg.Duplicate)
	}
	p.mu.Unlock()
	if known { // its other channels end the same way
		return
	}
	p.endChannels(errDuplicate)
	p.cfg.Log.Error("another client opened a channel set with our application id and took over; "+
		"give each installation an application_id of its own", "application_id", p.cfg.Network.ApplicationID, "retry_in", p.cfg.Duplicate)
	p.touch()
}

func (p *Provider) waitDuplicate(ctx context.Context) bool {
	for {
		p.mu.RLock()
		left := time.Until(p.duplicate)
		p.mu.RUnlock()
		if left <= 0 {
			return true
		}
		if !p.pause(ctx, left, nil) {
			return false
		}
	}
}

// roomEvery is how often it is asked whether there is room again.
const roomEvery = 250 * time.Millisecond

// waitRoom waits while events cannot be taken. A channel whose events are not
// answered is ended by the platform within seconds (dossier §3.5), and the next
// would be too.
func (p *Provider) waitRoom(ctx context.Context, x *xsp) (waited, ok bool) {
	for p.cfg.Full != nil && p.cfg.Full() {
		if !waited {
			p.trouble(x, errNoRoom)
		}
		waited = true
		if !p.pause(ctx, roomEvery, nil) {
			return waited, false
		}
	}
	return waited, true
}

// endChannels ends all channels; they are built again by their keepers.
func (p *Provider) endChannels(cause error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for ch := range p.channels {
		ch.end(cause)
	}
}

// hold opens a channel and reads it to its end. It returns how long it was up.
func (p *Provider) hold(ctx context.Context, x *xsp) (held time.Duration, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	defer func() {
		if cause := context.Cause(ctx); cause != nil && err != nil && afterEnd(err) == thenRebuild {
			err = cause // what cut the stream says more than how that looked
		}
	}()
	watchdog := time.AfterFunc(p.cfg.Request, func() { end(errSilent) })
	defer watchdog.Stop()
	x, res, err := p.open(ctx, x)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	stream := newReader(maybe.Reader("broadworks: a short read of the event stream", res.Body), p.cfg.MaxDocument, p.cfg.CountryCode, func() { watchdog.Reset(p.cfg.Silence) })
	ch := &channel{x: x, end: end}
	err = p.greet(stream, ch)
	up := err == nil && p.up(ch)
	p.unreserve(x)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if !up {
		p.closeChannel(ctx, x, ch.id)
		return 0, errDuplicate
	}
	defer p.down(ch)
	pulse := make(chan struct{})
	go func() {
		defer close(pulse)
		p.pulse(ctx, ch)
	}()
	err = p.listen(stream, ch)
	end(err)
	<-pulse
	return time.Since(began), err
}

// open posts the channel, following redirects to our other XSPs. Whoever answers
// is reserved for it, since each XSP has one: see reserve.
func (p *Provider) open(ctx context.Context, x *xsp) (*xsp, *http.Response, error) {
	body := p.channelBody()
	target := x.base.String() + p.cfg.Network.ChannelPath + "/v2.0/channel"
	for hop := 0; ; hop++ {
		if !p.reserve(x) {
			return nil, nil, errElsewhere
		}
		header, version, ok := p.gate.pass()
		if !ok {
			p.unreserve(x)
			return nil, nil, errGateClosed
		}
		began := time.Now()
		req, err := newRequest(ctx, http.MethodPost, target, body)
		if err != nil {
			p.unreserve(x)
			return nil, nil, err
		}
		jar := p.jarOf(x, req.URL.Path)
		jar.sign(req, header)
		res, err := p.clients.stream.Do(req)
		if err != nil {
			p.unreserve(x)
			p.cfg.Metrics.requested(p.cfg.NetworkID, opChannel, "broken", time.Since(began))
			return nil, nil, err
		}
		p.cfg.Metrics.requested(p.cfg.NetworkID, opChannel, strconv.Itoa(res.StatusCode/100)+"xx", time.Since(began))
		jar.learn(res, res.StatusCode == http.StatusOK)
		p.heed(x, res)
		if res.StatusCode == http.StatusOK {
			return x, res, nil
		}
		p.unreserve(x)
		switch {
		case res.StatusCode/100 == 3 && hop < maxRedirects:
			next, nextURL := p.redirected(x, target, res.Header.Get("Location"))
			_ = res.Body.Close()
			if next == nil {
				return nil, nil, errRedirect
			}
			x, target = next, nextURL
			continue
		case res.StatusCode == http.StatusUnauthorized:
			if p.gate.refuse(version) {
				p.alarmGate()
				p.touch()
			}
		}
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		_ = res.Body.Close()
		return nil, nil, &channelRefused{answer{status: res.StatusCode, code: errorCode(text)}}
	}
}

// closeChannel has the platform end a channel, and move what it still owes to
// the others of the set.
func (p *Provider) closeChannel(ctx context.Context, x *xsp, id string) {
	_, _ = p.do(ctx, x, request{
		op: opChannel, method: http.MethodDelete, unbounded: true,
		path: p.cfg.Network.EventsPath + "/v2.0/channel/" + escape(id),
	})
}

// reserve takes an XSP for the channel that is being opened there. It reports
// false when it has one of ours, or is getting one: another sent us there.
func (p *Provider) reserve(x *xsp) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if x.streams > 0 || x.opening {
		return false
	}
	x.opening = true
	return true
}

func (p *Provider) unreserve(x *xsp) {
	p.mu.Lock()
	x.opening = false
	p.mu.Unlock()
}

// greet reads the Channel document a stream begins with.
func (p *Provider) greet(stream *reader, ch *channel) error {
	for {
		doc, misread, err := stream.next()
		switch {
		case err != nil:
			return err
		case misread != nil:
			return errNoChannel
		case doc.kind == docHeartbeat:
			continue
		case doc.kind != docChannel || doc.channelID.empty():
			return errNoChannel
		}
		ch.id = doc.text(doc.channelID)
		ch.granted = granted(doc.expires)
		return nil
	}
}

// granted is how long something lives that was granted for so many seconds.
// Only the returned value counts (dossier §3.1); 2147483647 is for ever.
func granted(seconds int64) time.Duration {
	if seconds <= 0 {
		seconds = 3600
	}
	return time.Duration(min(seconds, 7*24*3600)) * time.Second
}

// listen dispatches what the stream says until it ends.
func (p *Provider) listen(stream *reader, ch *channel) error {
	for {
		doc, misread, err := stream.next()
		if err != nil {
			return err
		}
		if misread != nil {
			p.misread(asker{x: ch.x}, doc, misread)
			continue
		}
		switch {
		case doc.kind != docEvent: // a heartbeat, or something newer than we are
		case doc.event == eventChannelTerminated:
			end := endedFor(doc.text(doc.reason))
			p.cfg.Metrics.channelEnded(p.cfg.NetworkID, end.reason)
			return end
		case doc.event == eventError:
			p.cfg.Log.Warn("the platform reports an error on the event stream", "code", doc.errorCode)
			p.answer(asker{x: ch.x}, strings.Clone(doc.text(doc.eventID)), ackOK) // if it has an id at all
		default:
			p.dispatch(asker{x: ch.x}, doc)
		}
	}
}
