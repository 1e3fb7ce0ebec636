package store

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"offhook/engine"
)

// Conference returns whose conference it is or was, and the conference as it
// began, or as it ended; nil when it is not kept.
func (s *Store) Conference(id engine.ConferenceID) (subscriber string, c *engine.Conference, err error) {
	if err := s.use(); err != nil {
		return "", nil, err
	}
	defer s.done()
	_, err = s.get(conferenceKey(nil, id), func(v []byte) (err error) {
		subscriber, c, err = decodeConferenceRow(v)
		return err
	})
	if err != nil {
		return "", nil, fmt.Errorf("load conference %s: %w", id, err)
	}
	return subscriber, c, nil
}

func conferenceKey(k []byte, id engine.ConferenceID) []byte {
	return binary.BigEndian.AppendUint64(appendSlotted(k, prefixConf, id.Slot()), uint64(id))
}

func oldConferenceKey(k []byte, at int64, id engine.ConferenceID) []byte {
	k = binary.BigEndian.AppendUint16(appendOld(k, oldConference, at), id.Slot())
	return binary.BigEndian.AppendUint64(k, uint64(id))
}

// conference stores whose it is, and how it began or ended.
func (s *submission) conference(c *engine.Conference) {
	from := len(s.buf)
	s.buf = conferenceKey(s.buf, c.ID)
	mid := len(s.buf)
	s.buf = appendConferenceRow(s.buf, s.id, c)
	s.add(opSet, from, mid)
	if !c.Over() {
		return
	}
	from = len(s.buf)
	s.buf = oldConferenceKey(s.buf, c.ReleasedAt, c.ID)
	mid = len(s.buf)
	s.buf = append(s.buf, version1)
	s.add(opSet, from, mid)
}

func appendConferenceRow(b []byte, owner string, c *engine.Conference) []byte {
	return appendConference(appendString(append(b, version1), owner), c)
}

func decodeConferenceRow(b []byte) (owner string, c *engine.Conference, err error) {
	d := decode(b)
	owner, c = d.string(), &engine.Conference{}
	d.conference(c)
	if err := d.done("conference"); err != nil {
		return "", nil, err
	}
	return owner, c, nil
}

func appendConference(b []byte, c *engine.Conference) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(c.ID))
	b = appendFlags(b, c.Held)
	b = appendString(b, c.Origin)
	b = appendString(b, c.ClientRef)
	b = binary.AppendVarint(b, c.CreatedAt)
	return binary.AppendVarint(b, c.ReleasedAt)
}

func (d *decoder) conference(c *engine.Conference) {
	c.ID = engine.ConferenceID(d.fixed64())
	d.flags(&c.Held)
	c.Origin = d.string()
	c.ClientRef = d.string()
	c.CreatedAt = d.int()
	c.ReleasedAt = d.int()
}

func (w *sweep) conference(batch *pebble.Batch, rest []byte) (int64, error) {
	return 0, batch.Delete(append(appendGroup(nil, prefixConf), rest...), nil)
}
