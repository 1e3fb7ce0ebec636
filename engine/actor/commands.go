package actor

import (
	"context"
	"time"

	"offhook/engine"
)

// Do carries out a command on a subscriber: originate, retrieve or list.
// Reply.Err says why not.
func (d *Directory) Do(ctx context.Context, subscriber string, cmd engine.Command) engine.Reply {
	start := time.Now()
	if o := cmd.Originate; o != nil && o.Key != "" {
		settled, err := d.cfg.Store.Intent(cmd.App, subscriber, o.Key)
		if err != nil {
			d.cfg.Log.Error("idempotency key not looked up", "sub", subscriber, "err", err)
			return unavailable("the idempotency key cannot be looked up")
		}
		with := *o
		with.Settled = settled
		cmd.Originate = &with
	}
	r := d.send(ctx, subscriber, engine.Input{Command: &cmd})
	d.cfg.Metrics.command(cmd.Verb, r, time.Since(start))
	return r
}

// DoCall carries out a command on a call: get, or any verb of a call but those of
// a participant. It finds the owner by the call. Ended calls are known for ten minutes: get
// shows them, end succeeds, anything else is a wrong state.
func (d *Directory) DoCall(ctx context.Context, cmd engine.Command) engine.Reply {
	start := time.Now()
	r := d.doCall(ctx, cmd)
	d.cfg.Metrics.command(cmd.Verb, r, time.Since(start))
	return r
}

func (d *Directory) doCall(ctx context.Context, cmd engine.Command) engine.Reply {
	e, shown := d.owner(cmd.Call)
	if e != nil && !shown.shows(cmd.App) {
		return notFound()
	}
	if e != nil && cmd.Verb == engine.VerbGet {
		shown = d.fresh(shown)
		for i := range shown.calls {
			if shown.calls[i].ID == cmd.Call {
				return engine.Reply{Call: shown.calls[i], Profile: shown.profile}
			}
		}
	}
	if e != nil {
		if refused := d.with(&cmd, e.key); refused != nil {
			return engine.Reply{Err: refused}
		}
		r := d.request(ctx, e.lock, engine.Input{Command: &cmd})
		if r.Gone {
			return d.ended(cmd, e.key)
		}
		return r
	}
	subscriber, err := d.cfg.Store.Owner(cmd.Call)
	switch {
	case err != nil:
		d.cfg.Log.Error("call not looked up", "call", cmd.Call.String(), "err", err)
		return unavailable("the call cannot be looked up")
	case subscriber == "":
		return notFound()
	}
	// Somebody else's is answered as nobody's is, and as soon: the owner may be
	// busy, or wait for the disk.
	switch linked, err := d.linked(cmd.App, subscriber); {
	case err != nil:
		d.cfg.Log.Error("subscriber not looked up", "sub", subscriber, "err", err)
		return unavailable("the call cannot be looked up")
	case !linked:
		return notFound()
	}
	if refused := d.with(&cmd, engine.Fold(subscriber)); refused != nil {
		return engine.Reply{Err: refused}
	}
	r := d.send(ctx, subscriber, engine.Input{Command: &cmd})
	if r.Gone {
		return d.ended(cmd, subscriber)
	}
	return r
}

// linked reports whether it is durable that an app may see a subscriber.
func (d *Directory) linked(app, subscriber string) (bool, error) {
	if v := d.shown(subscriber); v != nil {
		return v.shows(app), nil
	}
	sub, err := d.cfg.Store.Load(subscriber)
	if v := d.shown(subscriber); v != nil { // in memory meanwhile: what was read may be on its way to the disk
		return v.shows(app), nil
	}
	return sub != nil && sub.LinkedTo(app), err
}

// ended answers for a call that is over. The app may see its subscriber.
func (d *Directory) ended(cmd engine.Command, subscriber string) engine.Reply {
	owner, err := d.cfg.Store.Owner(cmd.Call)
	if err == nil && engine.Fold(owner) != engine.Fold(subscriber) { // of another one, and perhaps of another app
		return notFound()
	}
	var c *engine.Call
	if err == nil {
		c, err = d.cfg.Store.Ended(cmd.Call)
	}
	switch {
	case err != nil:
		d.cfg.Log.Error("ended call not looked up", "call", cmd.Call.String(), "err", err)
		return unavailable("the call cannot be looked up")
	case c == nil || d.cfg.Clock.Since(c.ReleasedAt) >= engine.EndedMemory:
		return notFound()
	case cmd.Verb != engine.VerbGet && cmd.Verb != engine.VerbEnd:
		return engine.Reply{Err: &engine.Error{Code: engine.CodeWrongState, Message: "the call is over", State: engine.StateReleased}}
	}
	sub, err := d.cfg.Store.Load(subscriber)
	if err != nil || sub == nil {
		return notFound()
	}
	return engine.Reply{Call: *c, Profile: &sub.Profile}
}

// SubscriberCalls returns the durable live calls of a subscriber the app may see.
func (d *Directory) SubscriberCalls(ctx context.Context, app, subscriber string) ([]CallView, *engine.Error) {
	v := d.shown(subscriber)
	if v == nil {
		r := d.Do(ctx, subscriber, engine.Command{Verb: engine.VerbList, App: app})
		if r.Err != nil {
			return nil, r.Err
		}
		v = &view{profile: r.Profile, apps: []string{app}, calls: r.Calls}
	}
	if !v.shows(app) {
		return nil, notFound().Err
	}
	v = d.fresh(v)
	calls := make([]CallView, len(v.calls))
	for i := range v.calls {
		calls[i] = CallView{Profile: v.profile, Call: v.calls[i]}
	}
	return calls, nil
}

