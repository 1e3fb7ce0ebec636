package simulator

import (
	"slices"
	"sync/atomic"
	"time"
)

// channelSet is the channels that share a client's events. It exists while it
// has a channel; its subscriptions outlive it until they expire, and go on when
// a new channel is opened under the same id (dossier §3.7).
type channelSet struct {
	id, appID string
	channels  []*channel
}

// channel is one never-ending answer. Guarded by Simulator.mu, except where said.
type channel struct {
	id               string
	set              *channelSet
	xsp              *xsp
	host             string // as the client called this XSP
	owner            *phone // who opened it; nil for the administrator
	priority, weight int
	expires          time.Duration

	queue   []doc       // to be written
	unacked []*delivery // written, by due time; may hold settled ones behind the first
	wake    chan struct{}
	ending  bool        // the queue holds the last documents
	aborted atomic.Bool // nothing more is written
	broken  chan struct{}
	rnd     random // how it is cut, and whether a fault strikes it
	held    []doc  // one or more of a subscription that another is to overtake (reorder_events)
	// interrupt makes a blocked write give up soon; nil while nobody writes.
	interrupt func(in time.Duration)

	expiry, patience, beat, ackTimer, heldTimer *task
}

// doc is one document to be written, as one chunk.
type doc struct {
	bytes []byte
	event *delivery     // nil for heartbeats, terminations and second copies
	sub   *subscription // whose event or copy it is
}

// The reasons a channel ends for (dossier §3.7).
const (
	reasonDuplicate     = "DuplicateChannelSet"
	reasonNonResponsive = "NonResponsiveChannel"
	reasonDelete        = "ExplicitDelete"
	reasonExpired       = "Expired"
	reasonUnknown       = "UnknownChannel"
	reasonUserDeleted   = "UserDeleted"
	reasonDropped       = "dropped" // not told: the connection broke
)

// endReasons are those a client may be told.
var endReasons = []string{reasonDuplicate, reasonNonResponsive, reasonDelete, reasonExpired, reasonUnknown, reasonUserDeleted}

// openChannel registers ch in its set. Another set of the same application
// ends with all its channels and subscriptions (dossier §3.1).
func (s *Simulator) openChannel(ch *channel, setID, appID string) Refusal {
	set := s.sets[setID]
	if len(s.channels) >= s.cfg.MaxChannels || set != nil && len(set.channels) >= s.cfg.MaxChannelsPerSet {
		return RefusedTooMany
	}
	if set == nil {
		set = &channelSet{id: setID, appID: appID}
		if appID != "" {
			s.endDuplicates(set)
		}
		s.sets[setID] = set
	}
	ch.set, ch.rnd = set, newRandom(s.rnd.Uint64())
	set.channels = append(set.channels, ch)
	s.channels[ch.id] = ch
	s.stats.ChannelsOpened++
	ch.xsp.count.Channels++
	s.renewChannel(ch)
	s.touch(ch)
	s.beatLater(ch)
	if s.cfg.ResyncAfterLoss {
		for _, p := range s.phones {
			for _, sub := range slices.Clone(p.subs) {
				if sub.setID == setID {
					s.resync(sub)
				}
			}
		}
	}
	return ""
}

func (s *Simulator) endDuplicates(by *channelSet) {
	for _, old := range s.sets {
		if old.appID != by.appID {
			continue
		}
		for _, sub := range s.subs {
			if sub.setID == old.id {
				s.endSubscription(sub, false)
			}
		}
		for _, ch := range slices.Clone(old.channels) {
			s.endChannel(ch, reasonDuplicate)
		}
	}
}

func (s *Simulator) renewChannel(ch *channel) {
	s.stop(ch.expiry)
	ch.expiry = nil
	if ch.expires > 0 {
		ch.expiry = s.after(ch.expires, func() { s.endChannel(ch, reasonExpired) })
	}
}

// touch is a sign of life from the client.
func (s *Simulator) touch(ch *channel) {
	s.stop(ch.patience)
	if s.cfg.HeartbeatTimeout > 0 {
		ch.patience = s.after(s.cfg.HeartbeatTimeout, func() { s.endChannel(ch, reasonNonResponsive) })
	}
}

func (s *Simulator) beatLater(ch *channel) {
	if s.cfg.HeartbeatEvery > 0 {
		ch.beat = s.after(s.cfg.HeartbeatEvery, func() {
			s.enqueue(ch, doc{bytes: heartbeat})
			s.beatLater(ch)
		})
	}
}

// enqueue hands a document to whoever writes the channel. A reader so slow
// that too much waits loses the channel.
func (s *Simulator) enqueue(ch *channel, d doc) {
	if s.channels[ch.id] != ch {
		return
	}
	if len(ch.queue)+len(ch.held)+len(ch.unacked) >= s.cfg.MaxWaitingPerStream {
		s.stats.ChannelsOverflowed++
		ch.queue = append(ch.queue, d) // it goes the way of the others
		s.dropChannel(ch, reasonNonResponsive)
		return
	}
	if d.sub != nil && (len(ch.held) > 0 || len(s.faults) > 0) && s.heldBack(ch, d) {
		return
	}
	ch.queue = append(ch.queue, d)
	ch.rouse()
}

