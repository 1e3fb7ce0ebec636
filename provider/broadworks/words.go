package broadworks

import "offhook/engine"

// redirectReasonOf is our word for why a call was sent on (redirect reasons, dossier
// §2.3). What nobody knows is unknown.
func redirectReasonOf(w []byte) string {
	switch string(w) {
	case "user-busy":
		return "user_busy"
	case "no-answer":
		return "no_answer"
	case "unavailable":
		return "unavailable"
	case "unconditional":
		return "unconditional"
	case "time-of-day":
		return "time_of_day"
	case "do-not-disturb":
		return "do_not_disturb"
	case "deflection":
		return "deflection"
	case "follow-me":
		return "follow_me"
	case "out-of-service":
		return "out_of_service"
	case "away":
		return "away"
	case "transfer":
		return "transfer"
	case "voicemail":
		return "voicemail"
	case "hunt-group":
		return "hunt_group"
	case "call-center":
		return "call_center"
	case "route-point":
		return "route_point"
	case "agent-wrap-up":
		return "agent_wrap_up"
	case "voicexml-script-termination":
		return "voicexml"
	}
	return "unknown"
}

// redirectCauseOf is the cause a call is released with that its subscriber
// sent on.
func redirectCauseOf(reason []byte) engine.Cause {
	switch string(reason) {
	case "transfer":
		return engine.CauseTransferred
	case "voicemail":
		return engine.CauseVoicemail
	}
	return engine.CauseRedirected
}

// recallOf reads a recallType (dossier §2.3).
func recallOf(w []byte) engine.Recall {
	switch string(w) {
	case "Call Park Recall":
		return engine.RecallPark
	case "Call Transfer Recall":
		return engine.RecallTransfer
	case "Busy Camp On Callback":
		return engine.RecallCampOn
	case "Automatic Hold/Retrieve Recall":
		return engine.RecallHold
	case "Executive-Assistant Call Push Recall":
		return engine.RecallExecutive
	}
	return engine.RecallOther
}

// recordingOf reads a recordingState (dossier §2.3). Stopped is not among its
// words; the event says it.
func recordingOf(w []byte) engine.Recording {
	switch string(w) {
	case "Pending":
		return engine.RecordingPending
	case "Started":
		return engine.RecordingStarted
	case "Paused":
		return engine.RecordingPaused
	case "Stopped":
		return engine.RecordingStopped
	case "Failed":
		return engine.RecordingFailed
	}
	return engine.RecordingUnknown
}

// isTrue reads an element that is a yes or no. One that is there and empty is a
// yes.
func isTrue(w []byte) bool {
	switch string(w) {
	case "false", "False", "FALSE", "0", "no":
		return false
	}
	return true
}
