package engine

import (
	"slices"
	"strconv"
)

// maxGapCalls bounds the calls one gap names, and so its body. What is more
// goes into another gap behind it.
const maxGapCalls = 1000

// Gap is made of consecutive events of one stream that were kept too long and
// are given up. It names each call that was among them (design §2.4, §6).
type Gap struct {
	from  uint64
	last  Notification // the last event that was added, without its body
	calls []GapCall
	at    map[CallID]int // in calls
}

// GapCall is the last that a gap knows of one call.
type GapCall struct {
	Call     CallID
	State    State
	Sequence uint64 // of the event that said so
	Time     int64  // when it was recorded, ms since the epoch
}

// Add gives up one more event and reports false, without doing so, if the gap
// is full. inner is what the event itself tells of calls if it is a gap. Events
// are added in the order of their numbers.
func (g *Gap) Add(n *Notification, inner []GapCall) bool {
	add := inner
	if n.Call != 0 {
		add = []GapCall{{n.Call, n.State, n.Sequence, n.Time}}
	}
	if g.from != 0 && len(g.calls)+g.fresh(add) > maxGapCalls {
		return false
	}
	if g.from == 0 {
		g.from = n.Sequence
		if n.GapFrom != 0 {
			g.from = n.GapFrom
		}
	}
	for _, c := range add {
		if i, ok := g.at[c.Call]; ok {
			g.calls[i] = c
			continue
		}
		if g.at == nil {
			g.at = map[CallID]int{}
		}
		g.at[c.Call] = len(g.calls)
		g.calls = append(g.calls, c)
	}
	g.last = *n
	g.last.Body = nil
	return true
}

func (g *Gap) fresh(add []GapCall) (n int) {
	for _, c := range add {
		if _, ok := g.at[c.Call]; !ok {
			n++
		}
	}
	return n
}

// Notification is the event that stands for the gap. It takes the place of the
// last event that was added, and its number.
func (g *Gap) Notification(eventID string, now int64) Notification {
	n := g.last
	n.EventID, n.Time, n.GapFrom = eventID, now, g.from
	n.Call, n.State = 0, StateNone
	b := append([]byte(nil), `{"app_id":`...)
	b = AppendString(b, n.App)
	b = append(b, `,"subscriber_id":`...)
	b = AppendString(b, n.Subscriber)
	b = append(b, `,"subscriber_number":"","subscriber_name":"","subscriber_account_id":"","remote_number":"","remote_name":"","call_id":"","sequence_number":"`...)
	b = strconv.AppendUint(b, n.Sequence, 10)
	b = append(b, `","direction":"","state":"","timestamp":`...)
	b = strconv.AppendInt(b, now, 10)
	b = append(b, `,"event_id":"`...)
	b = append(b, eventID...)
	b = append(b, `","type":"`...)
	b = append(b, typeGap...)
	b = append(b, `","gap_from":"`...)
	b = strconv.AppendUint(b, g.from, 10)
	b = append(b, `","calls":[`...)
	for i, c := range g.calls {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"call_id":"`...)
		b = c.Call.Append(b)
		b = append(b, `","state":"`...)
		b = append(b, c.State.String()...)
		b = append(b, `","sequence_number":"`...)
		b = strconv.AppendUint(b, c.Sequence, 10)
		b = append(b, `","timestamp":`...)
		b = strconv.AppendInt(b, c.Time, 10)
		b = append(b, '}')
	}
	n.Body = append(b, `]}`...)
	return n
}

// ParseState reads the name of a state.
func ParseState(s string) (State, bool) {
	i := slices.Index(stateNames[:], s)
	return State(max(i, 0)), i > 0 // #nosec G115 -- an index of a short list
}

// NewEventID makes an event id out of two random numbers.
func NewEventID(a, b uint64) string {
	e := entropy{a, b}
	return e.eventID().String()
}
