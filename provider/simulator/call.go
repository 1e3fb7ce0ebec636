package simulator

import "slices"

// half is one subscriber's side of a call, what BroadWorks calls a call half.
// Two subscribers talking to each other have two, joined by peer and by the
// tracking id. Guarded by Simulator.mu.
type half struct {
	id         string // callhalf-<n>:0
	trackingID string // <n>:1, the same for both halves
	networkID  string // SIP Call-ID of the network leg; empty between subscribers
	phone      *phone
	remote     party
	dialled    string // clean address the subscriber called; empty for a Terminator
	peer       *half  // the other subscriber's half; nil when the far end is outside
	far        behaviour

	personality string
	stage       stage
	lifted      bool // the subscriber's own phone is off-hook in this call
	localHold   bool
	farHold     bool // an outside far end holds us; for a peer its localHold counts
	releasing   bool
	answering   bool // it becomes active right now: a far end that holds is told next
	device      bool // the phone is chosen: endpoint and appearance are told
	appearance  int

	startTime, answerTime, heldTime, totalHeld int64 // ms
	detachedTime, releaseTime                  int64
	releasingParty, cause                      string
	redirect                                   *redirect
	redirections                               []redirection // how an incoming call came here, for as long as it is not answered
	diverted                                   []redirection // how our call came to where it rings now
	recall                                     string        // it came back to this phone, and why (dossier §2.3)

	waits        bool    // parked: our far end is music, in an orbit or while the parker's phone rings
	orbit        *parked // where we wait; nil while we do not, and once the parker's phone rings
	parkLocation string  // where a group park put our far end

	recording string // a word of the dossier §2.3; empty for none
	recorded  bool   // it is, or was
	recorder  *task  // begins to record

	conf        *conference // we are in; nil for none
	muted, deaf bool        // in it
	digits      string      // the last that were sent (TransmitDTMF)

	tasks []*task // of the present stage; stopped when it changes
}

type stage uint8

const (
	alerting stage = iota
	active
	detached
	released
)

type redirect struct {
	address, reason string
	at              int64
}

// redirection is one station on the way of a call that was sent on.
type redirection struct {
	from   party
	reason string
}

// maxRedirections is how many stations are told; the oldest are forgotten.
const maxRedirections = 10

// The personalities of the dossier §2.3.
const (
	originator  = "Originator"
	terminator  = "Terminator"
	clickToDial = "Click-to-Dial"
)

// Who released, and why (dossier §2.3).
const (
	localRelease  = "localRelease"
	remoteRelease = "remoteRelease"

	causeBusy        = "Busy"
	causeForbidden   = "Forbidden" // what a production handler reads as "rejected" (dossier §2.3)
	causeUnavailable = "Temporarily Unavailable"
	causeNotFound    = "User Not Found" // nothing is parked there
)

func (h *half) live() bool { return h.stage == alerting || h.stage == active }

// ringsHere: the subscriber's own phone rings, so that Talk lifts it.
func (h *half) ringsHere() bool { return h.stage == alerting && !h.lifted }

// heldByFarEnd is only shown while we do not hold ourselves (dossier §2.4).
func (h *half) heldByFarEnd() bool {
	if h.answering {
		return false
	}
	if h.waits {
		return true
	}
	if h.peer != nil {
		return h.peer.stage == active && h.peer.localHold
	}
	return h.farHold
}

// state is the word of the dossier §2.3.
func (h *half) state() string {
	switch {
	case h.stage == alerting:
		return "Alerting"
	case h.stage == detached:
		return "Detached"
	case h.stage == released:
		return "Released"
	case h.localHold:
		return "Held"
	case h.heldByFarEnd():
		return "Remote Held"
	}
	return "Active"
}

// newHalf puts a call on p's phone, alerting.
func (s *Simulator) newHalf(p *phone, personality string, remote party, trackingID string) *half {
	s.lastHalf++
	h := &half{
		id: "callhalf-" + itoa(s.lastHalf) + ":0", trackingID: trackingID,
		phone: p, remote: remote, personality: personality,
		appearance: p.appearance(), device: true, far: p.behave, startTime: s.now(),
	}
	if remote.callType == "Network" {
		h.networkID = "BW" + itoa(s.lastHalf) + itoa(h.startTime) + "@sip." + domain
	}
	s.calls[h.id] = h
	p.calls = append(p.calls, h)
	s.stats.CallsStarted++
	return h
}

func (s *Simulator) newTracking() string {
	s.lastTracking++
	if s.lastTracking > 1<<31-1 {
		s.lastTracking = 1 // the counter wraps (dossier §2.2)
	}
	return itoa(s.lastTracking) + ":1"
}

// forget takes an ended call off the switch and off the phone.
func (s *Simulator) forget(h *half) {
	delete(s.calls, h.id)
	h.phone.calls = slices.DeleteFunc(h.phone.calls, func(o *half) bool { return o == h })
	s.stats.CallsReleased++
}

// later runs fn after d if the call is still at the same stage.
func (s *Simulator) later(h *half, d duration, fn func()) {
	h.tasks = append(h.tasks, s.after(d, fn))
}

// enter moves the call to a stage and stops what was planned for the last one.
func (s *Simulator) enter(h *half, to stage) {
	for _, t := range h.tasks {
		s.stop(t)
	}
	h.tasks = h.tasks[:0]
	h.stage = to
}

// callNode is the Call with its fields in the order of the schema (dossier §2.1).
func callNode(h *half) *node {
	n := el("call")
	n.kids = make([]*node, 0, 16)
	n.addText("callId", h.id)
	n.addText("extTrackingId", h.trackingID)
	if h.remote.callType == "Network" { // no more once it was transferred to a subscriber
		n.addMaybe("networkCallId", h.networkID)
	}
	n.addText("personality", h.personality)
	n.addText("state", h.state())
	if h.cause != "" {
		n.add(el("releaseCause", textEl("internalReleaseCause", h.cause)))
	}
	n.addMaybe("releasingParty", h.releasingParty)
	n.add(h.remote.node("remoteParty"))
	if len(h.redirections) > 0 && h.ringsHere() {
		list := el("redirections")
		for _, r := range h.redirections {
			list.add(el("redirection", r.from.node("party"), textEl("reason", r.reason)))
		}
		n.add(list)
	}
	if r := h.redirect; r != nil {
		red := el("redirect")
		if r.address != "" {
			red.add(addressEl("address", r.address))
		}
		red.addText("reason", r.reason)
		red.addTime("redirectTime", r.at)
		n.add(red)
	}
	if h.device {
		n.add(el("endpoint", textEl("addressOfRecord", h.phone.SubscriberID)).
			with(attr{name: "xsi1:type", value: "AccessEndpoint", qname: true}))
		n.addText("appearance", itoa(int64(h.appearance)))
	}
	if h.ringsHere() {
		n.add(el("allowAnswer"))
	}
	if h.stage == active && h.localHold {
		n.add(el("allowRetrieve"))
	}
	n.addMaybe("recallType", h.recall)
	n.addTime("startTime", h.startTime)
	for _, t := range []struct {
		name string
		ms   int64
	}{
		{"answerTime", h.answerTime}, {"heldTime", h.heldTime}, {"totalHeldTime", h.totalHeld},
		{"detachedTime", h.detachedTime}, {"releaseTime", h.releaseTime},
	} {
		if t.ms != 0 {
			n.addTime(t.name, t.ms)
		}
	}
	n.addMaybe("groupCallParkLocationSelected", h.parkLocation)
	if h.recorded {
		n.add(el("recorded"))
	}
	n.addMaybe("recordingState", h.recording)
	return n
}
