package broadworks

import (
	"offhook/engine"
)

// documentKind says which of the Xsi documents the root element is.
type documentKind uint8

const (
	docOther documentKind = iota
	docChannel
	docHeartbeat
	docSubscription
	docEvent
	docErrorInfo
	docCallStartInfo
	docCalls
	docCall
	docConference
)

// ref is a piece of document.kept.
type ref struct{ from, to uint32 }

// document is what was understood of one Xsi document. It belongs to its
// decoder and is good until the next decode; strings taken from it stay.
type document struct {
	kind documentKind
	kept string // every text that was kept, back to back: one allocation

	root      ref // name of the root element; only when kind is docOther
	event     eventType
	payload   payloadType // type of eventData
	payloadAs ref         // its name, when it is one nobody knows
	eventID   ref
	sequence  int64
	userID    ref // owner of the subscription, often an administrator
	target    ref // whom the event is about; absent in a self-subscription
	subID     ref
	channelID ref
	reason    ref // ChannelTerminatedEvent
	expires   int64
	errorCode int64 // ErrorInfo, ErrorEvent

	calls      []callInfo      // Call, Calls, CallStartInfo, eventData
	diversions []diversion     // of all of them, back to back
	conference *conferenceInfo // Conference, eventData; nil for none
}

// text is a piece of the document as a string, without copying.
func (d *document) text(r ref) string { return d.kept[r.from:r.to] }

func (r ref) empty() bool { return r.from == r.to }

// callInfo is one call element: enumerated words already ours, texts still in
// the document.
type callInfo struct {
	id, tracking ref
	number, name ref
	cause        ref // the provider's own words
	redirectedTo ref
	parkedAt     ref
	diverted     struct{ from, to uint32 } // of document.diversions
	state        callState
	personality  engine.Personality
	party        engine.Party
	why          engine.Cause
	recall       engine.Recall
	recording    engine.Recording
	inConference engine.Said
	allowAnswer  bool
	allowResume  bool
	start        int64
	answer       int64
	release      int64
}

// decoder reads documents one after the other. It is not for concurrent use.
type decoder struct {
	scanner
	countryCode string // of the network, completes national numbers

	doc     document
	keep    []byte // becomes document.kept
	scratch []byte // texts that are looked at and not kept
	remote  party

	conference conferenceInfo // what document.conference points to
}

// decode reads one document. With an error the document still holds what was
// understood before it: the ids of an event stand at its start.
func (d *decoder) decode(b []byte) (*document, error) {
	d.doc = document{calls: d.doc.calls[:0], diversions: d.doc.diversions[:0]}
	d.keep = d.keep[:0]
	err := d.reset(b)
	if err == nil {
		err = d.document()
	}
	d.doc.kept = string(d.keep)
	return &d.doc, err
}

func (d *decoder) document() error {
	found, err := d.child()
	if err != nil {
		return err
	}
	if !found {
		return errSyntax
	}
	if d.space == spaceXsi {
		switch string(d.local) {
		case "Event":
			d.doc.kind = docEvent
			d.doc.event = eventTypeOf(d.typeName())
			return d.children(d.eventChild)
		case "ChannelHeartBeat":
			d.doc.kind = docHeartbeat
			return d.skip()
		case "Channel":
			d.doc.kind = docChannel
			return d.children(d.contactChild)
		case "Subscription":
			d.doc.kind = docSubscription
			return d.children(d.contactChild)
		case "ErrorInfo":
			d.doc.kind = docErrorInfo
			return d.children(d.errorChild)
		case "CallStartInfo":
			d.doc.kind = docCallStartInfo
			return d.call()
		case "Call":
			d.doc.kind = docCall
			return d.call()
		case "Calls":
			d.doc.kind = docCalls
			return d.children(d.callsChild)
		case "Conference":
			d.doc.kind = docConference
			return d.conferenceElement()
		}
	}
	d.doc.root = d.keepText(d.local)
	return d.skip()
}

// children calls fn for each child of the open element that is BroadSoft's.
// fn leaves the child: by skip, text, or children of its own.
func (d *decoder) children(fn func() error) error {
	for {
		found, err := d.child()
		if err != nil || !found {
			return err
		}
		if d.space != spaceXsi {
			err = d.skip()
		} else {
			err = fn()
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) eventChild() (err error) {
	switch string(d.local) {
	case "eventID":
		d.doc.eventID, err = d.field()
	case "sequenceNumber":
		d.doc.sequence, err = d.number()
	case "userId":
		d.doc.userID, err = d.field()
	case "subscriptionId":
		d.doc.subID, err = d.field()
	case "channelId":
		d.doc.channelID, err = d.field()
	case "targetId":
		d.doc.target, err = d.field()
	case "reason":
		d.doc.reason, err = d.field()
	case "errorCode":
		d.doc.errorCode, err = d.number()
	case "eventData":
		name := d.typeName()
		if d.doc.payload = payloadTypeOf(name); d.doc.payload == payloadUnknown {
			d.doc.payloadAs = d.keepText(name)
		}
		return d.children(d.payloadChild)
	default:
		return d.skip()
	}
	return err
}

// payloadChild reads a call or a list of them: CallRedirectedEvent and the
// snapshots carry calls/call, the others call (dossier §2.4). Snapshots and
// what happens to a conference carry conference.
func (d *decoder) payloadChild() error {
	switch string(d.local) {
	case "call":
		return d.call()
	case "calls":
		return d.children(d.callsChild)
	case "conference":
		return d.conferenceElement()
	}
	return d.skip()
}

func (d *decoder) callsChild() error {
	switch string(d.local) {
	case "call":
		return d.call()
	case "conference":
		return d.conferenceElement()
	}
	return d.skip()
}

func (d *decoder) contactChild() (err error) {
	switch string(d.local) {
	case "channelId":
		d.doc.channelID, err = d.field()
	case "subscriptionId":
		d.doc.subID, err = d.field()
	case "expires":
		d.doc.expires, err = d.number()
	default:
		return d.skip()
	}
	return err
}

func (d *decoder) errorChild() (err error) {
	if string(d.local) == "errorCode" {
		d.doc.errorCode, err = d.number()
		return err
	}
	return d.skip() // the summary names users and numbers
}

// field keeps the text of the element stepped into.
func (d *decoder) field() (ref, error) {
	from := len(d.keep)
	var err error
	if d.keep, err = d.text(d.keep); err != nil {
		d.keep = d.keep[:from]
		return ref{}, err
	}
	to := len(d.keep)
	for from < to && blank[d.keep[from]] {
		from++
	}
	for to > from && blank[d.keep[to-1]] {
		to--
	}
	d.keep = d.keep[:to]
	return ref{uint32(from), uint32(to)}, nil // #nosec G115 -- a document is bounded
}

// word reads the text of the element stepped into, good until the next word.
func (d *decoder) word() ([]byte, error) {
	var err error
	d.scratch, err = d.text(d.scratch[:0])
	b := d.scratch
	for len(b) > 0 && blank[b[0]] {
		b = b[1:]
	}
	for len(b) > 0 && blank[b[len(b)-1]] {
		b = b[:len(b)-1]
	}
	return b, err
}

// number reads a whole number that is not negative; anything else is 0, as if
// the provider had said nothing.
func (d *decoder) number() (int64, error) {
	b, err := d.word()
	if err != nil || len(b) == 0 || len(b) > 18 {
		return 0, err
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, nil
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}

func (d *decoder) keepText(b []byte) ref {
	from := len(d.keep)
	d.keep = append(d.keep, b...)
	return ref{uint32(from), uint32(len(d.keep))} // #nosec G115 -- a document is bounded
}
