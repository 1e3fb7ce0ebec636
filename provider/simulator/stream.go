package simulator

import (
	"net/http"
	"strings"
	"time"
)

// openStream answers the opening of a channel with a body that never ends: the
// Channel first, then each document as one chunk (dossier §3.1). A refusal is
// returned; a zero reply means that the stream was the answer.
func (s *Simulator) openStream(w http.ResponseWriter, r *request) reply {
	var ask channelRequest
	if !decode(r.body, &ask) || strings.TrimSpace(ask.SetID) == "" || len(ask.SetID) > 256 || len(ask.ApplicationID) > 256 {
		return refuse(RefusedBody)
	}
	ch := &channel{xsp: r.x, host: r.Host, owner: r.who.self, priority: ask.Priority, weight: ask.Weight, wake: make(chan struct{}, 1), broken: make(chan struct{})}
	orElse(&ch.priority, 1)
	orElse(&ch.weight, 50)
	ch.weight = max(ch.weight, 1)
	control := http.NewResponseController(w)

	s.mu.Lock()
	var seconds int64
	seconds, ch.expires = s.grant(ask.Expires)
	ch.id = s.rnd.uuid()
	session := strings.ToUpper(s.asked.hex(16))
	if s.closed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	if ch.owner != nil && ch.owner.gone {
		s.mu.Unlock()
		return refuse(RefusedCredentials)
	}
	if why := s.openChannel(ch, ask.SetID, ask.ApplicationID); why != "" {
		s.mu.Unlock()
		return refuse(why)
	}
	ch.interrupt = func(in time.Duration) { _ = control.SetWriteDeadline(time.Now().Add(in)) }
	s.streams.Add(1)
	s.mu.Unlock()
	defer s.streams.Done()
	defer s.closeStream(ch, control)

	h := w.Header()
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-XSS-Protection", "1; mode=block")
	h.Set("Set-Cookie", "JSESSIONID="+session+"; Path=/"+eventsContext+"; Secure; HttpOnly")
	h.Set("Expires", "Thu, 01 Jan 1970 00:00:00 GMT")
	h.Set("Content-Type", "text/xml;charset=UTF-8")
	h.Set("Server", "HTTP Server")
	head := xmlDocument(el("Channel", textEl("channelId", ch.id), textEl("expires", itoa(seconds))))
	s.stream(w, r, ch, control, head)
	return reply{}
}

// stream writes until the channel ends, the client leaves or a fault strikes.
func (s *Simulator) stream(w http.ResponseWriter, r *request, ch *channel, control *http.ResponseController, head []byte) {
	out := chunkWriter{s: s, w: w, r: r, ch: ch, control: control}
	if !s.awaitServer(r, ch) || !out.put(head) {
		return
	}
	s.mu.Lock()
	if f := s.struckChannel(ch); f != nil {
		s.strike(f, ch)
	}
	s.mu.Unlock()
	for {
		if !s.awaitServer(r, ch) {
			return
		}
		s.mu.Lock()
		docs, last := s.take(ch)
		cuts := s.cuts(ch, docs)
		s.mu.Unlock()
		if !out.write(docs, cuts) {
			return
		}
		if ch.aborted.Load() {
			panic(http.ErrAbortHandler)
		}
		if last {
			return
		}
		select {
		case <-ch.wake:
		case <-r.Context().Done():
			return
		case <-s.done:
			return
		}
	}
}

// struckChannel is the fault in force that hits a channel which was just opened.
func (s *Simulator) struckChannel(ch *channel) *fault {
	for _, f := range s.faults {
		switch f.kind {
		case faultDropChannel, faultEndChannel, faultForgetChannel:
			if f.strikes(ch, s) {
				return f
			}
		}
	}
	return nil
}

// awaitServer waits while the whole server stalls; false means the client left.
func (s *Simulator) awaitServer(r *request, ch *channel) bool {
	for {
		s.mu.Lock()
		f := s.stalled(ch)
		s.mu.Unlock()
		if f == nil || ch.aborted.Load() {
			return true
		}
		select {
		case <-f.over:
		case <-ch.wake: // perhaps aborted; the queue is looked at anyway
		case <-r.Context().Done():
			return false
		case <-s.done:
			return false
		}
	}
}

// closeStream is the end of the connection, whoever caused it. A channel whose
// client left is gone at once; its subscriptions stay (dossier §3.7).
func (s *Simulator) closeStream(ch *channel, control *http.ResponseController) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch.interrupt = nil
	_ = control.SetWriteDeadline(time.Time{})
	s.dropChannel(ch, "client left")
}
