package simulator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// xsp is one way into the switch, as one Xtended Services Platform is. A
// channel belongs to the one it was opened at: the others answer 404 to what
// is about it (dossier §3.2).
type xsp struct {
	sim  *Simulator
	name string // xsp1, xsp2, …

	// Guarded by Simulator.mu.
	base      string    // its URL, as the others name it in a redirect
	downUntil time.Time // a restart of it alone takes this long
	count     XSPStats
	second    int64 // which count.now is of
}

// named reports whether a fault's word means this XSP: its name, or how the
// client addresses it.
func (x *xsp) named(word, host string) bool {
	if _, after, ok := strings.Cut(word, "://"); ok {
		word = strings.TrimSuffix(after, "/")
	}
	_, known, _ := strings.Cut(x.base, "://")
	return strings.EqualFold(word, x.name) || host != "" && strings.EqualFold(word, host) ||
		known != "" && strings.EqualFold(word, known)
}

// request is an Xsi request, past the things that can be wrong with any.
type request struct {
	*http.Request
	x     *xsp
	who   identity
	path  []string // below the version, as sent; words are compared without regard to case
	body  []byte
	phone *phone // the user in the path, if any
}

// reply is an answer to be written once nothing is locked any more.
type reply struct {
	status  int
	body    *node
	lat1    bool // from the provisioning store (dossier §1.3)
	refused Refusal
	// location goes with a 302: another XSP (dossier §1.2).
	location string
	// contentLocation names the orbit of a parked call (dossier §1.4).
	contentLocation string
	then            func() // runs with mu held, when the answer is written
}

func ok(body *node) reply       { return reply{status: http.StatusOK, body: body} }
func refuse(why Refusal) reply  { return reply{refused: why} }
func is(word, want string) bool { return strings.EqualFold(word, want) }
func (r *request) at(i int) string {
	if i < len(r.path) {
		return r.path[i]
	}
	return ""
}

const maxBody = 64 << 10

// contexts are the names the three applications have unless an operator
// renames them (dossier §1.1, §3.1).
const (
	actionsContext = "com.broadsoft.xsi-actions"
	eventsContext  = "com.broadsoft.xsi-events"
	asyncContext   = "com.broadsoft.async"
)

// ServeHTTP finds out what is asked. Paths are cut by hand: their words come
// in any case, ids contain '@' and ':' raw or escaped (dossier §3.10, 6).
func (x *xsp) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	s := x.sim
	words := strings.Split(strings.Trim(hr.URL.Path, "/"), "/")
	if words[0] == "simulator" {
		s.control(w, hr, words[1:])
		return
	}
	if !x.reachable() {
		panic(http.ErrAbortHandler) // nobody is there: the connection breaks
	}
	if is(words[0], asyncContext) {
		words = words[1:]
	}
	context := ""
	if len(words) > 1 {
		context, words = words[0], words[2:] // the version says nothing here
	}
	r := &request{Request: hr, x: x, path: words}
	rep := x.admit(w, r)
	if rep.refused == "" && rep.status == 0 {
		switch {
		case is(context, actionsContext):
			rep = s.actions(r)
		case is(context, eventsContext) && hr.Method == http.MethodPost && len(words) == 1 && is(words[0], "channel"):
			if rep = s.openStream(w, r); rep.status == 0 && rep.refused == "" {
				return // the stream was the answer
			}
		case is(context, eventsContext):
			rep = s.events(r)
		default:
			rep = refuse(RefusedUnknownPath)
		}
	}
	if s.stallAnswer(r) {
		s.afterwards(rep)
		return
	}
	s.write(w, r, rep)
	s.afterwards(rep)
}

// afterwards does what a reply left for after its writing, written or not.
func (s *Simulator) afterwards(rep reply) {
	if rep.then != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		rep.then()
	}
}

// admit reads the body, who asks, and for whom.
func (x *xsp) admit(w http.ResponseWriter, r *request) reply {
	s := x.sim
	tracking := r.Header.Get("TrackingID")
	if tracking == "" || len(tracking) > 256 {
		s.mu.Lock()
		tracking = "NA_" + s.asked.uuid()
		s.mu.Unlock()
	}
	w.Header()["TrackingID"] = []string{tracking}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return refuse(RefusedTooLarge)
		}
		return refuse(RefusedBody)
	}
	r.body = body
	if rep := x.obstruct(r); rep.status != 0 || rep.refused != "" {
		return rep
	}
	var known bool
	if r.who, known = s.identify(r.Request); !known {
		return refuse(RefusedCredentials)
	}
	if is(r.at(0), "user") && len(r.path) > 1 {
		s.mu.Lock()
		r.phone = s.phoneOf(r.path[1])
		s.mu.Unlock()
		if r.phone == nil {
			return refuse(RefusedUnknownUser)
		}
		if !r.who.mayActFor(r.phone) {
			return refuse(RefusedUser)
		}
	}
	return reply{}
}

// stallAnswer keeps an answer back while a stall is in force, and reports
// whether the client left meanwhile. What was asked is done by then: that is
// the nastier half of a server that hangs.
func (s *Simulator) stallAnswer(r *request) bool {
	s.mu.Lock()
	f := s.struck(faultStall, r.x, r.Host, r.phone)
	if f == nil || s.closed {
		s.mu.Unlock()
		return false
	}
	s.streams.Add(1)
	s.mu.Unlock()
	defer s.streams.Done()
	select {
	case <-f.over:
		return false
	case <-r.Context().Done():
	case <-s.done:
	}
	return true
}

// write sends a reply in the representation the client wants (dossier §1.3).
func (s *Simulator) write(w http.ResponseWriter, r *request, rep reply) {
	if rep.refused != "" {
		info := s.errorInfo(rep.refused)
		rep.status, rep.body, rep.lat1 = info.Status, errorNode(info), true
		s.countRefusal(rep.refused)
		if info.Status == http.StatusUnauthorized && !strings.EqualFold(r.Header.Get("X-BroadWorks-No-AuthChallenge"), "true") {
			w.Header().Set("WWW-Authenticate", `Basic realm="BroadWorks"`)
		}
	}
	var body []byte
	if rep.body != nil {
		kind := "application/xml;charset=UTF-8"
		switch {
		case wantsJSON(r.Request):
			kind, body = "application/json;charset=UTF-8", jsonDocument(rep.body)
		case rep.lat1:
			kind, body = "application/xml;charset=ISO-8859-1", lat1Document(rep.body)
		default:
			body = xmlDocument(rep.body)
		}
		w.Header().Set("Content-Type", kind)
	}
	if rep.location != "" {
		w.Header().Set("Location", rep.location)
	}
	if rep.contentLocation != "" {
		w.Header().Set("Content-Location", rep.contentLocation)
	}
	w.Header().Set("Content-Length", itoa(int64(len(body))))
	w.WriteHeader(rep.status)
	_, _ = w.Write(body) // a client that left is no news
	if rep.then != nil {
		_ = http.NewResponseController(w).Flush() // it comes after the answer
	}
}

func (s *Simulator) countRefusal(why Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Refusals[string(why)]++
	if why == RefusedCredentials {
		s.stats.Unauthorized++
	}
}

func wantsJSON(r *http.Request) bool {
	if format := r.URL.Query().Get("format"); format != "" {
		return is(format, "json")
	}
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "application/json")
}
