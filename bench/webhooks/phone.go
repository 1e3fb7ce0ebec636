package main

import (
	"fmt"
	"math/rand/v2"

	"offhook/engine"
)

// phonePrefix begins each subscriber's id; the stream's number follows.
const phonePrefix = "bench-"

// phone is a subscriber with one call after the other, stepped by the engine
// as its owner would: what is stored and sent is what offhook stores and sends.
type phone struct {
	sub    engine.Subscriber
	app    string
	stream int
	steps  int // facts told so far; each makes one event
	random *rand.Rand
	fact   [1]engine.Fact
	event  engine.Event
	out    engine.Effects
}

func newPhone(app string, stream int) *phone {
	return &phone{app: app, stream: stream, random: rand.New(rand.NewPCG(uint64(stream), 1))}
}

// provision makes the subscriber known and links it to its app.
func (p *phone) provision(now int64) error {
	profile := engine.Profile{
		ID: fmt.Sprintf("%s%06d@example-telco.com", phonePrefix, p.stream), Number: fmt.Sprintf("+1512555%04d", p.stream%10000),
		Name: "Tommy Tutone", AccountID: "someCustomerIdOrSiteOrName", Network: "bench", ProviderUser: fmt.Sprintf("bench%06d", p.stream),
	}
	if err := p.step(&engine.Input{Profile: &profile}, now); err != nil {
		return err
	}
	return p.step(&engine.Input{Link: p.app}, now)
}

// A call rings, is answered, held, retrieved and released: five events.
var life = [...]struct {
	kind   engine.EventKind
	status engine.Status
}{
	{engine.EventReceived, engine.StatusAlerting},
	{engine.EventAnswered, engine.StatusActive},
	{engine.EventHeld, engine.StatusHeld},
	{engine.EventRetrieved, engine.StatusActive},
	{engine.EventReleased, engine.StatusReleased},
}

// next lets one thing happen to the phone. What is to be stored and sent is in
// out, and one event of it is for the calls webhook.
func (p *phone) next(now int64) error {
	call, at := p.steps/len(life), life[p.steps%len(life)]
	p.steps++
	p.fact[0] = engine.Fact{
		ProviderID: fmt.Sprintf("callhalf-%d-%d:0", p.stream, call), TrackingID: fmt.Sprintf("%d-%d:1", p.stream, call),
		Status: at.status, Personality: engine.Terminator, RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC",
	}
	p.event = engine.Event{ID: fmt.Sprintf("%d-%d", p.stream, p.steps), Kind: at.kind, Facts: p.fact[:]}
	if err := p.step(&engine.Input{Event: &p.event}, now); err != nil {
		return err
	}
	if n := len(p.out.Emit); n != 1 || p.out.Emit[0].Sequence != uint64(p.steps) {
		return fmt.Errorf("step %d of phone %d made %d events", p.steps, p.stream, n)
	}
	return nil
}

// step replaces what is in out. The webhook for calls is the only one that is
// set.
func (p *phone) step(in *engine.Input, now int64) error {
	p.out.Reset()
	in.Entropy = [2]uint64{p.random.Uint64(), p.random.Uint64()}
	if err := engine.Step(&p.sub, in, now, &p.out); err != nil {
		return fmt.Errorf("phone %d: %w", p.stream, err)
	}
	for i := range p.out.Emit {
		p.out.Emit[i].Queue = p.out.Emit[i].Kind == engine.StreamCalls
	}
	return nil
}
