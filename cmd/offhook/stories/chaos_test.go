package stories

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Traffic and faults at random, in processes of their own; when things are
// quiet again offhook and the platform agree, and every stream is whole.
//
// OFFHOOK_CHAOS_SEED replays one, OFFHOOK_CHAOS_SECONDS makes it longer.
func TestChaosEndsInTheTruth(t *testing.T) {
	seed := uint64(1)
	if s := os.Getenv("OFFHOOK_CHAOS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		require.NoError(t, err)
		seed = n
	}
	seconds := 12
	if s := os.Getenv("OFFHOOK_CHAOS_SECONDS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		seconds = n
	}
	t.Logf("OFFHOOK_CHAOS_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	l := newLedger(t)
	w := apart(t, l, 8)
	kinds := []string{"drop_channel", "drop_events", "duplicate_events", "delay_events", "reject_actions", "ignore_actions", "stall", "restart"}
	verbs := []string{"hangup", "hold", "resume", "answer", "remote-answer", "remote-hangup", "remote-hold", "remote-resume", "remote-transfer", "forward", "pickup"}
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	for range poll(time.Duration(seconds) * time.Second) {
		if time.Now().After(until) {
			break
		}
		sub := w.subscribers[random.IntN(len(w.subscribers))]
		switch random.IntN(12) {
		case 0, 1, 2, 3:
			_, _ = ask("POST", w.url("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], random.IntN(10000)))
		case 4:
			remote := fmt.Sprintf("+1512555%04d", random.IntN(10000))
			go func() { _, _ = w.place(sub, remote) }()
		case 5, 6, 7, 8, 9, 10:
			truth := w.truth()
			if len(truth) > 0 {
				call := truth[random.IntN(len(truth))]["call_id"].(string)
				_, _ = ask("POST", w.url("/simulator/calls/"+call+"/"+verbs[random.IntN(len(verbs))]), "", "")
			}
		default:
			if random.IntN(3) == 0 {
				_, _ = ask("POST", w.url("/simulator/faults"), "", fmt.Sprintf(`{"kind":%q,"probability":0.5,"duration_ms":%d}`, kinds[random.IntN(len(kinds))], 100+random.IntN(1500)))
			}
		}
	}
	_, _ = ask("DELETE", w.url("/simulator/faults"), "", "")
	// A lost event that nothing follows is noticed at the next comparison; a
	// reconnect brings one.
	must(t, 201, "POST", w.url("/simulator/faults"), "", `{"kind":"drop_channel","duration_ms":50}`)
	var ours, theirs map[string]string
	for range poll(90 * time.Second) {
		ours, theirs = w.picture()
		if fmt.Sprint(ours) == fmt.Sprint(theirs) {
			break
		}
	}
	require.Equal(t, theirs, ours, "seed %d", seed)
	for _, call := range w.truth() {
		_, _ = ask("POST", w.url("/simulator/calls/"+call["call_id"].(string)+"/hangup"), "", "")
	}
	l.wait(t, "the end of every call", func() bool { return len(l.open()) == 0 && len(w.truth()) == 0 })
	l.audit(t)
	t.Logf("%d events in %d streams, %d repeats", l.count(), len(l.streams), l.repeats)
	w.drain()
}

// truth is what the platform knows.
func (w *twoProcesses) truth() []map[string]any {
	a, err := ask("GET", w.url("/simulator/calls"), "", "")
	if err != nil || a.status != 200 {
		return nil
	}
	return a.list(w.t)
}

// picture is every live call by the platform's id, as offhook and as the
// platform see it.
func (w *twoProcesses) picture() (ours, theirs map[string]string) {
	ours, theirs = map[string]string{}, map[string]string{}
	for _, c := range must(w.t, 200, "GET", w.api("/calls"), w.key, "").list(w.t) {
		ours[c["provider_call_id"].(string)] = fmt.Sprint(c["subscriber_id"], " ", c["state"])
	}
	for _, c := range w.truth() {
		if s := c["state"].(string); s != "released" {
			theirs[c["call_id"].(string)] = fmt.Sprint(c["subscriber_id"], " ", s)
		}
	}
	return ours, theirs
}