// heldBack lets an event be overtaken by one of another subscription, where
// reorder_events strikes. Within one subscription nothing changes places.
func (s *Simulator) heldBack(ch *channel, d doc) bool {
	if len(ch.held) == 0 {
		if d.event == nil {
			return false // a copy comes right behind its event
		}
		f := s.struckBy(d.sub.rnd, faultReorderEvents, ch.xsp, ch.host, d.sub.user)
		if f == nil {
			return false
		}
		ch.held = append(ch.held, d)
		ch.heldTimer = s.after(f.delay, func() { s.catchUp(ch) })
		return true
	}
	ch.held = append(ch.held, d)
	if ch.held[0].sub != d.sub {
		s.stats.EventsReordered++
		last := len(ch.held) - 1
		ch.held = append([]doc{d}, ch.held[:last]...)
		s.catchUp(ch)
	}
	return true
}

// catchUp queues what was held back on a channel.
func (s *Simulator) catchUp(ch *channel) {
	s.stop(ch.heldTimer)
	ch.queue = append(ch.queue, ch.held...)
	ch.held, ch.heldTimer = nil, nil
	ch.rouse()
}

func (ch *channel) rouse() {
	select {
	case ch.wake <- struct{}{}:
	default:
	}
}

// take is what the writer writes next. The clock of an acknowledgement starts
// here and not when the event happened, so a stalled server blames nobody.
func (s *Simulator) take(ch *channel) (docs []doc, last bool) {
	docs, ch.queue = ch.queue, nil
	due := time.Now().Add(s.cfg.AckTimeout)
	for _, d := range docs {
		if d.event != nil && !d.event.done && d.event.on == ch {
			d.event.due = due
			ch.unacked = append(ch.unacked, d.event)
		}
	}
	if len(ch.unacked) > 0 && ch.ackTimer == nil {
		s.watchAcks(ch, s.cfg.AckTimeout)
	}
	return docs, ch.ending
}

// watchAcks looks at the oldest event on the channel when it is due.
func (s *Simulator) watchAcks(ch *channel, in time.Duration) {
	ch.ackTimer = s.after(in, func() {
		ch.ackTimer = nil
		if len(ch.unacked) == 0 {
			return
		}
		if left := time.Until(ch.unacked[0].due); left > 0 {
			s.watchAcks(ch, left)
			return
		}
		s.endChannel(ch, reasonNonResponsive)
	})
}

// endChannel tells the client why, and ends the stream.
func (s *Simulator) endChannel(ch *channel, reason string) {
	if moved, ok := s.detachChannel(ch, reason); ok {
		ch.queue = []doc{{bytes: channelTerminated(ch.id, reason)}}
		ch.ending = true
		ch.rouse()
		if ch.interrupt != nil {
			ch.interrupt(2 * time.Second)
		}
		s.move(moved)
	}
}

// dropChannel breaks the connection without a word.
func (s *Simulator) dropChannel(ch *channel, reason string) {
	if moved, ok := s.detachChannel(ch, reason); ok {
		ch.abort()
		s.move(moved)
	}
}

func (ch *channel) abort() {
	ch.queue, ch.ending = nil, true
	if !ch.aborted.Swap(true) {
		close(ch.broken)
	}
	ch.rouse()
	if ch.interrupt != nil {
		ch.interrupt(0)
	}
}

// forgetChannel is the loss nobody tells: nothing more comes, no heartbeat is
// known, and the connection stays open.
func (s *Simulator) forgetChannel(ch *channel) {
	if moved, ok := s.detachChannel(ch, "forgotten"); ok {
		s.move(moved)
	}
}

// detachChannel takes ch out of its set and returns the events it still owed.
func (s *Simulator) detachChannel(ch *channel, reason string) (owed []*delivery, ok bool) {
	if s.channels[ch.id] != ch {
		return nil, false
	}
	delete(s.channels, ch.id)
	for _, t := range []*task{ch.expiry, ch.patience, ch.beat, ch.ackTimer, ch.heldTimer} {
		s.stop(t)
	}
	set := ch.set
	set.channels = slices.DeleteFunc(set.channels, func(o *channel) bool { return o == ch })
	if len(set.channels) == 0 && s.sets[set.id] == set {
		delete(s.sets, set.id)
	}
	s.stats.ChannelsEnded++
	s.stats.ChannelsEndedBy[reason]++
	s.cfg.Log.Debug("channel ended", "channel", ch.id, "reason", reason)

	for _, d := range ch.unacked {
		if !d.done {
			owed = append(owed, d)
		}
	}
	ch.unacked = nil
	for _, q := range append(ch.queue, ch.held...) {
		if q.event != nil && !q.event.done && q.event.on == ch {
			owed = append(owed, q.event)
		}
	}
	ch.queue, ch.held = nil, nil
	return owed, true
}

// move sends the events of an ended channel on the next one, in their order.
func (s *Simulator) move(owed []*delivery) {
	for _, d := range owed {
		delete(s.waiting, d.eventID)
		s.resend(d, nil)
	}
}
