package simulator

import "strconv"

// eventKind is one type of event (dossier §2.4).
type eventKind struct {
	name     string
	standard bool // also part of the package Standard Call (dossier §3.3)
}

var (
	evOriginating   = eventKind{"CallOriginatingEvent", true}
	evOriginated    = eventKind{"CallOriginatedEvent", true}
	evReceived      = eventKind{"CallReceivedEvent", true}
	evAnswered      = eventKind{"CallAnsweredEvent", true}
	evHeld          = eventKind{"CallHeldEvent", true}
	evRetrieved     = eventKind{"CallRetrievedEvent", true}
	evUpdated       = eventKind{"CallUpdatedEvent", true}
	evReleased      = eventKind{"CallReleasedEvent", true}
	evReleasing     = eventKind{"CallReleasingEvent", false}
	evForwarded     = eventKind{"CallForwardedEvent", false}
	evTransferred   = eventKind{"CallTransferredEvent", false}
	evRedirected    = eventKind{"CallRedirectedEvent", false}
	evPickedUp      = eventKind{"CallPickedUpEvent", false}
	evParkRetrieved = eventKind{"CallParkRetrievedEvent", false}
	evHookStatus    = eventKind{"HookStatusEvent", false}
	evSnapshot      = eventKind{"CallSubscriptionEvent", true}
	evResync        = eventKind{"CallSubscriptionResyncEvent", true}
	evTerminated    = eventKind{"SubscriptionTerminatedEvent", true}
)

// What the other services tell (dossier §2.4).
var (
	evRecordingStarting = eventKind{"CallRecordingStartingEvent", false}
	evRecordingStarted  = eventKind{"CallRecordingStartedEvent", false}
	evRecordingPaused   = eventKind{"CallRecordingPausedEvent", false}
	evRecordingResumed  = eventKind{"CallRecordingResumedEvent", false}
	evRecordingStopped  = eventKind{"CallRecordingStoppedEvent", false}

	evConferenceStarted   = eventKind{"ConferenceStartedEvent", false}
	evConferenceUpdated   = eventKind{"ConferenceUpdatedEvent", false}
	evConferenceHeld      = eventKind{"ConferenceHeldEvent", false}
	evConferenceRetrieved = eventKind{"ConferenceRetrievedEvent", false}
	evConferenceReleased  = eventKind{"ConferenceReleasedEvent", false}
	evConferenceMuted     = eventKind{"ConferenceCallMutedEvent", false}
	evConferenceUnMuted   = eventKind{"ConferenceCallUnMutedEvent", false}
	evConferenceDeaf      = eventKind{"ConferenceCallMadeDeafEvent", false}
	evConferenceUnDeaf    = eventKind{"ConferenceCallMadeUnDeafEvent", false}
)

func (s *Simulator) callEvent(h *half, ev eventKind) {
	s.emit(h.phone, ev, func() *node { return callNode(h) })
}

// emit tells everybody who follows p: by user, by group, by enterprise.
func (s *Simulator) emit(p *phone, ev eventKind, payload func() *node) {
	var data []byte
	for _, subs := range [][]*subscription{p.subs, p.group.subs, p.group.of.subs} {
		for _, sub := range subs {
			if !sub.ready || !sub.wants(ev) {
				continue
			}
			if data == nil {
				data = eventData(ev, payload())
			}
			s.publish(sub, p, data)
		}
	}
}

// eventData is the payload, the same for all subscriptions.
func eventData(ev eventKind, kids ...*node) []byte {
	n := el("eventData", kids...).with(attr{name: "xsi1:type", value: ev.name, qname: true})
	return appendXML(make([]byte, 0, 1024), n, "xsi:")
}

const eventOpen = declaration + `<xsi:Event xmlns:xsi="` + xsiNamespace + `" xmlns:xsi1="` + schemaInstance + `" xsi1:type="xsi:`

// document is the delivery as written on a channel: one line, literal
// prefixes, no newline at the end (dossier §3.4, §3.10).
func (d *delivery) document(channelID string) []byte {
	sub := d.sub
	b := make([]byte, 0, len(eventOpen)+len(d.data)+640)
	b = append(b, eventOpen+`SubscriptionEvent"><xsi:eventID>`...)
	b = append(b, d.eventID...)
	b = append(b, `</xsi:eventID><xsi:sequenceNumber>`...)
	b = strconv.AppendInt(b, d.seq, 10)
	b = append(b, `</xsi:sequenceNumber><xsi:userId>`...)
	b = appendText(b, sub.owner)
	b = append(b, `</xsi:userId><xsi:externalApplicationId>`...)
	b = appendText(b, sub.appID)
	b = append(b, `</xsi:externalApplicationId><xsi:subscriptionId>`...)
	b = append(b, sub.id...)
	b = append(b, `</xsi:subscriptionId>`...)
	if c := sub.contact; c != nil {
		b = append(b, `<xsi:httpContact><xsi:uri>`...)
		b = appendText(b, c.uri)
		b = append(b, `</xsi:uri></xsi:httpContact>`...)
	} else {
		b = append(b, `<xsi:channelId>`...)
		b = append(b, channelID...)
		b = append(b, `</xsi:channelId>`...)
	}
	if d.target != "" {
		b = append(b, `<xsi:targetId>`...)
		b = appendText(b, d.target)
		b = append(b, `</xsi:targetId>`...)
	}
	b = append(b, d.data...)
	return append(b, `</xsi:Event>`...)
}

// channelTerminated has no event id and is not acknowledged (dossier §3.5, §3.7).
func channelTerminated(channelID, reason string) []byte {
	b := append([]byte(nil), eventOpen+`ChannelTerminatedEvent"><xsi:channelId>`...)
	b = append(b, channelID...)
	b = append(b, `</xsi:channelId><xsi:reason>`...)
	b = append(b, reason...)
	return append(b, `</xsi:reason></xsi:Event>`...)
}

// heartbeat is written bare; two clients match this exact text (dossier §3.2).
var heartbeat = []byte(`<ChannelHeartBeat xmlns="` + xsiNamespace + `"/>`)
