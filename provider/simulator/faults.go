package simulator

import (
	"slices"
	"strings"
	"time"

	"offhook/provider/simulator/oci"
)

// fault is something going wrong. Guarded by Simulator.mu.
type fault struct {
	id          string
	kind        string
	xsp         string // only there; empty for everywhere
	phone       *phone // only for this subscriber; nil for all
	probability float64
	delay       time.Duration // of delay_events and reorder_events: at most this
	reason      string        // of end_channel
	expiry      *task

	over   chan struct{} // closed when lifted
	lifted bool
}

// The kinds of the control contract (design §12).
const (
	faultDropChannel     = "drop_channel"
	faultDropEvents      = "drop_events"
	faultDuplicateEvents = "duplicate_events"
	faultDelayEvents     = "delay_events"
	faultRejectActions   = "reject_actions"
	faultIgnoreActions   = "ignore_actions"
	faultStall           = "stall"
	faultRestart         = "restart"
)

// Beyond the contract: what redundant XSPs do to a client.
const (
	faultEndChannel    = "end_channel"    // drop_channel with notice: a ChannelTerminatedEvent with a reason
	faultForgetChannel = "forget_channel" // the channel is gone, its connection stays open and says nothing more
	faultReorderEvents = "reorder_events" // events of different subscriptions change places
	faultSlowReader    = "slow_reader"    // bytes leave as slowly as if the client hardly read
	faultRedirect      = "redirect"       // 302 to the next XSP, for what is not about a channel
	faultOverload      = "overload"       // 503
	faultRejectLogins  = "reject_logins"  // 401
	faultXSPDown       = "xsp_down"       // one XSP is dead; the others go on
)

var faultKinds = []string{
	faultDropChannel, faultDropEvents, faultDuplicateEvents, faultDelayEvents,
	faultRejectActions, faultIgnoreActions, faultStall, faultRestart,
	faultEndChannel, faultForgetChannel, faultReorderEvents, faultSlowReader,
	faultRedirect, faultOverload, faultRejectLogins, faultXSPDown,
}

// FaultKinds are the names of all that can go wrong on the Xsi side.
func FaultKinds() []string { return slices.Clone(faultKinds) }

const maxFaults = 1000

func (f *fault) lift() {
	if !f.lifted {
		f.lifted = true
		close(f.over)
	}
}

// at reports whether the fault holds for what happens at an XSP for a user.
func (f *fault) at(x *xsp, host string, p *phone) bool {
	return (f.xsp == "" || x != nil && x.named(f.xsp, host)) && (f.phone == nil || f.phone == p)
}

// addFault puts a fault in force for a while, zero for until it is lifted.
// drop_channel, end_channel and forget_channel strike the open channels at once
// and, while in force, those opened later. restart loses the memory at once
// and, for its duration, breaks every connection; with an XSP named, it is only
// that one, and the switch remembers.
func (s *Simulator) addFault(f *fault, lasts time.Duration) {
	s.lastFault++
	f.id = "fault-" + itoa(int64(s.lastFault))
	f.over = make(chan struct{})
	s.stats.Faults[f.kind]++
	switch f.kind {
	case faultDropChannel, faultEndChannel, faultForgetChannel, faultXSPDown:
		for _, ch := range s.channelsInOrder() {
			if f.strikes(ch, s) {
				s.strike(f, ch)
			}
		}
	case faultRestart:
		if !s.rnd.chance(f.probability) {
			break
		}
		if x := s.named(f.xsp); x != nil {
			s.restartXSP(x, lasts)
		} else if f.xsp == "" {
			s.restart(lasts)
		}
	}
	s.strikeOCI(f)
	if lasts > 0 {
		f.expiry = s.after(lasts, func() { s.liftFault(f) })
		f.expiry.stays = true
	} else if f.momentary() {
		f.lift() // done
		return
	}
	s.faults = append(s.faults, f)
}

// momentary faults are over when they struck, unless they are to last.
func (f *fault) momentary() bool {
	switch f.kind {
	case faultDropChannel, faultEndChannel, faultForgetChannel, faultRestart,
		string(oci.Down), string(oci.DropFeed), string(oci.SilentFeed):
		return true
	}
	return false
}

// strike does to a channel what the fault is about.
func (s *Simulator) strike(f *fault, ch *channel) {
	switch f.kind {
	case faultEndChannel:
		s.endChannel(ch, f.reason)
	case faultForgetChannel:
		s.forgetChannel(ch)
	default:
		s.dropChannel(ch, reasonDropped)
	}
}

// inForce returns a fault of a kind that holds for the whole of an XSP.
func (s *Simulator) inForce(kind string, x *xsp) *fault {
	for _, f := range s.faults {
		if f.kind == kind && f.phone == nil && f.at(x, "", nil) {
			return f
		}
	}
	return nil
}

