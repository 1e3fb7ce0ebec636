package store

import (
	"encoding/binary"

	"offhook/engine"
)

const (
	minCall   = 30 // bytes of a call with nothing in it, as it was first written
	minIntent = 50 // the same of an intent
)

func appendCall(b []byte, c *engine.Call) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(c.ID))
	b = appendString(b, c.ProviderID)
	b = appendString(b, c.TrackingID)
	b = append(b, byte(c.State), byte(c.Phase), byte(c.Direction), byte(c.Personality))
	b = appendString(b, c.SubscriberNumber)
	b = appendString(b, c.SubscriberName)
	b = appendString(b, c.RemoteNumber)
	b = appendString(b, c.RemoteName)
	b = appendFlags(b, c.RemoteHeld, c.AllowAnswer, c.AllowRetrieve, c.Synthetic)
	b = append(b, byte(c.Cause), byte(c.Party))
	b = appendString(b, c.ProviderCause)
	b = binary.AppendVarint(b, c.CreatedAt)
	b = binary.AppendVarint(b, c.AnsweredAt)
	b = binary.AppendVarint(b, c.HeldAt)
	b = binary.AppendVarint(b, c.ReleasedAt)
	b = binary.AppendVarint(b, c.StartTime)
	b = binary.AppendVarint(b, c.EndTime)
	b = appendString(b, c.Origin)
	b = binary.AppendUvarint(b, uint64(c.Replaces))

	b = binary.AppendUvarint(b, uint64(c.Can))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Session))
	b = binary.AppendVarint(b, c.HeldFor)
	b = appendFlags(b, c.More != nil)
	if c.More != nil {
		b = appendMore(b, c.More)
	}
	return b
}

func appendMore(b []byte, m *engine.More) []byte {
	b = appendString(b, m.ClientRef)
	b = binary.AppendUvarint(b, uint64(m.ReplacedBy))
	b = appendEach(b, m.Diversion, appendRedirection)
	b = appendString(b, m.RedirectedTo)
	b = appendString(b, m.ParkedAt)
	b = append(b, byte(m.Recall), byte(m.Recording))
	b = binary.AppendUvarint(b, uint64(m.Conference))
	return appendFlags(b, m.Muted, m.Deaf)
}

func (d *decoder) more() *engine.More {
	m := &engine.More{}
	m.ClientRef = d.string()
	m.ReplacedBy = engine.CallID(d.uint())
	if n := d.count(3); n > 0 {
		m.Diversion = make([]engine.Redirection, n)
		for i := range m.Diversion {
			r := &m.Diversion[i]
			r.Number, r.Name, r.Reason = d.string(), d.string(), d.string()
		}
	}
	m.RedirectedTo = d.string()
	m.ParkedAt = d.string()
	m.Recall = engine.Recall(d.byte())
	m.Recording = engine.Recording(d.byte())
	m.Conference = engine.ConferenceID(d.uint())
	d.flags(&m.Muted, &m.Deaf)
	return m
}

func appendRedirection(b []byte, r *engine.Redirection) []byte {
	return appendString(appendString(appendString(b, r.Number), r.Name), r.Reason)
}

func (d *decoder) call(c *engine.Call) {
	c.ID = engine.CallID(d.fixed64())
	c.ProviderID = d.string()
	c.TrackingID = d.string()
	c.State = engine.State(d.byte())
	c.Phase = engine.Phase(d.byte())
	c.Direction = engine.Direction(d.byte())
	c.Personality = engine.Personality(d.byte())
	c.SubscriberNumber = d.string()
	c.SubscriberName = d.string()
	c.RemoteNumber = d.string()
	c.RemoteName = d.string()
	d.flags(&c.RemoteHeld, &c.AllowAnswer, &c.AllowRetrieve, &c.Synthetic)
	c.Cause = engine.Cause(d.byte())
	c.Party = engine.Party(d.byte())
	c.ProviderCause = d.string()
	c.CreatedAt = d.int()
	c.AnsweredAt = d.int()
	c.HeldAt = d.int()
	c.ReleasedAt = d.int()
	c.StartTime = d.int()
	c.EndTime = d.int()
	c.Origin = d.string()
	c.Replaces = engine.CallID(d.uint())
	if d.old {
		return
	}
	c.Can = engine.VerbSet(d.uint())
	c.Session = engine.Session(d.fixed64())
	c.HeldFor = d.int()
	var more bool
	if d.flags(&more); more {
		c.More = d.more()
	}
}

// A row of call/: whose call it is, and the call itself once it has ended.
// While it lives it is in the subscriber's record.
func appendCallRow(b []byte, owner string, c *engine.Call) []byte {
	ended := c.State.Terminal()
	b = appendString(append(b, version2), owner)
	b = appendFlags(b, ended)
	if ended {
		b = appendCall(b, c)
	}
	return b
}

func decodeCallRow(b []byte) (owner string, ended *engine.Call, err error) {
	d := decode2(b)
	owner = d.string()
	var has bool
	if d.flags(&has); has {
		ended = &engine.Call{}
		if d.call(ended); !ended.State.Terminal() {
			d.fail(errRange)
		}
	}
	if err := d.done("call"); err != nil {
		return "", nil, err
	}
	return owner, ended, nil
}

func appendIntentFields(b []byte, in *engine.Intent) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(in.Call))
	b = appendString(b, in.App)
	b = appendString(b, in.Key)
	b = append(b, in.BodyHash[:]...)
	b = appendString(b, in.Dialed)
	b = appendString(b, in.SubscriberNumber)
	b = appendString(b, in.RemoteNumber)
	b = appendString(b, in.SubscriberName)
	b = appendString(b, in.RemoteName)
	b = binary.AppendVarint(b, in.OpenedAt)
	b = binary.AppendVarint(b, in.SettledAt)
	b = appendString(b, string(in.Refusal))
	b = appendString(b, in.ClientRef)
	return binary.BigEndian.AppendUint64(b, uint64(in.Session))
}

func (d *decoder) intent(in *engine.Intent) {
	in.Call = engine.CallID(d.fixed64())
	in.App = d.string()
	in.Key = d.string()
	copy(in.BodyHash[:], d.take(len(in.BodyHash)))
	in.Dialed = d.string()
	in.SubscriberNumber = d.string()
	in.RemoteNumber = d.string()
	in.SubscriberName = d.string()
	in.RemoteName = d.string()
	in.OpenedAt = d.int()
	in.SettledAt = d.int()
	in.Refusal = engine.Code(d.string())
	if d.old {
		return
	}
	in.ClientRef = d.string()
	in.Session = engine.Session(d.fixed64())
}

// A row of idem/.
func appendIntent(b []byte, in *engine.Intent) []byte {
	return appendIntentFields(append(b, version2), in)
}

func decodeIntent(b []byte) (*engine.Intent, error) {
	d := decode2(b)
	in := &engine.Intent{}
	d.intent(in)
	if err := d.done("intent"); err != nil {
		return nil, err
	}
	return in, nil
}
