package webhooks

import (
	"fmt"
	"math/rand/v2"

	"offhook/bench/busy"
	"offhook/engine"
)

// phone is a subscriber with one call after the other, stepped by the engine
// as its owner would: what is stored and sent is what offhook stores and sends.
type phone struct {
	*busy.Phone
	sub    engine.Subscriber
	app    string
	random *rand.Rand
	out    engine.Effects
}

func newPhone(app string, stream int) *phone {
	return &phone{Phone: busy.NewPhone(stream), app: app, random: rand.New(rand.NewPCG(uint64(stream), 1))}
}

// provision makes the subscriber known and links it to its app.
func (p *phone) provision(now int64) error {
	profile := busy.Profile(p.N)
	if err := p.step(&engine.Input{Profile: &profile}, now); err != nil {
		return err
	}
	return p.step(&engine.Input{Link: p.app}, now)
}

// next lets one thing happen to the phone. What is to be stored and sent is in
// out, and one event of it is for the calls webhook.
func (p *phone) next(now int64) error {
	if err := p.step(&engine.Input{Event: p.Next()}, now); err != nil {
		return err
	}
	if n := len(p.out.Emit); n != 1 || p.out.Emit[0].Sequence != uint64(p.Steps) {
		return fmt.Errorf("step %d of phone %d made %d events", p.Steps, p.N, n)
	}
	return nil
}

// step replaces what is in out. The webhook for calls is the only one that is
// set.
func (p *phone) step(in *engine.Input, now int64) error {
	p.out.Reset()
	in.Entropy = [2]uint64{p.random.Uint64(), p.random.Uint64()}
	if err := engine.Step(&p.sub, in, now, &p.out); err != nil {
		return fmt.Errorf("phone %d: %w", p.N, err)
	}
	for i := range p.out.Emit {
		p.out.Emit[i].Queue = p.out.Emit[i].Kind == engine.StreamCalls
	}
	return nil
}
