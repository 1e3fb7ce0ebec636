package actor

import (
	"context"
	"time"

	"offhook/engine"
)

// DoConference carries out a command on a conference: conference begins one of
// Command.Call and Command.With, get conference shows it, end conference ends
// it, and mute to undeaf change how Command.Call takes part in it. An ended one
// is known for ten minutes: get shows it, end succeeds, anything else is a wrong
// state.
func (d *Directory) DoConference(ctx context.Context, cmd engine.Command) engine.Reply {
	start := time.Now()
	r := d.doConference(ctx, cmd)
	d.cfg.Metrics.command(cmd.Verb, r, time.Since(start))
	return r
}

func (d *Directory) doConference(ctx context.Context, cmd engine.Command) engine.Reply {
	if cmd.Verb == engine.VerbConference {
		return d.doCall(ctx, cmd)
	}
	e, shown := d.host(cmd.Conference)
	switch {
	case e == nil:
		return d.endedConference(cmd)
	case !shown.shows(cmd.App):
		return notFound()
	case cmd.Verb == engine.VerbGetConference:
		return engine.Reply{Conference: d.fresh(shown).conference, Profile: shown.profile}
	}
	r := d.request(ctx, e.lock, engine.Input{Command: &cmd})
	if r.Gone {
		if over := d.endedConference(cmd); over.Err == nil || over.Err.Code != engine.CodeNotFound {
			return over
		}
		if cmd.Call != 0 { // the conference goes on without it
			return d.ended(cmd, e.key)
		}
		return notFound()
	}
	return r
}

// endedConference answers for a conference that is over, or never was.
func (d *Directory) endedConference(cmd engine.Command) engine.Reply {
	subscriber, c, err := d.cfg.Store.Conference(cmd.Conference)
	switch {
	case err != nil:
		d.cfg.Log.Error("conference not looked up", "conference", cmd.Conference.String(), "err", err)
		return unavailable("the conference cannot be looked up")
	case c == nil || !c.Over() || d.cfg.Clock.Since(c.ReleasedAt) >= engine.EndedMemory:
		return notFound()
	}
	switch linked, err := d.linked(cmd.App, subscriber); {
	case err != nil:
		d.cfg.Log.Error("subscriber not looked up", "sub", subscriber, "err", err)
		return unavailable("the conference cannot be looked up")
	case !linked:
		return notFound()
	case cmd.Verb != engine.VerbGetConference && cmd.Verb != engine.VerbEndConference:
		return engine.Reply{Err: &engine.Error{Code: engine.CodeWrongState, Message: "the conference is over", State: engine.StateReleased}}
	}
	sub, err := d.cfg.Store.Load(subscriber)
	if err != nil || sub == nil {
		return notFound()
	}
	return engine.Reply{Profile: &sub.Profile, Conference: &engine.ConferenceView{Conference: *c, Profile: &sub.Profile}}
}

// Conferences returns the durable conferences of all subscribers linked to an
// app, in no particular order. What is in them is never changed.
func (d *Directory) Conferences(app string) []*engine.ConferenceView {
	var all []*engine.ConferenceView
	for _, v := range d.views(app) {
		if v.conference != nil {
			all = append(all, d.fresh(v).conference)
		}
	}
	return all
}

// host returns the entry whose conference it is, or nil, and what is durable of it.
func (d *Directory) host(conference engine.ConferenceID) (*entry, *view) {
	s := &d.shards[conference.Slot()%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.conferences[conference]
	if e == nil {
		return nil, nil
	}
	return e, e.view
}

// with decides about the calls that a command names beside its own: they belong
// to the same subscriber, as far as the app may know.
func (d *Directory) with(cmd *engine.Command, subscriber string) *engine.Error {
	field := "call_ids"
	if cmd.Verb == engine.VerbConsult {
		field = "with_call_id"
	}
	for _, id := range cmd.With {
		whose, err := d.whoseCall(cmd.App, id)
		switch {
		case err != nil:
			return err
		case whose != subscriber:
			return &engine.Error{Code: engine.CodeInvalidField, Field: field, Message: "the calls belong to different subscribers"}
		}
	}
	return nil
}

// whoseCall returns the folded id of the subscriber whose call it is, or was a
// moment ago, if the app may see it.
func (d *Directory) whoseCall(app string, id engine.CallID) (string, *engine.Error) {
	if e, shown := d.owner(id); e != nil {
		if !shown.shows(app) {
			return "", notFound().Err
		}
		return e.key, nil
	}
	subscriber, err := d.cfg.Store.Owner(id)
	linked := false
	if err == nil && subscriber != "" {
		linked, err = d.linked(app, subscriber)
	}
	switch {
	case err != nil:
		d.cfg.Log.Error("call not looked up", "call", id.String(), "err", err)
		return "", unavailable("the call cannot be looked up").Err
	case !linked:
		return "", notFound().Err
	}
	if c, err := d.cfg.Store.Ended(id); err == nil && c != nil && d.cfg.Clock.Since(c.ReleasedAt) >= engine.EndedMemory {
		return "", notFound().Err
	}
	return engine.Fold(subscriber), nil
}
