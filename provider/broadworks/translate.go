package broadworks

import "offhook/engine"

// eventType is the type of an Event element itself.
type eventType uint8

const (
	eventUnknown eventType = iota
	eventSubscription
	eventChannelTerminated
	eventError
)

func eventTypeOf(name []byte) eventType {
	switch string(name) {
	case "SubscriptionEvent":
		return eventSubscription
	case "ChannelTerminatedEvent":
		return eventChannelTerminated
	case "ErrorEvent":
		return eventError
	}
	return eventUnknown
}

// payloadType is the type of an event's eventData.
type payloadType uint16

const (
	payloadUnknown payloadType = iota // also: none
	payloadCall                       // a change of one call, or several: see kinds
	payloadSnapshot
	payloadHook
	payloadTerminated          // the subscription ended
	payloadKinds      = 1 << 8 // with a call event or a conference's: | its engine.EventKind | a hint
)

func kindPayload(k engine.EventKind) payloadType { return payloadKinds | payloadType(k) }

// payloadTypeOf reads the event names of the dossier §2.4.
func payloadTypeOf(name []byte) payloadType {
	switch string(name) {
	case "CallReceivedEvent":
		return kindPayload(engine.EventReceived)
	case "CallOriginatingEvent":
		return kindPayload(engine.EventOriginating)
	case "CallOriginatedEvent":
		return kindPayload(engine.EventOriginated)
	case "CallCollectingEvent":
		return kindPayload(engine.EventCollecting)
	case "CallForwardedEvent":
		return kindPayload(engine.EventForwarded)
	case "CallAnsweredEvent":
		return kindPayload(engine.EventAnswered)
	case "CallHeldEvent":
		return kindPayload(engine.EventHeld)
	case "CallRetrievedEvent":
		return kindPayload(engine.EventRetrieved)
	case "CallUpdatedEvent":
		return kindPayload(engine.EventUpdated)
	case "CallTransferredEvent":
		return kindPayload(engine.EventTransferred)
	case "CallRedirectedEvent":
		return kindPayload(engine.EventRedirected)
	case "CallPickedUpEvent":
		return kindPayload(engine.EventPickedUp)
	case "CallReleasingEvent":
		return kindPayload(engine.EventReleasing)
	case "CallDetachedEvent":
		return kindPayload(engine.EventDetached)
	case "CallReleasedEvent":
		return kindPayload(engine.EventReleased)
	case "CallSubscriptionEvent", "CallSubscriptionResyncEvent":
		return payloadSnapshot
	case "HookStatusEvent":
		return payloadHook
	case "SubscriptionTerminatedEvent":
		return payloadTerminated
	}
	return rareEventOf(name)
}

// kind is what the core calls the event.
func (t payloadType) kind() engine.EventKind {
	switch {
	case t&payloadKinds != 0:
		return engine.EventKind(t & (1<<hintShift - 1)) // #nosec G115 -- five bits
	case t == payloadSnapshot:
		return engine.EventSnapshot
	case t == payloadHook:
		return engine.EventHook
	}
	return engine.EventOther
}

// callState is the state element of a call (dossier §2.3).
type callState uint8

const (
	stateAbsent callState = iota
	stateAlerting
	stateActive
	stateHeld
	stateRemoteHeld
	stateDetached
	stateReleased
	stateIdle
	stateOther // a word nobody knows
)

func callStateOf(w []byte) callState {
	switch string(w) {
	case "Alerting":
		return stateAlerting
	case "Active":
		return stateActive
	case "Held":
		return stateHeld
	case "Remote Held":
		return stateRemoteHeld
	case "Detached":
		return stateDetached
	case "Released":
		return stateReleased
	case "Idle":
		return stateIdle
	case "":
		return stateAbsent
	}
	return stateOther
}

func personalityOf(w []byte) engine.Personality {
	switch string(w) {
	case "Originator":
		return engine.Originator
	case "Terminator":
		return engine.Terminator
	case "Click-to-Dial":
		return engine.ClickToDial
	}
	return engine.PersonalityUnknown
}

func partyOf(w []byte) engine.Party {
	switch string(w) {
	case "localRelease":
		return engine.PartyLocal
	case "remoteRelease":
		return engine.PartyRemote
	}
	return engine.PartyNone
}

// causeOf reads a release cause, never finer than it was given. Without one
// the core decides by what the call had reached.
func causeOf(internal []byte, q850, sip int64) engine.Cause {
	switch string(internal) {
	case "Busy":
		return engine.CauseBusy
	case "Forbidden":
		return engine.CauseRejected
	case "Temporarily Unavailable":
		return engine.CauseUnreachable
	case "User Not Found", "Translation Failure":
		return engine.CauseInvalidNumber
	case "Routing Failure", "Global Failure", "Request Failure", "Server Failure", "Request Timeout", "Insufficient Credits":
		return engine.CauseNetworkFailure
	case "Dial Tone Timeout":
		return engine.CauseCancelled
	case "":
	default:
		return engine.CauseUnknown
	}
	switch sip {
	case 486, 600:
		return engine.CauseBusy
	case 480:
		return engine.CauseUnreachable
	case 403, 603:
		return engine.CauseRejected
	case 404, 484, 604:
		return engine.CauseInvalidNumber
	}
	switch q850 {
	case 17:
		return engine.CauseBusy
	case 18, 19:
		return engine.CauseNoAnswer
	case 20:
		return engine.CauseUnreachable
	case 21:
		return engine.CauseRejected
	case 1, 28:
		return engine.CauseInvalidNumber
	case 0, 16, 31: // normal clearing: says nothing the core does not know
		return engine.CauseNone
	}
	if q850 > 0 && q850 < 128 {
		return engine.CauseNetworkFailure
	}
	return engine.CauseNone
}

