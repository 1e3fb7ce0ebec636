package simulator

import "time"

// The states of a recording (dossier §2.3).
const (
	recordPending = "Pending"
	recordStarted = "Started"
	recordPaused  = "Paused"
	recordFailed  = "Failed"
)

// recordingStarts is how long a recorder takes to begin.
const recordingStarts = 50 * time.Millisecond

// recordMode says what becomes of a subscriber's recordings.
type recordMode uint8

const (
	recordWorks recordMode = iota
	recordFails            // it is asked for, and never starts
	recordNever            // the subscriber has no such service: refused
)

var recordWords = []string{"works", "fails", "never"}

// startRecording is told twice: it is asked for, and it began.
func (s *Simulator) startRecording(h *half) {
	h.recording, h.recorded = recordPending, true
	s.callEvent(h, evRecordingStarting)
	h.recorder = s.after(recordingStarts, func() {
		if h.phone.behave.recording == recordFails {
			h.recording = recordFailed
			s.callEvent(h, evUpdated)
			return
		}
		h.recording = recordStarted
		s.callEvent(h, evRecordingStarted)
	})
}

// recordTo moves a recording that there is.
func (s *Simulator) recordTo(h *half, state string, ev eventKind) {
	s.stop(h.recorder)
	h.recording = state
	s.callEvent(h, ev)
}

// recordingVerb is what can be done about a recording.
type recordingVerb struct {
	can func(h *half) bool
	do  func(s *Simulator, h *half)
}

var recordingVerbs = map[string]recordingVerb{
	"start": {
		can: func(h *half) bool {
			return talking(h) && h.phone.behave.recording != recordNever && (h.recording == "" || h.recording == recordFailed)
		},
		do: (*Simulator).startRecording,
	},
	"pause": {
		can: func(h *half) bool { return talking(h) && h.recording == recordStarted },
		do:  func(s *Simulator, h *half) { s.recordTo(h, recordPaused, evRecordingPaused) },
	},
	"resume": {
		can: func(h *half) bool { return talking(h) && h.recording == recordPaused },
		do:  func(s *Simulator, h *half) { s.recordTo(h, recordStarted, evRecordingResumed) },
	},
	"stop": {
		can: func(h *half) bool { return talking(h) && h.recording != "" && h.recording != recordFailed },
		do:  func(s *Simulator, h *half) { s.recordTo(h, "", evRecordingStopped) },
	},
}
