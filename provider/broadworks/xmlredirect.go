package broadworks

import (
	"bytes"

	"offhook/engine"
)

// maxDiversion is how many stations of a diverted call are kept.
const maxDiversion = 16

// diversion is one redirection of a call.
type diversion struct {
	number, name ref
	reason       string // ours
}

// redirections reads who was called before us (dossier §2.1), in the order of
// the document: the first one called is the first.
func (d *decoder) redirections(c *callInfo) error {
	c.diverted.from = uint32(len(d.doc.diversions)) // #nosec G115 -- a document is bounded
	err := d.children(func() error {
		if string(d.local) != "redirection" || len(d.doc.diversions)-int(c.diverted.from) == maxDiversion {
			return d.skip()
		}
		v := diversion{reason: redirectReasonOf(nil)}
		if err := d.redirection(&v); err != nil {
			return err
		}
		if !v.number.empty() || !v.name.empty() {
			d.doc.diversions = append(d.doc.diversions, v)
		}
		return nil
	})
	c.diverted.to = uint32(len(d.doc.diversions)) // #nosec G115 -- a document is bounded
	return err
}

func (d *decoder) redirection(v *diversion) error {
	return d.children(func() (err error) {
		switch string(d.local) {
		case "party":
			return d.party(&v.name, &v.number)
		case "address":
			v.number, err = d.address()
		case "reason":
			var w []byte
			w, err = d.word()
			v.reason = redirectReasonOf(w)
		default:
			err = d.skip()
		}
		return err
	})
}

// redirect reads where to and why a call left this subscriber; the reason is
// the cause it is released with.
func (d *decoder) redirect(c *callInfo) error {
	return d.children(func() (err error) {
		switch string(d.local) {
		case "address":
			c.redirectedTo, err = d.address()
		case "reason":
			if c.cause, err = d.field(); err == nil && c.why == engine.CauseNone {
				c.why = redirectCauseOf(d.keep[c.cause.from:c.cause.to])
			}
		default:
			err = d.skip()
		}
		return err
	})
}

// address keeps the number of an address element by itself.
func (d *decoder) address() (ref, error) {
	p := &d.remote
	*p = party{used: p.used[:0]}
	p.addressCode = d.attr("countryCode")
	var err error
	if p.address, err = d.held(p); err != nil {
		return ref{}, err
	}
	return d.keepNumber(p), nil
}

func (d *decoder) keepNumber(p *party) ref {
	from := len(d.keep)
	d.keep = appendRemoteNumber(d.keep, p, d.countryCode)
	return ref{uint32(from), uint32(len(d.keep))} // #nosec G115 -- a document is bounded
}

// maxExtension is how many digits an extension has at most; BroadWorks' have
// two to twenty.
const maxExtension = 20

// extensionOf is the extension in what names a place where calls are parked:
// by itself, behind its user and a colon as the answer to a park has it
// (dossier §1.4), or in a URI. Empty for anything else.
func extensionOf(b []byte) []byte {
	sip := bytes.HasPrefix(b, []byte("sip:")) || bytes.HasPrefix(b, []byte("sips:"))
	b = b[bytes.LastIndexByte(b, ':')+1:]
	if at := bytes.IndexByte(b, '@'); at >= 0 && sip {
		b = b[:at]
	}
	if len(b) == 0 || len(b) > maxExtension {
		return nil
	}
	for _, c := range b {
		if !isDigit(c) {
			return nil
		}
	}
	return b
}
