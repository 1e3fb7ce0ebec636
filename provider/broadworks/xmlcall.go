package broadworks

import (
	"strconv"

	"offhook/engine"
)

// party is one remoteParty, or the party of a redirection, while it is read: addresses are weighed against
// each other once all of it is there.
type party struct {
	address, userDN         []byte
	addressCode, userDNCode []byte // countryCode attributes; only on E.164 numbers (dossier §2.2)
	used                    []byte // what the first two point into, unless it grew
}

// call reads one call element, or a CallStartInfo, which spells the tracking
// id differently (dossier §1.6).
func (d *decoder) call() error {
	d.doc.calls = append(d.doc.calls, callInfo{})
	c := &d.doc.calls[len(d.doc.calls)-1]
	if d.attributes > 0 {
		c.inConference = saidOf(d.attr("inConference"))
	}
	for {
		found, err := d.child()
		if err != nil || !found {
			return err
		}
		if d.space != spaceXsi {
			err = d.skip()
		} else {
			err = d.callChild(c)
		}
		if err != nil {
			return err
		}
	}
}

func (d *decoder) callChild(c *callInfo) (err error) {
	var w []byte
	switch string(d.local) {
	case "callId":
		c.id, err = d.field()
	case "extTrackingId", "externalTrackingId":
		c.tracking, err = d.field()
	case "personality":
		w, err = d.word()
		c.personality = personalityOf(w)
	case "state":
		w, err = d.word()
		c.state = callStateOf(w)
	case "remoteParty":
		err = d.party(&c.name, &c.number)
	case "releaseCause":
		err = d.releaseCause(c)
	case "releasingParty":
		w, err = d.word()
		c.party = partyOf(w)
	case "redirect":
		err = d.redirect(c)
	case "redirections":
		err = d.redirections(c)
	case "recallType":
		w, err = d.word()
		c.recall = recallOf(w)
	case "recordingState":
		w, err = d.word()
		c.recording = recordingOf(w)
	case "groupCallParkLocationSelected":
		w, err = d.word()
		c.parkedAt = d.keepText(extensionOf(w))
	case "allowAnswer":
		c.allowAnswer = true
		err = d.skip()
	case "allowRetrieve":
		c.allowResume = true
		err = d.skip()
	case "startTime":
		c.start, err = d.number()
	case "answerTime":
		c.answer, err = d.number()
	case "releaseTime":
		c.release, err = d.number()
	default:
		err = d.skip()
	}
	return err
}

// saidOf reads an attribute that is a yes or no, or not there.
func saidOf(w []byte) engine.Said {
	switch string(w) {
	case "true", "1":
		return engine.SaidYes
	case "false", "0":
		return engine.SaidNo
	}
	return engine.SaidNothing
}

// party reads who somebody is: the far end, or who was called before us.
func (d *decoder) party(name, number *ref) error {
	p := &d.remote
	*p = party{used: p.used[:0]}
	for {
		found, err := d.child()
		if err != nil {
			return err
		}
		if !found {
			break
		}
		switch {
		case d.space != spaceXsi:
			err = d.skip()
		case string(d.local) == "name":
			*name, err = d.field()
		case string(d.local) == "address":
			p.addressCode = d.attr("countryCode")
			p.address, err = d.held(p)
		case string(d.local) == "userDN":
			p.userDNCode = d.attr("countryCode")
			p.userDN, err = d.held(p)
		default:
			err = d.skip()
		}
		if err != nil {
			return err
		}
	}
	*number = d.keepNumber(p)
	return nil
}

// held reads a text into the party's own memory.
func (d *decoder) held(p *party) ([]byte, error) {
	w, err := d.word()
	from := len(p.used)
	p.used = append(p.used, w...)
	return p.used[from:], err
}

// releaseCause reads why a call failed. What the provider says is kept in its
// own words beside the cause it means (dossier §2.1, §2.3).
func (d *decoder) releaseCause(c *callInfo) error {
	var internal ref
	var q850, sip int64
	err := d.children(func() (err error) {
		switch string(d.local) {
		case "internalReleaseCause":
			internal, err = d.field()
		case "q850Cause":
			q850, err = d.number()
		case "sipStatus":
			sip, err = d.number()
		default:
			err = d.skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	c.why = causeOf(d.keep[internal.from:internal.to], q850, sip)
	if q850 == 0 && sip == 0 {
		c.cause = internal
		return nil
	}
	from := len(d.keep)
	d.keep = append(d.keep, d.keep[internal.from:internal.to]...)
	d.code("Q.850 ", q850, from)
	d.code("SIP ", sip, from)
	c.cause = ref{uint32(from), uint32(len(d.keep))} // #nosec G115 -- a document is bounded
	return nil
}

// code appends a numbered cause to the text begun at from.
func (d *decoder) code(name string, n int64, from int) {
	if n == 0 {
		return
	}
	if len(d.keep) > from {
		d.keep = append(d.keep, ", "...)
	}
	d.keep = append(d.keep, name...)
	d.keep = strconv.AppendInt(d.keep, n, 10)
}
