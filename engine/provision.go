package engine

// profile creates or changes what provisioning says of the subscriber.
func (st *step) profile(p *Profile, token uint64) {
	was := st.Profile
	created := was.ID == "" || st.Deleted
	if !created && p.Network != was.Network && len(st.Calls) > 0 {
		st.refuse(token, CodeConflict, "the network of a subscriber with live calls cannot be changed")
		return
	}
	if was.ID != "" {
		p = &Profile{
			ID:     was.ID, // the first spelling of the id stands
			Number: p.Number, Extension: p.Extension, Name: p.Name, AccountID: p.AccountID,
			Network: p.Network, ProviderUser: p.ProviderUser,
		}
	}
	if *p != was || created {
		st.Profile, st.shown, st.slotted, st.Deleted = *p, nil, 0, false
		st.rewrite()
		rec := Record{Kind: RecordProfile, Subscriber: st.Subscriber}
		if !created {
			rec.Was = &was
		}
		st.out.Put = append(st.out.Put, rec)
		st.out.Changed = true
	}
	before, after := User{was.Network, was.ProviderUser}, User{p.Network, p.ProviderUser}
	if created {
		st.out.Follow = after
	} else if before != after {
		st.out.Unfollow, st.out.Follow = before, after
		st.Source = Source{}
		if before.Network != after.Network {
			st.compare = compare{marked: st.compare.marked, doubt: st.compare.doubt} // what is being read is somebody else's
		}
	}
	st.reply(Reply{Token: token, Created: created})
}

// link lets an app follow the subscriber: live calls become synthetic first
// sights on its stream, and the subscriber webhook fires.
func (st *step) link(app string, token uint64) {
	if st.ID == "" || st.Deleted {
		st.refuse(token, CodeNotFound, "no such subscriber")
		return
	}
	t := st.Stream(app)
	if t != nil && t.Linked {
		st.reply(Reply{Token: token})
		return
	}
	linked := 0
	for i := range st.Streams {
		if st.Streams[i].Linked {
			linked++
		}
	}
	if linked >= st.config.Apps {
		st.reply(Reply{Token: token, Err: &Error{Code: CodeInvalidField, Field: "app_id", Message: "too many apps follow this subscriber"}})
		return
	}
	if t == nil {
		st.Streams = append(st.Streams, Stream{App: app})
		t = &st.Streams[len(st.Streams)-1]
	}
	t.Linked = true
	st.rewrite()
	st.out.Changed = true
	st.out.Put = append(st.out.Put, Record{Kind: RecordLink, Subscriber: st.Subscriber, App: app, Was: st.Shown()})
	st.provisioned(t)
	for i := range st.Calls {
		c := st.out.call(&st.Calls[i])
		c.Synthetic = true
		st.tell(t, c)
	}
	st.reply(Reply{Token: token})
}

func (st *step) provisioned(t *Stream) {
	t.Subscriber++
	st.out.Emit = append(st.out.Emit, Notification{
		App: t.App, Subscriber: st.ID, Kind: StreamSubscriber, Sequence: t.Subscriber, Time: st.now,
		typ: typeProvisioned, id: st.random.eventID(), profile: st.Shown(),
	})
}

// unlink ends every reported call on the app's stream. The calls go on; the
// stream's counters stay for ever.
func (st *step) unlink(app string, token uint64) {
	t := st.Stream(app)
	if t != nil && t.Linked {
		st.leave(t)
	}
	st.reply(Reply{Token: token})
}

func (st *step) leave(t *Stream) {
	keep := st.barriers[:0]
	for _, b := range st.barriers {
		if b.app != t.App {
			keep = append(keep, b)
		}
	}
	st.barriers = keep
	st.release(t)
	for i := range st.Calls {
		c := st.out.call(&st.Calls[i])
		c.deprovision(st.now)
		if st.passes(t, c) {
			st.emit(typeState, t, c, st.now)
		}
	}
	st.answer(func(w *waiter) (Reply, bool) {
		return Reply{Err: &Error{Code: CodeNotFound, Message: "the subscriber is no longer provisioned to this app"}}, w.app == t.App
	})
	t.Linked = false
	st.rewrite()
	st.out.Changed = true
	st.out.Put = append(st.out.Put, Record{Kind: RecordUnlink, Subscriber: st.Subscriber, App: t.App, Was: st.Shown()})
}

// deprovision makes the call what an app is told of it that may not follow it
// any more.
func (c *Call) deprovision(now int64) {
	if c.State == StateHeld {
		c.unhold(now)
	}
	c.State, c.Phase, c.Cause, c.Synthetic, c.ReleasedAt, c.Can = StateReleased, PhaseReleased, CauseDeprovisioned, true, now, 0
}

// delete ends everything but the counters of the streams.
func (st *step) delete(token uint64) {
	if st.ID == "" || st.Deleted {
		st.refuse(token, CodeNotFound, "no such subscriber")
		return
	}
	for i := range st.Streams {
		if st.Streams[i].Linked {
			st.leave(&st.Streams[i])
		}
	}
	for i := range st.Calls {
		c := &st.Calls[i]
		from := c.State
		c.deprovision(st.now)
		st.moved(Move{Call: c.ID, From: from, To: StateReleased, On: OnLost, Synthetic: true, Cause: c.Cause})
		st.end(st.out.call(c))
	}
	st.sweep()
	st.endConference()
	st.out.Unfollow = User{st.Network, st.ProviderUser}
	st.Intents, st.asks, st.barriers, st.Source = nil, nil, nil, Source{}
	st.compare = compare{}
	st.Deleted = true
	st.out.Put = append(st.out.Put, Record{Kind: RecordNoSubscriber, Subscriber: st.Subscriber})
	st.reply(Reply{Token: token})
}
