package simulator

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// auditor checks each document and, per subscription, the story they tell.
type auditor struct {
	w     *world
	exact bool // nothing was lost: every law holds
	subs  map[string]*audited
	kinds map[string]int
	docs  int
}

// audited is a subscription as its events tell it.
type audited struct {
	seq     map[string]int64            // by channel
	ids     map[string]bool             // events heard; a copy tells nothing
	calls   map[string]map[string]call1 // by target and call id
	ended   map[string]bool
	hooks   map[string]string
	confs   map[string]bool // by target: one goes on
	isGroup bool
	over    bool
}

// call1 is what was last told of a call.
type call1 struct {
	tracking, personality, state string
	start, answer                int64
}

func newAuditor(w *world, exact bool) *auditor {
	return &auditor{w: w, exact: exact, subs: map[string]*audited{}, kinds: map[string]int{}}
}

func (a *auditor) hear(st *stream, doc string) {
	a.w.Helper()
	a.docs++
	require.Regexp(a.w, channelDoc, st.head)
	switch {
	case doc == `<ChannelHeartBeat xmlns="http://schema.broadsoft.com/xsi"/>`:
		return
	case strings.Contains(doc, "ChannelTerminatedEvent"):
		require.Regexp(a.w, terminatedDoc, doc)
		return
	}
	ev, bad := checkEvent(doc)
	require.Empty(a.w, bad, doc)
	require.Equal(a.w, st.id, ev.kid("channelId").text, doc)
	id := ev.kid("subscriptionId").text
	sub := a.subs[id]
	if sub == nil {
		sub = &audited{seq: map[string]int64{}, ids: map[string]bool{}, calls: map[string]map[string]call1{}, ended: map[string]bool{}, hooks: map[string]string{}, confs: map[string]bool{}}
		a.subs[id] = sub
	}
	a.number(sub, st, ev, doc)
	if eventID := ev.kid("eventID").text; !sub.ids[eventID] {
		sub.ids[eventID] = true
		a.follow(sub, ev, doc)
	}
}

// number: strictly one more each time, or, where events are lost, never fewer
// on one channel and the same for a copy alone.
func (a *auditor) number(sub *audited, st *stream, ev *piece, doc string) {
	a.w.Helper()
	seq, last := ev.number("sequenceNumber"), sub.seq[st.id]
	switch {
	case a.exact:
		require.Equal(a.w, last+1, seq, doc)
	case sub.ids[ev.kid("eventID").text]:
		require.GreaterOrEqual(a.w, seq, last, doc)
	default:
		require.Greater(a.w, seq, last, doc)
	}
	sub.seq[st.id] = seq
}

// follow checks what the event says against what was said before.
func (a *auditor) follow(sub *audited, ev *piece, doc string) {
	a.w.Helper()
	target, data := ev.kid("targetId").text, ev.kid("eventData")
	kind := strings.TrimPrefix(data.attr("xsi1", "type"), "xsi:")
	a.kinds[kind]++
	require.False(a.w, sub.over, "behind the last: %s", doc)
	if len(sub.ids) == 1 && a.exact {
		sub.isGroup = kind != "CallSubscriptionEvent"
	}
	known := sub.calls[target]
	if known == nil {
		known = map[string]call1{}
		sub.calls[target] = known
	}
	switch kind {
	case "CallSubscriptionEvent", "CallSubscriptionResyncEvent":
		require.False(a.w, sub.isGroup, "a snapshot of a group: %s", doc)
		told := map[string]call1{}
		for _, c := range data.kid("calls").kids {
			told[c.kid("callId").text] = a.calls(c)
		}
		if a.exact && len(sub.ids) > 1 {
			require.Equal(a.w, known, told, "the snapshot is what the events said: %s", doc)
		}
		if a.exact && len(sub.ids) > 1 {
			require.Equal(a.w, sub.confs[target], data.has("conference"), doc)
		}
		sub.confs[target] = data.has("conference")
		sub.calls[target], sub.hooks[target] = told, data.kid("hookStatus").text
	case "HookStatusEvent":
		hook := data.kid("hookStatus").text
		if a.exact {
			require.NotEqual(a.w, sub.hooks[target], hook, doc)
		}
		sub.hooks[target] = hook
	case "SubscriptionTerminatedEvent":
		sub.over = true
	case "CallRedirectedEvent":
		for _, c := range data.kid("calls").kids {
			a.life(sub, known, c, kind, doc)
		}
	default:
		if conferences[kind] != "" {
			a.conference(sub, target, data.kid("conference"), known, kind, doc)
			return
		}
		a.life(sub, known, data.kid("call"), kind, doc)
	}
}

func (a *auditor) calls(c *piece) call1 {
	return call1{c.kid("extTrackingId").text, c.kid("personality").text, c.kid("state").text, c.number("startTime"), c.number("answerTime")}
}

