package simulator

import (
	"maps"

	"offhook/provider/simulator/oci"
)

// Stats counts what the simulator did since it was made; a restart fault does
// not reset it. It is what GET /simulator/stats answers.
type Stats struct {
	Dials         int64            `json:"dials"` // calls/new carried out
	DialsByUser   map[string]int64 `json:"dials_by_subscriber"`
	Actions       map[string]int64 `json:"actions"` // accepted, by name
	Refusals      map[string]int64 `json:"refusals"`
	Unauthorized  int64            `json:"unauthorized"`
	CallsStarted  int64            `json:"calls_started"` // call halves
	CallsReleased int64            `json:"calls_released"`
	CallsSkipped  int64            `json:"calls_skipped"` // traffic that found no free phone

	EventsSent       int64 `json:"events_sent"` // with resends, without second copies
	EventsAcked      int64 `json:"events_acked"`
	EventsResent     int64 `json:"events_resent"`
	EventsRefused    int64 `json:"events_refused"` // acknowledged with 400
	EventsLost       int64 `json:"events_lost"`    // no channel, or no retry left
	EventsDropped    int64 `json:"events_dropped"` // by a fault
	EventsDuplicated int64 `json:"events_duplicated"`
	EventsDelayed    int64 `json:"events_delayed"`
	EventsReordered  int64 `json:"events_reordered"` // overtaken by one of another subscription
	AcksUnknown      int64 `json:"acks_unknown"`
	ContactPosts     int64 `json:"contact_posts"`    // events POSTed to HTTP contacts, with retries
	ContactFailures  int64 `json:"contact_failures"` // of these, not answered, or with neither 2xx, 400 nor 404

	Heartbeats         int64            `json:"heartbeats"`
	ChannelsOpened     int64            `json:"channels_opened"`
	ChannelsEnded      int64            `json:"channels_ended"`
	ChannelsEndedBy    map[string]int64 `json:"channels_ended_by"`
	ChannelsOverflowed int64            `json:"channels_overflowed"`
	Subscribed         int64            `json:"subscriptions_created"`
	Renewed            int64            `json:"subscriptions_renewed"`
	Snapshots          int64            `json:"snapshots"`
	Resyncs            int64            `json:"resyncs"` // CallSubscriptionResyncEvents
	Faults             map[string]int64 `json:"faults"`
	Restarts           int64            `json:"restarts"`

	XSPs map[string]XSPStats `json:"xsps"` // by name
	OCI  oci.Stats           `json:"oci"`

	Live Live `json:"live"`
}

// Live is what exists right now.
type Live struct {
	Calls         int `json:"calls"`
	Parked        int `json:"parked"`
	Channels      int `json:"channels"`
	Subscriptions int `json:"subscriptions"`
	Waiting       int `json:"waiting_for_ack"`
	Planned       int `json:"planned"` // timers
}

func newStats() Stats {
	return Stats{
		DialsByUser: map[string]int64{}, Actions: map[string]int64{}, Refusals: map[string]int64{},
		ChannelsEndedBy: map[string]int64{}, Faults: map[string]int64{},
	}
}

// Stats is the count so far.
func (s *Simulator) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	for _, p := range s.phones {
		if p.dials > 0 {
			st.DialsByUser[p.SubscriberID] = p.dials
		}
	}
	st.DialsByUser = maps.Clone(st.DialsByUser)
	st.Actions = maps.Clone(st.Actions)
	st.Refusals = maps.Clone(st.Refusals)
	st.ChannelsEndedBy = maps.Clone(st.ChannelsEndedBy)
	st.Faults = maps.Clone(st.Faults)
	st.XSPs = make(map[string]XSPStats, len(s.xsps))
	for _, x := range s.xsps {
		st.XSPs[x.name] = x.count
	}
	st.OCI = s.oci.Stats()
	st.Live = Live{Calls: len(s.calls), Parked: len(s.parked), Channels: len(s.channels), Subscriptions: len(s.subs),
		Waiting: len(s.waiting) + s.posts.pending, Planned: len(s.planned.tasks)}
	return st
}
