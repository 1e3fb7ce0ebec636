package broadworks

import (
	"bytes"

	"offhook/engine"
)

// What the name of an event says beside its kind, for payloads that leave it
// out: how a recording stands, or a conference.
const (
	hintShift = 5

	hintHeld     payloadType = 1 << hintShift
	hintReleased payloadType = 2 << hintShift
	hintMask     payloadType = 7 << hintShift
)

// The states of a recording are hints by their own numbers, of which the
// highest is 5.
func recordingEvent(r engine.Recording) payloadType {
	return kindPayload(engine.EventRecording) | payloadType(r)<<hintShift
}

// longestEvent is longer than any name below.
const longestEvent = 40

// rareEventOf reads the names of events that few calls have. The dossier §2.4
// has them without the word Call that others begin with, and their capitals
// are not sure: so both, and any.
func rareEventOf(name []byte) payloadType {
	var room [longestEvent]byte
	if len(name) > len(room) {
		return payloadUnknown
	}
	w := room[:len(name)]
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		w[i] = c
	}
	switch w = bytes.TrimPrefix(w, []byte("call")); string(w) {
	case "parkretrievedevent":
		return kindPayload(engine.EventParkRetrieved)
	case "bargedinevent":
		return kindPayload(engine.EventBargedIn)
	case "monitoredevent":
		return kindPayload(engine.EventMonitored)
	case "recordingstartingevent":
		return recordingEvent(engine.RecordingPending)
	case "recordingstartedevent", "recordingresumedevent":
		return recordingEvent(engine.RecordingStarted)
	case "recordingpausedevent":
		return recordingEvent(engine.RecordingPaused)
	case "recordingstoppedevent":
		return recordingEvent(engine.RecordingStopped)
	case "recordingfailedevent":
		return recordingEvent(engine.RecordingFailed)
	case "conferenceheldevent":
		return kindPayload(engine.EventConference) | hintHeld
	case "conferencereleasedevent":
		return kindPayload(engine.EventConference) | hintReleased
	case "conferencestartedevent", "conferenceupdatedevent", "conferenceretrievedevent",
		"conferencemutedevent", "conferenceunmutedevent",
		"conferencecallmutedevent", "conferencecallunmutedevent",
		"conferencecallmadedeafevent", "conferencecalldeafevent", "conferencecallmadeundeafevent", "conferencecallundeafevent":
		return kindPayload(engine.EventConference)
	}
	return payloadUnknown
}

// recording is what the name of an event says of a recording.
func (t payloadType) recording() engine.Recording {
	if t.kind() != engine.EventRecording {
		return engine.RecordingUnknown
	}
	return engine.Recording(t & hintMask >> hintShift) // #nosec G115 -- three bits
}