// conference is one event of one: it begins once, and its participants are
// calls that there are.
func (a *auditor) conference(sub *audited, target string, c *piece, known map[string]call1, kind, doc string) {
	a.w.Helper()
	over := c.kid("state").text == "Released"
	if a.exact {
		require.Equal(a.w, kind == "ConferenceStartedEvent", !sub.confs[target], doc)
		for _, p := range c.kid("conferenceParticipantList").kids {
			require.Contains(a.w, known, p.kid("callId").text, doc)
		}
	}
	sub.confs[target] = !over
}

// life is one event of one call.
func (a *auditor) life(sub *audited, known map[string]call1, c *piece, kind, doc string) {
	a.w.Helper()
	id, now := c.kid("callId").text, a.calls(c)
	require.False(a.w, sub.ended[id] && a.exact, "behind its release: %s", doc)
	was, old := known[id]
	if !old && kind == "CallOriginatedEvent" { // dossier §1.5: the id may change when it rings out
		for other, o := range known {
			if o.tracking == now.tracking && o.personality == "Click-to-Dial" {
				was, old = o, true
				delete(known, other)
			}
		}
	}
	if a.exact {
		begins := kind == "CallOriginatingEvent" || kind == "CallOriginatedEvent" && was.personality != "Click-to-Dial" || kind == "CallReceivedEvent"
		require.Equal(a.w, begins, !old, "a call begins once: %s", doc)
	}
	if a.exact && old {
		require.Equal(a.w, was.start, now.start, doc)
		if was.answer != 0 {
			require.Equal(a.w, was.answer, now.answer, "the first answer stands: %s", doc)
		}
		if was.tracking != now.tracking {
			require.Contains(a.w, []string{"CallTransferredEvent", "CallPickedUpEvent", "CallUpdatedEvent"}, kind, doc)
		}
		if was.personality != now.personality {
			require.Equal(a.w, "Click-to-Dial Originator CallOriginatedEvent", was.personality+" "+now.personality+" "+kind, doc)
		}
		if was.state == "Detached" {
			require.Equal(a.w, "Released", now.state, doc)
		}
	}
	if now.state == "Released" {
		require.False(a.w, sub.ended[id], "released twice: %s", doc)
		sub.ended[id] = true
		delete(known, id)
		return
	}
	known[id] = now
}

