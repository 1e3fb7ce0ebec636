package stories

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
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
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 8)
	kinds := []string{"drop_channel", "drop_events", "duplicate_events", "delay_events", "reject_actions", "ignore_actions", "stall", "restart"}
	verbs := []string{"hangup", "hold", "resume", "answer", "remote-answer", "remote-hangup", "remote-hold", "remote-resume", "remote-transfer", "forward", "pickup"}
	until := time.Now().Add(time.Duration(seconds) * time.Second)
	for range rig.Poll(time.Duration(seconds) * time.Second) {
		if time.Now().After(until) {
			break
		}
		sub := w.Subscribers[random.IntN(len(w.Subscribers))]
		switch random.IntN(12) {
		case 0, 1, 2, 3:
			_, _ = rig.Ask("POST", w.URL("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555%04d"}`, sub["subscriber_id"], random.IntN(10000)))
		case 4:
			remote := fmt.Sprintf("+1512555%04d", random.IntN(10000))
			go func() { _, _ = w.Place(sub, remote) }()
		case 5, 6, 7, 8, 9, 10:
			truth := w.Truth()
			if len(truth) > 0 {
				call := truth[random.IntN(len(truth))]["call_id"].(string)
				_, _ = rig.Ask("POST", w.URL("/simulator/calls/"+call+"/"+verbs[random.IntN(len(verbs))]), "", "")
			}
		default:
			if random.IntN(3) == 0 {
				_, _ = rig.Ask("POST", w.URL("/simulator/faults"), "", fmt.Sprintf(`{"kind":%q,"probability":0.5,"duration_ms":%d}`, kinds[random.IntN(len(kinds))], 100+random.IntN(1500)))
			}
		}
	}
	_, _ = rig.Ask("DELETE", w.URL("/simulator/faults"), "", "")
	// A lost event that nothing follows is noticed at the next comparison; a
	// reconnect brings one.
	rig.Must(t, 201, "POST", w.URL("/simulator/faults"), "", `{"kind":"drop_channel","duration_ms":50}`)
	var ours, theirs map[string]string
	for range rig.Poll(90 * time.Second) {
		ours, theirs = w.Picture()
		if fmt.Sprint(ours) == fmt.Sprint(theirs) {
			break
		}
	}
	require.Equal(t, theirs, ours, "seed %d", seed)
	for _, call := range w.Truth() {
		_, _ = rig.Ask("POST", w.URL("/simulator/calls/"+call["call_id"].(string)+"/hangup"), "", "")
	}
	l.Wait(t, "the end of every call", func() bool { return len(l.Open()) == 0 && len(w.Truth()) == 0 })
	l.Audit(t)
	t.Logf("%d events in %d streams, %d repeats", l.Count(), len(l.Streams()), l.Repeats())
	w.Drain()
}