// statusOf says where a call stands. Its state decides, the event's name only
// where the state cannot tell (dossier §2.4).
func statusOf(c *callInfo, kind engine.EventKind) engine.Status {
	switch c.state {
	case stateDetached:
		return engine.StatusDetached
	case stateReleased:
		return engine.StatusReleased
	case stateIdle:
		return engine.StatusIdle
	}
	switch kind {
	case engine.EventReleasing: // a treatment plays; the state is what it was
		return engine.StatusReleasing
	case engine.EventRedirected, engine.EventDetached:
		if c.state == stateAbsent {
			return engine.StatusDetached
		}
	case engine.EventReleased:
		if c.state == stateAbsent {
			return engine.StatusReleased
		}
	case engine.EventCollecting:
		if c.state == stateAbsent || c.state == stateActive {
			return engine.StatusCollecting
		}
	}
	switch c.state {
	case stateAlerting:
		return engine.StatusAlerting
	case stateActive:
		// An Originator is Active while it dials; only the answer time tells.
		if c.personality == engine.Originator && c.answer == 0 && kind != engine.EventAnswered && kind != engine.EventRetrieved {
			return engine.StatusCollecting
		}
		return engine.StatusActive
	case stateHeld:
		return engine.StatusHeld
	case stateRemoteHeld:
		return engine.StatusRemoteHeld
	}
	return engine.StatusUnknown
}

// fact is one call in our words.
func (d *document) fact(c *callInfo, kind engine.EventKind) engine.Fact {
	f := engine.Fact{
		ProviderID:    d.text(c.id),
		TrackingID:    d.text(c.tracking),
		Status:        statusOf(c, kind),
		Personality:   c.personality,
		RemoteNumber:  d.text(c.number),
		RemoteName:    d.text(c.name),
		Recall:        c.recall,
		AllowAnswer:   c.allowAnswer,
		AllowRetrieve: c.allowResume,
		Cause:         c.why,
		ProviderCause: d.text(c.cause),
		Party:         c.party,
		StartTime:     c.start,
		AnswerTime:    c.answer,
		ReleaseTime:   c.release,
		RedirectedTo:  d.text(c.redirectedTo),
		ParkedAt:      d.text(c.parkedAt),
		Recording:     c.recording,
		InConference:  c.inConference,
	}
	if f.Recording == engine.RecordingUnknown {
		f.Recording = d.payload.recording()
	}
	if f.Status == engine.StatusDetached && f.Cause == engine.CauseNone {
		f.Cause = engine.CauseRedirected
	}
	return f
}

// translate is the event in our words. A snapshot names detached calls with
// that status: they are not live, and what was live ends with the right cause.
func (d *document) translate() *engine.Event {
	// Nearly all events are of one call: both in one piece, and with it who was
	// called before, as a rule nobody or one.
	var ev *engine.Event
	var facts []engine.Fact
	var stations []engine.Redirection
	if len(d.diversions) == 0 {
		is := &struct {
			engine.Event
			fact [1]engine.Fact
		}{}
		ev, facts = &is.Event, is.fact[:]
	} else {
		is := &struct {
			engine.Event
			fact    [1]engine.Fact
			station [1]engine.Redirection
		}{}
		ev, facts, stations = &is.Event, is.fact[:], is.station[:0]
	}
	ev.ID, ev.Subscription, ev.Kind = d.text(d.eventID), d.text(d.subID), d.payload.kind()
	if d.sequence > 0 && d.sequence < 1<<31 {
		ev.Sequence = uint32(d.sequence)
	}
	switch ev.Kind {
	case engine.EventOther, engine.EventHook:
		return ev
	case engine.EventConference, engine.EventSnapshot:
		ev.Conference = d.conferenceFact()
		if ev.Kind == engine.EventConference && ev.Conference == nil {
			ev.Kind = engine.EventOther // a conference of which nothing is said
		}
	}
	if len(d.calls) == 0 {
		return ev
	}
	if ev.Facts = facts; len(d.calls) > 1 {
		ev.Facts = make([]engine.Fact, len(d.calls))
	}
	if len(d.diversions) > cap(stations) {
		stations = make([]engine.Redirection, 0, len(d.diversions))
	}
	for i := range d.calls {
		ev.Facts[i] = d.fact(&d.calls[i], ev.Kind)
		ev.Facts[i].Diversion, stations = d.stations(&d.calls[i], stations)
	}
	return ev
}

// stations is who was called before the subscriber, put behind what is in room.
func (d *document) stations(c *callInfo, room []engine.Redirection) (its, rest []engine.Redirection) {
	from := len(room)
	for _, v := range d.diversions[c.diverted.from:c.diverted.to] {
		room = append(room, engine.Redirection{Number: d.text(v.number), Name: d.text(v.name), Reason: v.reason})
	}
	if len(room) == from {
		return nil, room
	}
	return room[from:len(room):len(room)], room
}
