package broadworks

import "offhook/engine"

// Platform implements provider.Provider.
func (p *Provider) Platform() *engine.Platform { return &everything }

var everything = engine.Platform{Verbs: engine.Verbs(engine.VerbOriginate, engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd)}
