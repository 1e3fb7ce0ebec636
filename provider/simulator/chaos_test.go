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
	confs map[string]xmlConference // by user: as was told last
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
	if c := ev.Data.Conference; c.State != "" {
		require.Equal(v.w, v.confs[ev.Target].State == "", ev.Data.Type == "xsi:ConferenceStartedEvent", "a conference begins once")
		if v.confs[ev.Target] = c; c.State == "Released" {
			delete(v.confs, ev.Target)
		}
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
	v.w.sound()
	v.w.sim.mu.Lock()
	for _, p := range v.w.sim.phones {
		told, is := v.confs[p.SubscriberID], p.conf
		require.Equal(v.w, is != nil, told.State != "")
		if is == nil {
			continue
		}
		require.Equal(v.w, is.held, told.State == "Held")
		require.Len(v.w, told.Calls, len(is.calls))
		for i, h := range is.calls {
			got := told.Calls[i]
			require.Equal(v.w, []any{h.id, h.muted, h.deaf}, []any{got.ID, got.Muted != nil, got.Deaf != nil})
		}
	}
	v.w.sim.mu.Unlock()
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
			cfg.ParkRecall, cfg.TransferRecall = 5*time.Second, 3*time.Second
			inWorld(t, cfg, func(w *world) { chaos(w, rand.New(rand.NewPCG(seed, 0)), verbs) })
		})
	}
}

func chaos(w *world, rnd *rand.Rand, verbs []string) {
	st := w.open("set", "<expires>2147483647</expires>")
	st.mute = true
	require.Equal(w, 200, w.do("POST", eventsBase+"/enterprise/demo-enterprise",
		strings.Replace(subscriptionBody("set"), "3600", "2147483647", 1)).status)
	v := &witness{w: w, state: map[string]string{}, ended: map[string]bool{}, first: map[string]int64{}, hooks: map[string]string{}, confs: map[string]xmlConference{}}
	phones := w.sim.Phones()
	numbers := []string{"+442079460001", "5550123", "1001", "1002", "+12015550102", "dave@demo.example", "*881001", "*881002", "*88"}
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
	for range 2 { // what was parked comes back once
		for _, c := range w.sim.truth() {
			_, _ = w.try("POST", "/simulator/calls/"+c.CallID+"/hangup", "") // it may have ended with another
		}
		w.pass(10 * time.Second)
	}
	w.pass(10 * time.Minute)
	for len(st.docs) > 0 {
		v.hear(st.event())
	}
	require.Empty(w, v.state, "every call ended")
	require.Greater(w, len(v.ended), 10)
	require.Empty(w, v.confs, "every conference ended")
	v.compare()
	live := w.sim.Stats().Live
	require.Zero(w, live.Calls)
	require.Zero(w, live.Parked, "nobody is left in an orbit")
	require.LessOrEqual(w, live.Planned, 3, "and nothing is planned but the expiry of channel and subscription: %+v", live)
}

// chaosVerb does something to one of the calls there are.
func chaosVerb(w *world, rnd *rand.Rand, verbs []string, number string) {
	all := w.sim.truth()
	if len(all) == 0 {
		return
	}
	c := all[rnd.IntN(len(all))]
	base := "/user/" + c.SubscriberID + "/calls/" + c.CallID
	other := all[rnd.IntN(len(all))]
	xsi := func(method, path, body string) { _, _ = w.try(method, actionsBase+path, body) } // nobody may be there
	switch rnd.IntN(13) {
	case 0:
		xsi("PUT", base+"/ConsultTransfer/"+other.CallID, "")
	case 1:
		xsi("PUT", base+"/BlindTransfer?address="+strings.ReplaceAll(number, "+", "%2B"), "")
	case 2, 6:
		xsi("PUT", base+"/"+xsiVerbs[rnd.IntN(len(xsiVerbs))], "")
	case 3:
		xsi("POST", "/user/"+c.SubscriberID+"/calls/Conference", conferenceBody(c.CallID, other.CallID, all[rnd.IntN(len(all))].CallID))
	case 4:
		xsi("PUT", "/user/"+c.SubscriberID+"/calls/Conference/"+c.CallID+"/"+memberWords[rnd.IntN(len(memberWords))], "")
	case 5:
		if rnd.IntN(3) == 0 {
			xsi("DELETE", "/user/"+c.SubscriberID+"/calls/Conference", "")
		} else {
			xsi("DELETE", base+"?decline=true", "")
		}
	case 7: // one that is recorded, if any
		if i := slices.IndexFunc(all, func(c callView) bool { return c.Recording != "" }); i >= 0 {
			c = all[i]
		}
		steps := map[string][]string{"started": {"PauseRecording", "StopRecording"}, "paused": {"ResumeRecording", "StopRecording"}}[c.Recording]
		if steps == nil {
			steps = []string{"Record"}
		}
		xsi("PUT", "/user/"+c.SubscriberID+"/calls/"+c.CallID+"/"+steps[rnd.IntN(len(steps))], "")
	case 8: // a whole conference, if any
		i := slices.IndexFunc(all, func(c callView) bool { return c.Conference })
		verb := []string{"hold", "resume"}[rnd.IntN(2)]
		for _, c := range all {
			if i >= 0 && c.Conference && c.SubscriberID == all[i].SubscriberID {
				_, _ = w.try("POST", "/simulator/calls/"+c.CallID+"/"+verb, "")
			}
		}
	default:
		verb, body := verbs[rnd.IntN(len(verbs))], ""
		switch controlVerbs[verb].takes {
		case "with_call_id":
			body = fmt.Sprintf(`{"with_call_id":%q}`, other.CallID)
		case "call_ids":
			body = fmt.Sprintf(`{"call_ids":[%q,%q]}`, other.CallID, all[rnd.IntN(len(all))].CallID)
		case "extension":
			body = fmt.Sprintf(`{"extension":%q}`, []string{"", "1001", "1002", "7"}[rnd.IntN(4)])
		}
		_, _ = w.try("POST", "/simulator/calls/"+c.CallID+"/"+verb, body)
	}
}

var (
	xsiVerbs = []string{"VmTransfer", "Reconnect", "Park", "Park?address=1002", "GroupCallPark", "Record", "PauseRecording",
		"ResumeRecording", "StopRecording", "TransmitDTMF?playdtmf=1", "Talk", "Hold"}
	memberWords = []string{"Mute", "UNMUTE", "deaf", "UnDeaf"}
)

func conferenceBody(ids ...string) string {
	var list strings.Builder
	for _, id := range ids {
		list.WriteString("<conferenceParticipant><callId>" + id + "</callId></conferenceParticipant>")
	}
	return `<?xml version="1.0" encoding="UTF-8"?><Conference xmlns="http://schema.broadsoft.com/xsi"><conferenceParticipantList>` +
		list.String() + `</conferenceParticipantList></Conference>`
}
