package simulator

import (
	"net/http"
	"time"
)

// Reachable reports whether XSP i, counted from 0, is there at all. Who dials
// in memory asks it, and is refused like by a host that is down; over a socket
// the connection breaks instead, since the control paths stay.
func (s *Simulator) Reachable(i int) bool { return s.xsps[i].reachable() }

func (x *xsp) reachable() bool {
	s := x.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	return !s.closed && !now.Before(s.downUntil) && !now.Before(x.downUntil) && s.inForce(faultXSPDown, x) == nil
}

// obstruct is what a fault makes of a request before anybody looks at it: sent
// on to another XSP, turned away for overload, or told that its login is wrong.
func (x *xsp) obstruct(r *request) reply {
	s := x.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	x.counted(r)
	switch {
	case s.struck(faultRejectLogins, x, r.Host, nil) != nil:
		return refuse(RefusedCredentials)
	case s.struck(faultOverload, x, r.Host, nil) != nil:
		return refuse(RefusedOverload)
	case !r.pinned() && s.struck(faultRedirect, x, r.Host, nil) != nil:
		if other := s.next(x); other != nil {
			return reply{status: http.StatusFound, location: other.base + r.URL.RequestURI()}
		}
	}
	return reply{}
}

// pinned requests are about one channel and belong to its XSP.
func (r *request) pinned() bool { return is(r.at(0), "channel") && len(r.path) > 1 }

// next is the XSP after x that has a name to be sent to.
func (s *Simulator) next(x *xsp) *xsp {
	for i, o := range s.xsps {
		if o != x {
			continue
		}
		for j := 1; j < len(s.xsps); j++ {
			if other := s.xsps[(i+j)%len(s.xsps)]; other.base != "" {
				return other
			}
		}
	}
	return nil
}

// XSPStats counts what one XSP was asked.
type XSPStats struct {
	Requests int64 `json:"requests"` // but acknowledgements
	Acks     int64 `json:"acks"`
	Channels int64 `json:"channels_opened"`
	Peak     int64 `json:"peak"` // the most requests in one second

	now int64 // of the second that runs
}

func (x *xsp) counted(r *request) {
	if is(r.at(0), "channel") && is(r.at(1), "eventresponse") {
		x.count.Acks++
		return
	}
	if now := time.Now().Unix(); now != x.second {
		x.second, x.count.now = now, 0
	}
	x.count.Requests++
	x.count.now++
	x.count.Peak = max(x.count.Peak, x.count.now)
}

// elsewhere reports whether a channel is known, but not to the XSP asked.
func elsewhere(ch *channel, x *xsp) bool { return ch != nil && ch.xsp != x }

// restartXSP is one XSP beginning anew: its channels are gone without a word,
// and for a while nobody is there. Calls and subscriptions are the switch's.
func (s *Simulator) restartXSP(x *xsp, down time.Duration) {
	for _, ch := range s.channelsInOrder() {
		if ch.xsp == x {
			s.dropChannel(ch, "restart")
		}
	}
	x.downUntil = time.Now().Add(down)
	s.stats.Restarts++
}

// restart is the loss of all memory. Only the phones, which are devices of
// their own, the standing faults and the statistics survive.
func (s *Simulator) restart(down time.Duration) {
	for _, ch := range s.channelsInOrder() {
		s.stats.ChannelsEnded++
		s.stats.ChannelsEndedBy["restart"]++
		ch.abort()
	}
	s.stopAll()
	s.downUntil = time.Now().Add(down)
	s.stats.Restarts++
	s.oci.Drop()
	s.boot()
}

// resync tells a user's subscription that events were lost, where the switch
// does that: all its calls as they are now (dossier §3.6).
func (s *Simulator) resync(sub *subscription) {
	if s.subs[sub.id] != sub || !sub.lost || !s.cfg.ResyncAfterLoss || sub.user == nil || !sub.aboutCalls() || sub.contact == nil && s.pick(sub, nil) == nil {
		return
	}
	sub.lost = false
	s.stats.Resyncs++
	s.publish(sub, sub.user, eventData(evResync, s.snapshotNodes(sub.user)...))
}

// named finds the XSP a word means; nil for none.
func (s *Simulator) named(word string) *xsp {
	for _, x := range s.xsps {
		if word != "" && x.named(word, "") {
			return x
		}
	}
	return nil
}