// strikes decides drop_channel: for a subscriber it means the channels that
// carry that subscriber's events.
func (f *fault) strikes(ch *channel, s *Simulator) bool {
	if !f.at(ch.xsp, ch.host, f.phone) || !ch.rnd.chance(f.probability) {
		return false
	}
	if f.phone == nil {
		return true
	}
	for _, list := range [][]*subscription{f.phone.subs, f.phone.group.subs, f.phone.group.of.subs} {
		for _, sub := range list {
			if sub.setID == ch.set.id {
				return true
			}
		}
	}
	return false
}

func (s *Simulator) channelsInOrder() []*channel {
	all := make([]*channel, 0, len(s.channels))
	for _, ch := range s.channels {
		all = append(all, ch)
	}
	slices.SortFunc(all, func(a, b *channel) int { return strings.Compare(a.id, b.id) })
	return all
}

func (s *Simulator) liftFault(f *fault) {
	s.stop(f.expiry)
	f.lift()
	s.faults = slices.DeleteFunc(s.faults, func(o *fault) bool { return o == f })
	if f.kind == faultStall {
		for _, ch := range s.channels {
			ch.rouse()
		}
	}
}

// struck returns the first fault of a kind that strikes a request.
func (s *Simulator) struck(kind string, x *xsp, host string, p *phone) *fault {
	return s.struckBy(s.asked, kind, x, host, p)
}

// struckBy returns the first fault of a kind that strikes now, by a line of chance.
func (s *Simulator) struckBy(rnd random, kind string, x *xsp, host string, p *phone) *fault {
	for _, f := range s.faults {
		if f.kind == kind && f.at(x, host, p) && rnd.chance(f.probability) {
			return f
		}
	}
	return nil
}

// stalled is what a channel's writer waits for, nil if nothing.
func (s *Simulator) stalled(ch *channel) *fault {
	for _, f := range s.faults {
		if f.kind == faultStall && f.phone == nil && f.at(ch.xsp, ch.host, nil) {
			return f
		}
	}
	return nil
}

// publishFaulty sends an event the way the faults in force let it go.
func (s *Simulator) publishFaulty(d *delivery, target *phone) {
	x, host, rnd := s.xsps[0], "", d.sub.rnd
	if ch := s.pick(d.sub, nil); ch != nil {
		x, host = ch.xsp, ch.host
	}
	if s.struckBy(rnd, faultDropEvents, x, host, target) != nil {
		s.stats.EventsDropped++
		d.sub.lost = true
		return
	}
	if s.struckBy(rnd, faultStall, x, host, target) != nil && s.stalledFor(target) {
		s.holdBack(d, time.Second)
		return
	}
	if f := s.struckBy(rnd, faultDelayEvents, x, host, target); f != nil || len(d.sub.delayed) > 0 {
		wait := time.Duration(0)
		if f != nil {
			wait = rnd.between(f.delay/4, f.delay)
			s.stats.EventsDelayed++
		}
		s.holdBack(d, wait)
		return
	}
	s.send(d)
	switch double := s.struckBy(rnd, faultDuplicateEvents, x, host, target) != nil; {
	case double && d.sub.contact != nil:
		s.stats.EventsDuplicated++
		second := *d
		s.sendContact(&second)
	case double && d.on != nil:
		s.stats.EventsDuplicated++
		s.enqueue(d.on, doc{bytes: d.document(d.on.id), sub: d.sub})
	}
}

// stalledFor reports whether a stall names this subscriber alone; one of the
// whole server is waited for by the writers.
func (s *Simulator) stalledFor(p *phone) bool {
	for _, f := range s.faults {
		if f.kind == faultStall && f.phone != nil && f.phone == p {
			return true
		}
	}
	return false
}

// holdBack keeps an event, and all of its subscription behind it: nothing is
// reordered within one subscription (dossier §3.10).
func (s *Simulator) holdBack(d *delivery, wait time.Duration) {
	sub := d.sub
	sub.delayed = append(sub.delayed, d)
	d.due = time.Now().Add(wait)
	if n := len(sub.delayed); n > 1 {
		if before := sub.delayed[n-2].due; d.due.Before(before) {
			d.due = before
		}
		if n > maxDelayed {
			sub.delayed = slices.Delete(sub.delayed, 0, 1)
			s.lose(d)
		}
		return
	}
	s.after(wait, func() { s.letGo(sub) })
}

const maxDelayed = 10000

// letGo sends what is due and waits for the next.
func (s *Simulator) letGo(sub *subscription) {
	for len(sub.delayed) > 0 {
		if s.stalledFor(sub.user) {
			s.after(100*time.Millisecond, func() { s.letGo(sub) })
			return
		}
		if left := time.Until(sub.delayed[0].due); left > 0 {
			s.after(left, func() { s.letGo(sub) })
			return
		}
		d := sub.delayed[0]
		sub.delayed = sub.delayed[1:]
		s.send(d)
	}
	sub.delayed = nil
}