// Lift says that the 201 of an originated call was handed to the network, or
// never can be: the app's stream goes on.
func (d *Directory) Lift(call engine.CallID) {
	if e, _ := d.owner(call); e != nil {
		e.post(control{in: engine.Input{Lift: call}})
		return
	}
	// Over already, or not published: the slot is in the id, the owner in the store.
	if subscriber, err := d.cfg.Store.Owner(call); err == nil && subscriber != "" {
		d.control(subscriber, control{in: engine.Input{Lift: call}})
	}
}

// PutProfile creates or changes a subscriber. The provider's user belongs to
// one subscriber at a time.
func (d *Directory) PutProfile(ctx context.Context, p engine.Profile) (created bool, err *engine.Error) {
	if p.ProviderUser == "" {
		p.ProviderUser = p.ID
	}
	claim := &d.claims[engine.SlotOf(p.Network+"\x00"+p.ProviderUser)%uint16(len(d.claims))]
	claim.Lock()
	defer claim.Unlock()
	holder, fault := d.cfg.Store.UserOf(p.Network, p.ProviderUser)
	if fault != nil {
		d.cfg.Log.Error("provider user not looked up", "network", p.Network, "err", fault)
		return false, unavailable("the provider user cannot be looked up").Err
	}
	if holder != "" && engine.Fold(holder) != engine.Fold(p.ID) {
		return false, &engine.Error{Code: engine.CodeConflict, Field: "provider_user_id", Message: "this user of the network belongs to another subscriber"}
	}
	r := d.send(ctx, p.ID, engine.Input{Profile: &p})
	return r.Created, r.Err
}

// Link lets an app follow a subscriber; Unlink ends that, and Delete ends the
// subscriber. All return when the change is durable.
func (d *Directory) Link(ctx context.Context, app, subscriber string) *engine.Error {
	return d.send(ctx, subscriber, engine.Input{Link: app}).Err
}

// Unlink ends every reported call on the app's stream; see Link.
func (d *Directory) Unlink(ctx context.Context, app, subscriber string) *engine.Error {
	return d.send(ctx, subscriber, engine.Input{Unlink: app}).Err
}

// Delete ends the subscriber; see Link.
func (d *Directory) Delete(ctx context.Context, subscriber string) *engine.Error {
	return d.send(ctx, subscriber, engine.Input{Delete: true}).Err
}

// send has a request to a subscriber carried out and waits for its reply.
func (d *Directory) send(ctx context.Context, subscriber string, in engine.Input) engine.Reply {
	return d.request(ctx, func() *entry { return d.lock(subscriber) }, in)
}

// request is send to whoever lock finds. A ready reply wins over a caller that
// gave up.
func (d *Directory) request(ctx context.Context, lock func() *entry, in engine.Input) engine.Reply {
	r := request{in: in, reply: d.answers.Get().(chan engine.Reply), cause: causeOf(ctx, &in)}
	if refused := d.enqueue(lock, &r); refused != nil {
		d.answers.Put(r.reply)
		return engine.Reply{Err: refused}
	}
	select {
	case is := <-r.reply:
		d.answers.Put(r.reply)
		return is
	default:
	}
	select {
	case is := <-r.reply:
		d.answers.Put(r.reply) // one that a caller left is not used again: its answer may still come
		return is
	case <-d.stop:
	case <-ctx.Done():
	}
	select {
	case is := <-r.reply:
		return is
	default:
	}
	if c := in.Command; c != nil && (c.Verb == engine.VerbOriginate || c.Verb == engine.VerbRetrieve) {
		return engine.Reply{Err: &engine.Error{Code: engine.CodeOutcomeUnknown, Message: "whether the call was placed is not known yet"}}
	}
	return engine.Reply{Err: &engine.Error{Code: engine.CodeUnconfirmed, Message: "no answer in time; it may still take effect"}}
}

// enqueue has a request wait for the owner of a subscriber; or carries it out,
// where there is none.
func (d *Directory) enqueue(lock func() *entry, r *request) *engine.Error {
	if refused := d.refuses(&r.in); refused != nil {
		return refused
	}
	e := lock()
	s := e.shard
	if d.failed.Load() {
		s.mu.Unlock()
		return unavailable("shutting down").Err
	}
	if e.take() {
		e.waiting++
		s.mu.Unlock()
		e.carry(func(b *batch) { e.command(b, *r) })
		return nil
	}
	defer s.mu.Unlock()
	e.wake()
	select {
	case e.inbox.commands <- *r:
		e.waiting++
		d.cfg.Metrics.queuedCommands(1)
		return nil
	default:
		d.cfg.Metrics.refused("inbox")
		return unavailable("too many commands wait for this subscriber").Err
	}
}

// refuses says why a request is not taken, whoever it is for.
func (d *Directory) refuses(in *engine.Input) *engine.Error {
	if d.draining.Load() {
		return unavailable("shutting down").Err
	}
	if d.unsynced.Load() >= int64(d.cfg.InFlight) {
		d.cfg.Metrics.refused("disk")
		return unavailable("too much waits for the disk").Err
	}
	if stores(in) && d.room() != RoomEnough {
		d.cfg.Metrics.refused("space")
		return unavailable("nothing can be stored for now").Err
	}
	return nil
}

func unavailable(why string) engine.Reply {
	return engine.Reply{Err: &engine.Error{Code: engine.CodeBusy, Message: why}}
}

func notFound() engine.Reply {
	return engine.Reply{Err: &engine.Error{Code: engine.CodeNotFound, Message: "no such call or subscriber"}}
}
