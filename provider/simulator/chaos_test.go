package simulator

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// witness believes only what the events say.
type witness struct {
	w     *world
	seq   int64
	state map[string]string // live calls: last told state
	ended map[string]bool
	first map[string]int64 // answer time
	hooks map[string]string
}

// hear takes in one event and checks the laws of a call's life.
func (v *witness) hear(ev event) {
	v.w.Helper()
	v.seq++
	require.Equal(v.w, v.seq, ev.Seq, "no gap")
	if ev.Data.Hook != "" {
		require.NotEqual(v.w, v.hooks[ev.Target], ev.Data.Hook, "the hook moves when it says so")
		v.hooks[ev.Target] = ev.Data.Hook
		return
	}
	calls := ev.Data.Calls
	if ev.Data.Call.ID != "" {
		calls = append(calls, ev.Data.Call)
	}
	for _, c := range calls {
		require.False(v.w, v.ended[c.ID], "an event after the release: %s", ev)
		if v.state[c.ID] == "" {
			require.Contains(v.w, []string{"xsi:CallOriginatingEvent", "xsi:CallOriginatedEvent", "xsi:CallReceivedEvent"}, ev.Data.Type)
		}
		if v.state[c.ID] == "Detached" {
			require.Equal(v.w, "Released", c.State, "the only exit")
		}
		if old := v.first[c.ID]; old != 0 {
			require.Equal(v.w, old, c.Answer, "the first answer time stands")
		}
		v.first[c.ID] = c.Answer
		v.state[c.ID] = c.State
		if c.State == "Released" {
			require.Equal(v.w, "xsi:CallReleasedEvent", ev.Data.Type)
			v.ended[c.ID] = true
			delete(v.state, c.ID)
		}
	}
}

// compare: whoever heard every event knows the truth.
func (v *witness) compare() {
	v.w.Helper()
	truth := map[string]string{}
	for _, c := range v.w.sim.truth() {
		truth[c.CallID] = c.XsiState
	}
	require.Equal(v.w, truth, v.state)
	for _, p := range v.w.sim.phoneViews() {
		if told := v.hooks[p.SubscriberID]; told != "" {
			require.Equal(v.w, p.HookStatus, told)
		}
	}
}

// Whatever phones, far ends and clients do in whatever order, the events tell
// it all: numbers without a gap, one release for each call, the true states.
func TestEventsTellTheTruth(t *testing.T) {
	verbs := slices.Sorted(maps.Keys(controlVerbs))
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			cfg := patient()
			cfg.Subscribers, cfg.Seed, cfg.AckTimeout = 4, seed+1, 1000*time.Hour
			cfg.Treatment = time.Duration(seed%2) * time.Second
			inWorld(t, cfg, func(w *world) { chaos(w, rand.New(rand.NewPCG(seed, 0)), verbs) })
		})
	}
}

func chaos(w *world, rnd *rand.Rand, verbs []string) {
	st := w.open("set", "<expires>2147483647</expires>")
	st.mute = true
	require.Equal(w, 200, w.do("POST", eventsBase+"/enterprise/demo-enterprise",
		strings.Replace(subscriptionBody("set"), "3600", "2147483647", 1)).status)
	v := &witness{w: w, state: map[string]string{}, ended: map[string]bool{}, first: map[string]int64{}, hooks: map[string]string{}}
	phones := w.sim.Phones()
	numbers := []string{"+442079460001", "5550123", "1001", "1002", "+12015550102", "dave@demo.example"}
	for range 150 {
		p := phones[rnd.IntN(len(phones))].SubscriberID
		number := numbers[rnd.IntN(len(numbers))]
		switch n := rnd.IntN(20); {
		case n < 2:
			w.do("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q}`, p, number))
		case n < 3:
			w.do("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"direction":"outgoing"}`, p, number))
		case n < 5:
			w.action("POST", "/user/"+p+"/calls/new?address="+strings.ReplaceAll(number, "+", "%2B"))
		case n < 6:
			w.do("PUT", "/simulator/phones/"+p, fmt.Sprintf(`{"answer":%q,"far_end":%q}`,
				[]string{"auto", "manual"}[rnd.IntN(2)], farEndWords[rnd.IntN(3)]))
		case n < 8:
			w.pass(time.Duration(rnd.IntN(4000)) * time.Millisecond)
		default:
			chaosVerb(w, rnd, verbs, number)
		}
		w.pass(time.Millisecond)
		for len(st.docs) > 0 {
			v.hear(st.event())
		}
		v.compare()
	}
	for _, c := range w.sim.truth() {
		w.do("POST", "/simulator/calls/"+c.CallID+"/hangup", "")
	}
	w.pass(10 * time.Minute)
	for len(st.docs) > 0 {
		v.hear(st.event())
	}
	require.Empty(w, v.state, "every call ended")
	require.Greater(w, len(v.ended), 10)
}

// chaosVerb does something to one of the calls there are.
func chaosVerb(w *world, rnd *rand.Rand, verbs []string, number string) {
	all := w.sim.truth()
	if len(all) == 0 {
		return
	}
	c := all[rnd.IntN(len(all))]
	base := "/user/" + c.SubscriberID + "/calls/" + c.CallID
	switch rnd.IntN(6) {
	case 0:
		other := all[rnd.IntN(len(all))]
		_, _ = w.try("PUT", actionsBase+base+"/ConsultTransfer/"+other.CallID, "") // nobody may be there
	case 1:
		_, _ = w.try("PUT", actionsBase+base+"/BlindTransfer?address="+strings.ReplaceAll(number, "+", "%2B"), "")
	case 2:
		_, _ = w.try("PUT", actionsBase+base+"/"+[]string{"VmTransfer", "Reconnect"}[rnd.IntN(2)], "")
	default:
		_, _ = w.try("POST", "/simulator/calls/"+c.CallID+"/"+verbs[rnd.IntN(len(verbs))], "")
	}
}
