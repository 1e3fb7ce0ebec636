package engine

import "slices"

// maxDiversion bounds how many stations of a call are kept: the last ones, which
// led to the subscriber.
const maxDiversion = 16

// alter gives the call its own copy of what few calls have, to be changed until
// the call is copied.
func (c *Call) alter() *More {
	var m More
	if c.More != nil {
		m = *c.More
	}
	c.More = &m
	return c.More
}

func (c *Call) recording() Recording {
	if c.More == nil {
		return RecordingUnknown
	}
	return c.More.Recording
}

func (c *Call) conference() ConferenceID {
	if c.More == nil {
		return 0
	}
	return c.More.Conference
}

// takeMore copies what few facts carry and reports whether any of it is new.
func (c *Call) takeMore(f *Fact) bool {
	if f.Recall == RecallNone && f.Recording == RecordingUnknown && f.RedirectedTo == "" && f.ParkedAt == "" && len(f.Diversion) == 0 {
		return false
	}
	var is More
	if c.More != nil {
		is = *c.More
	}
	if f.Recall != RecallNone {
		is.Recall = f.Recall
	}
	if f.Recording != RecordingUnknown {
		is.Recording = f.Recording
	}
	is.RedirectedTo = or(f.RedirectedTo, is.RedirectedTo)
	is.ParkedAt = or(f.ParkedAt, is.ParkedAt)
	if said := f.Diversion[max(0, len(f.Diversion)-maxDiversion):]; len(said) > 0 && !slices.Equal(said, is.Diversion) {
		is.Diversion = slices.Clone(said)
	}
	if was := c.More; was == nil || is.Recall != was.Recall || is.Recording != was.Recording ||
		is.RedirectedTo != was.RedirectedTo || is.ParkedAt != was.ParkedAt || !slices.Equal(is.Diversion, was.Diversion) {
		c.More = &is
		return true
	}
	return false
}