// mischief is something that phones, far ends or clients do. Where nobody
// answers it is not done.
func mischief(w *world, rnd *rand.Rand, phones []Phone, verbs []string) {
	p := phones[rnd.IntN(len(phones))].SubscriberID
	other := phones[rnd.IntN(len(phones))]
	numbers := []string{"+442079460001", "5550123", "+4915112345678", "*88" + other.Extension, "*881002", other.Extension, other.SubscriberNumber, other.SubscriberID}
	number := numbers[rnd.IntN(len(numbers))]
	switch n := rnd.IntN(24); {
	case n < 3:
		_, _ = w.try("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"remote_name":"Łódź & <Söhne>"}`, p, number))
	case n < 5:
		_, _ = w.try("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":%q,"direction":"outgoing"}`, p, number))
	case n < 7:
		_, _ = w.try("POST", actionsBase+"/user/"+p+"/calls/new?address="+strings.ReplaceAll(number, "+", "%2B"), "")
	case n < 8:
		_, _ = w.try("PUT", "/simulator/phones/"+p, fmt.Sprintf(`{"answer":%q,"far_end":%q}`, []string{"auto", "manual"}[rnd.IntN(2)], farEndWords[rnd.IntN(3)]))
	case n < 11:
		if all := w.sim.truth(); len(all) > 0 {
			to := fmt.Sprintf(`{"remote_number":%q,"remote_name":"Zoë","reason":%q}`, number, redirectReasons[rnd.IntN(len(redirectReasons))])
			_, _ = w.try("POST", "/simulator/calls/"+all[rnd.IntN(len(all))].CallID+"/"+[]string{"forward", "remote-transfer"}[rnd.IntN(2)], to)
		}
	default:
		chaosVerb(w, rnd, verbs, number)
	}
}

// Everything that is said under heavy, random traffic is well-formed, ordered
// and possible, as the dossier has it: nothing lost, every law exactly.
func TestAllThatIsSaidConforms(t *testing.T) {
	verbs := slices.Sorted(maps.Keys(controlVerbs))
	kinds := map[string]int{}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			cfg := Config{Subscribers: 14, Seed: seed + 1, Traffic: TrafficDemo, HeartbeatTimeout: -1, HeartbeatEvery: 10 * time.Second,
				AckTimeout: time.Hour, CallsPerSecond: 1, CallDuration: 4 * time.Second, NewCallIDOnLift: seed%2 == 1,
				ParkRecall: 2 * time.Second, TransferRecall: 2 * time.Second,
				Treatment: time.Duration(seed%3) * time.Second, Chunks: Chunks(seed % 2)}
			inWorld(t, cfg, func(w *world) {
				a := newAuditor(w, true)
				heavy(w, a, rand.New(rand.NewPCG(seed, 1)), verbs, func(int) {})
				for kind, n := range a.kinds {
					kinds[kind] += n
				}
				w.Logf("%d documents", a.docs)
			})
		})
	}
	for kind := range rules {
		require.Positive(t, kinds[kind], kind)
	}
	for kind := range conferences {
		require.Positive(t, kinds[kind], kind)
	}
	require.Positive(t, kinds["CallRedirectedEvent"])
	require.Positive(t, kinds["HookStatusEvent"])
}

// heavy is a busy while: traffic, mischief and renewals, all of it heard.
func heavy(w *world, a *auditor, rnd *rand.Rand, verbs []string, each func(step int)) {
	o := newOnlooker(w, w.sim.cfg.XSPs)
	o.perDoc = a.hear
	phones := w.sim.Phones()
	for step := range 250 {
		mischief(w, rnd, phones, verbs)
		w.sound()
		each(step)
		if step%3 == 0 {
			o.look()
		}
		if sub := o.subs[o.users[rnd.IntN(len(o.users))]]; step%10 == 0 && sub != "" {
			o.ask("PUT", 1+step%len(o.streams), "/subscription/"+sub, subscriptionBody("set"))
		}
		if all := w.sim.truth(); len(all) > 0 {
			c := all[rnd.IntN(len(all))]
			if got, _ := w.try("GET", actionsBase+"/user/"+c.SubscriberID+"/calls/"+c.CallID, ""); got.status == 200 {
				require.Empty(w, checkRESTCall(got.body), got.body)
			}
		}
	}
	tour(w, phones[5].SubscriberID)
	for range 5 {
		o.look()
	}
}

// tour has what chance may leave out: a recording and a conference from their
// beginning to their end.
func tour(w *world, user string) {
	var ids []any
	for range 3 {
		var v callView
		got, _ := w.try("POST", "/simulator/calls", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+442079460001"}`, user))
		_ = json.Unmarshal([]byte(got.body), &v)
		ids = append(ids, v.CallID)
	}
	for _, step := range []string{"1 answer", "1 record-start", "1 record-pause", "1 record-resume", "1 record-stop", "2 answer", "3 answer", "1 conference",
		"1 mute", "2 deaf", "1 unmute", "2 undeaf", "1 hold", "2 hold", "1 resume", "2 resume", "3 hangup", "2 hangup", "1 hangup"} {
		n, verb, _ := strings.Cut(step, " ")
		body := ""
		if verb == "conference" {
			body = fmt.Sprintf(`{"call_ids":[%q,%q]}`, ids[1], ids[2])
		}
		_, _ = w.try("POST", fmt.Sprintf("/simulator/calls/%s/%s", ids[n[0]-'1'], verb), body)
		w.pass(100 * time.Millisecond)
	}
}

// With every fault in force now and then, what still comes is as well-formed,
// and within a subscription in order on each channel; nothing ends twice.
func TestAllThatIsSaidConformsInMisfortune(t *testing.T) {
	verbs := slices.Sorted(maps.Keys(controlVerbs))
	kinds := FaultKinds()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			cfg := Config{Subscribers: 14, Seed: seed + 1, Traffic: TrafficDemo, XSPs: 2, CallsPerSecond: 1, CallDuration: 4 * time.Second,
				Chunks: Chunks(seed % 2), ResyncAfterLoss: seed%3 == 0, GrantedExpires: time.Minute, GrantedSpread: 0.5}
			inWorld(t, cfg, func(w *world) {
				a := newAuditor(w, false)
				rnd := rand.New(rand.NewPCG(seed, 2))
				heavy(w, a, rnd, verbs, func(step int) {
					if step%8 == 0 {
						kind := kinds[rnd.IntN(len(kinds))]
						reason := endReasons[rnd.IntN(len(endReasons))]
						scope := []string{"", `,"xsp":"xsp1"`, `,"xsp":"xsp2"`}[rnd.IntN(3)]
						_, _ = w.try("POST", "/simulator/faults", fmt.Sprintf(`{"kind":%q,"probability":%.1f,"duration_ms":%d,"delay_ms":%d,"reason":%q%s}`,
							kind, rnd.Float64(), 1+rnd.IntN(2500), 1+rnd.IntN(800), reason, scope))
					}
				})
				require.Greater(w, a.docs, 400)
				w.Logf("%d documents", a.docs)
			})
		})
	}
}

// Numbers are the wire's: after the largest comes 1 (dossier §3.6).
func TestSequenceNumbersWrap(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.sim.mu.Lock()
		w.sim.phoneOf(alice).subs[0].seq = 2147483646
		w.sim.mu.Unlock()
		w.missed(alice)
		evs := st.want("Received Alerting Terminator", "Released Released Terminator localRelease")
		require.Equal(w, []int64{2147483647, 1}, []int64{evs[0].Seq, evs[1].Seq})
	})
}
