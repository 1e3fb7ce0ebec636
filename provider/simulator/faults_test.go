package simulator

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFaultDropChannel(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		w.fault(`{"kind":"drop_channel","subscriber_id":"alice@demo.example"}`)
		require.Empty(w, a.next(), "no word, just gone")
		w.ring(bob, "+442079460001")
		b.want("Received Alerting Terminator")
		w.fault(`{"kind":"drop_channel","xsp":"https://xsp1.example","probability":0}`)
		w.fault(`{"kind":"drop_channel","xsp":"elsewhere"}`)
		b.quiet(time.Second)
		w.fault(`{"kind":"drop_channel","xsp":"xsp1.example","duration_ms":60000}`)
		require.Empty(w, b.next())
		again := w.open("set")
		require.Empty(w, again.next(), "still in force")
		w.pass(time.Minute)
		again = w.open("set")
		again.quiet(time.Hour / 2)
	})
}

func TestFaultDropEvents(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.fault(`{"kind":"drop_events","subscriber_id":"alice@demo.example","network":"whatever"}`)
		call := w.ring(alice, "+442079460001")
		st.quiet(time.Second)
		w.control("DELETE", "/faults/"+id, "", 204, nil)
		w.control("DELETE", "/faults/"+id, "", 404, nil)
		w.verb(call, "answer")
		evs := st.want("Off-Hook", "Answered Active Terminator")
		require.EqualValues(w, 3, evs[0].Seq, "the gap shows")
	})
}

func TestFaultDuplicateEvents(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.fault(`{"kind":"duplicate_events"}`)
		w.ring(alice, "+442079460001")
		evs := st.want("Received Alerting Terminator", "Received Alerting Terminator")
		require.Equal(w, evs[0].raw, evs[1].raw)
	})
}

// Delayed events come late and in order.
func TestFaultDelayEvents(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.fault(`{"kind":"delay_events","probability":0.5,"delay_ms":4000}`)
		began := time.Now()
		for range 10 {
			w.verb(w.ring(alice, "+442079460001"), "hangup")
		}
		for i := range 20 {
			require.EqualValues(w, i+2, st.event().Seq)
		}
		require.Greater(w, time.Since(began), time.Second)
	})
}

func TestFaultRejectAndIgnoreActions(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.fault(`{"kind":"reject_actions","subscriber_id":"alice@demo.example"}`)
		got := w.action("POST", "/user/"+alice+"/calls/new?address=5550123")
		require.Equal(w, 403, got.status)
		require.Equal(w, 200, w.action("GET", "/user/"+alice+"/calls").status)
		require.Equal(w, 201, w.action("POST", "/user/"+bob+"/calls/new?address=5550123").status)
		w.control("DELETE", "/faults", "", 204, nil)

		call := w.ring(alice, "+442079460001")
		st.want("Received Alerting Terminator")
		w.fault(`{"kind":"ignore_actions"}`)
		w.call(alice, call, "Talk")
		ghost := w.dial(alice, "5550123")
		st.quiet(time.Minute)
		require.Equal(w, 404, w.action("GET", "/user/"+alice+"/calls/"+ghost).status)
		require.Zero(w, w.sim.Stats().DialsByUser[alice])
	})
}

// A stalled server has done what it was asked, and does not say so.
func TestFaultStall(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.fault(`{"kind":"stall","duration_ms":20000}`)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", "http://xsp1.example"+actionsBase+"/user/"+alice+"/calls/new?address=5550123", strings.NewReader(""))
		require.NoError(w, err)
		req.SetBasicAuth(w.user, "simulator")
		_, err = w.client.Do(req)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		st.quiet(10 * time.Second)
		require.EqualValues(w, 1, w.sim.Stats().DialsByUser[alice])
		began := time.Now()
		st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Answered Active Originator")
		require.Equal(w, 5*time.Second, time.Since(began).Round(time.Second), "when the stall is over")
	})
}

// A stall of one subscriber holds up nobody else on the same channel.
func TestFaultStallOfOne(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		st.follow("/user/" + alice)
		st.follow("/user/" + bob)
		st.want("CallSubscription", "CallSubscription")
		w.fault(`{"kind":"stall","subscriber_id":"alice@demo.example","duration_ms":20000}`)
		w.ring(alice, "+442079460001")
		w.ring(bob, "+442079460001")
		require.Equal(w, bob, st.event().Target)
		require.Equal(w, alice, st.event().Target)
	})
}

// A restart loses all memory: calls, channels, subscriptions, counters.
func TestFaultRestart(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		sub := st.follow("/user/" + alice)
		st.want("CallSubscription")
		id := w.ring(alice, "+442079460001")
		st.want("Received Alerting Terminator")
		w.fault(`{"kind":"restart","duration_ms":3000}`)
		require.Empty(w, st.next())
		_, err := w.try("GET", actionsBase+"/user/"+alice+"/calls", "")
		require.Error(w, err, "nobody is there")
		w.pass(3 * time.Second)

		require.Equal(w, 404, w.action("GET", "/user/"+alice+"/calls/"+id).status)
		require.NotContains(w, w.action("GET", "/user/"+alice+"/calls").body, "callhalf")
		require.Equal(w, 403, w.do("PUT", eventsBase+"/subscription/"+sub, "<Subscription/>").status)
		require.Equal(w, 404, w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "").status)
		live := w.sim.Stats().Live
		require.Equal(w, Live{}, live)
		st = w.following(alice)
		require.NotEqual(w, id, w.ring(alice, "+442079460001"))
		st.want("Received Alerting Terminator")
	})
}

func TestFaultRefusals(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		for body, status := range map[string]int{
			`{"kind":"earthquake"}`:                             422,
			`{"kind":"stall","probability":2}`:                  422,
			`{"kind":"stall","duration_ms":-1}`:                 422,
			`{"kind":"stall","subscriber_id":"nobody@nowhere"}`: 404,
			`{"kind":"stall","probabilty":1}`:                   422,
			`{"kind":"stall","probability":"high"}`:             422,
			`[`:                                                 400,
			``:                                                  422,
		} {
			w.control("POST", "/faults", body, status, nil)
		}
	})
}
