package broadworks

import (
	"offhook/engine"
	"offhook/engine/tenant"
)

// everything is what a BroadWorks can be asked for. What an installation lacks,
// for want of a licence or of a service, nobody is told: Without takes it away.
var everything = engine.Verbs(
	engine.VerbOriginate, engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd,
	engine.VerbDecline, engine.VerbDivert, engine.VerbVoicemail, engine.VerbTransfer, engine.VerbMuteTransfer, engine.VerbConsult,
	engine.VerbReconnect, engine.VerbPark, engine.VerbGroupPark, engine.VerbRetrieve, engine.VerbDTMF,
	engine.VerbRecord, engine.VerbPauseRecording, engine.VerbResumeRecording, engine.VerbStopRecording,
	engine.VerbConference, engine.VerbMute, engine.VerbUnmute, engine.VerbDeaf, engine.VerbUndeaf, engine.VerbEndConference,
)

// platformOf is what is known of a network before anything was heard from it.
func platformOf(without []string) *engine.Platform {
	is := &engine.Platform{Verbs: everything}
	for _, name := range without {
		if v, ok := tenant.Capability(name); ok {
			is.Verbs &^= engine.Verbs(v)
		}
	}
	return is
}

// Platform implements provider.Provider.
func (p *Provider) Platform() *engine.Platform { return p.platform.Load() }

// learn notes that the platform says when a call can be answered, or
// retrieved, from here (allowAnswer and allowRetrieve, dossier §1.4). Not all
// do; one that did once does.
func (p *Provider) learn(doc *document) {
	known := p.platform.Load()
	if known.TellsAnswer && known.TellsRetrieve {
		return
	}
	answer, retrieve := known.TellsAnswer, known.TellsRetrieve
	for i := range doc.calls {
		answer = answer || doc.calls[i].allowAnswer
		retrieve = retrieve || doc.calls[i].allowResume
	}
	for answer != known.TellsAnswer || retrieve != known.TellsRetrieve {
		more := &engine.Platform{Verbs: known.Verbs, TellsAnswer: answer, TellsRetrieve: retrieve}
		if p.platform.CompareAndSwap(known, more) {
			return
		}
		known = p.platform.Load() // by another channel's reader
		answer, retrieve = answer || known.TellsAnswer, retrieve || known.TellsRetrieve
	}
}
