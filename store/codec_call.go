package store

import (
	"encoding/binary"

	"offhook/engine"
)

const (
	minCall   = 30 // bytes of a call with nothing in it
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
	return binary.AppendUvarint(b, uint64(c.Replaces))
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
}

// A row of call/: whose call it is, and the call itself once it has ended.
// While it lives it is in the subscriber's record.
func appendCallRow(b []byte, owner string, c *engine.Call) []byte {
	ended := c.State.Terminal()
	b = appendString(append(b, version1), owner)
	b = appendFlags(b, ended)
	if ended {
		b = appendCall(b, c)
	}
	return b
}

func decodeCallRow(b []byte) (owner string, ended *engine.Call, err error) {
	d := decode(b)
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
	return appendString(b, string(in.Refusal))
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
}

// A row of idem/.
func appendIntent(b []byte, in *engine.Intent) []byte {
	return appendIntentFields(append(b, version1), in)
}

func decodeIntent(b []byte) (*engine.Intent, error) {
	d := decode(b)
	in := &engine.Intent{}
	d.intent(in)
	if err := d.done("intent"); err != nil {
		return nil, err
	}
	return in, nil
}
