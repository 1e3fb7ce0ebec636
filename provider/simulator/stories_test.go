package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A click-to-dial rings the subscriber's own phone, then the far end.
func TestClickToDial(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.dial(alice, "+15555550123")
		began := time.Now()
		evs := st.want(
			"Originating Alerting Click-to-Dial",
			"Updated Alerting Click-to-Dial",
			"Off-Hook",
			"Originated Alerting Originator",
			"Answered Active Originator",
		)
		require.Equal(w, 2300*time.Millisecond, time.Since(began).Round(10*time.Millisecond))
		require.Equal(w, id, evs[0].Data.Call.ID)
		require.Equal(w, "tel:+15555550123", evs[0].Data.Call.Address)
		require.NotNil(w, evs[1].Data.Call.AllowAnswer, "Talk may lift the phone")
		require.Nil(w, evs[3].Data.Call.AllowAnswer)
		require.Equal(w, evs[0].Data.Call.Tracking, evs[4].Data.Call.Tracking)
		for i, ev := range evs {
			require.EqualValues(w, i+2, ev.Seq, "the snapshot was 1")
			require.Equal(w, alice, ev.Target)
			require.Equal(w, w.user, ev.User)
		}
		require.Equal(w, 200, w.action("DELETE", "/user/"+alice+"/calls/"+id).status)
		st.want("Released Released Originator localRelease", "On-Hook")
		require.Equal(w, 404, w.action("GET", "/user/"+alice+"/calls/"+id).status)
		require.EqualValues(w, 1, w.sim.Stats().DialsByUser[alice])
	})
}

// Talk lifts the own phone of somebody who does not by himself.
func TestClickToDialManual(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.control("PUT", "/phones/"+alice, `{"answer":"manual"}`, 200, nil)
		id := w.dial(alice, "5550123")
		st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial")
		st.quiet(20 * time.Second)
		w.call(alice, id, "Talk")
		st.want("Off-Hook", "Originated Alerting Originator", "Answered Active Originator")
	})
}

func TestClickToDialNeverLifted(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.control("PUT", "/phones/"+alice, `{"answer":"manual"}`, 200, nil)
		w.dial(alice, "5550123")
		st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial",
			"Released Released Click-to-Dial localRelease")
	})
}

// An incoming call is answered, held, taken back and ended by the far end.
func TestIncoming(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.ring(alice, "+44 20 7946 0001")
		got := st.want("Received Alerting Terminator")
		require.NotNil(w, got[0].Data.Call.AllowAnswer)
		require.Equal(w, "Grünberg & Co", got[0].Data.Call.Name)
		st.quiet(time.Minute) // it rings until somebody does something

		w.call(alice, id, "Talk")
		answered := st.want("Off-Hook", "Answered Active Terminator")[1]
		w.pass(5 * time.Second)
		w.call(alice, id, "Hold")
		held := st.want("Held Held Terminator")[0]
		require.NotNil(w, held.Data.Call.Retrieve)
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/Hold").status)
		w.pass(7 * time.Second)
		w.call(alice, id, "Talk")
		back := st.want("Retrieved Active Terminator")[0]
		require.Contains(w, back.raw, "<xsi:totalHeldTime>7000</xsi:totalHeldTime>")
		require.Equal(w, answered.Data.Call.Answer, back.Data.Call.Answer)
		w.verb(id, "remote-hangup")
		st.want("Released Released Terminator remoteRelease", "On-Hook")
	})
}

func TestIncomingMissed(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.ring(alice, "+442079460001")
		evs := st.want("Received Alerting Terminator", "Released Released Terminator remoteRelease")
		require.Zero(w, evs[1].Data.Call.Answer)
		require.EqualValues(w, 180_000, evs[1].Data.Call.Release-evs[1].Data.Call.Start)
	})
}

func TestIncomingDeclined(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.ring(alice, "+442079460001")
		w.action("DELETE", "/user/"+alice+"/calls/"+id+"?decline=true")
		st.want("Received Alerting Terminator", "Released Released Terminator localRelease")
	})
}

// A phone that was set to auto answers what comes in.
func TestIncomingAuto(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.control("PUT", "/phones/"+alice, `{"answer":"auto","answer_after_ms":2000}`, 200, nil)
		w.ring(alice, "+442079460001")
		st.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
	})
}

func TestDeskPhoneDials(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		var v callView
		w.control("POST", "/calls", `{"subscriber_id":"alice@demo.example","remote_number":"5550123","direction":"outgoing"}`, 201, &v)
		require.Equal(w, "outgoing", v.Direction)
		st.want("Off-Hook", "Originated Alerting Originator", "Updated Alerting Originator", "Answered Active Originator")
		w.verb(v.CallID, "hangup")
		st.want("Released Released Originator localRelease", "On-Hook")
	})
}

func TestFarEndBusy(t *testing.T) {
	cfg := patient()
	cfg.Treatment = time.Second
	inWorld(t, cfg, func(w *world) {
		st := w.following(alice)
		w.control("PUT", "/phones/"+alice, `{"far_end":"busy"}`, 200, nil)
		w.dial(alice, "5550123")
		st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Releasing Alerting Originator Busy",
			"Released Released Originator remoteRelease Busy", "On-Hook")
	})
}

func TestFarEndDoesNotAnswer(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.control("PUT", "/phones/"+alice, `{"far_end":"no_answer","far_end_after_ms":20000}`, 200, nil)
		w.dial(alice, "5550123")
		evs := st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Released Released Originator remoteRelease Temporarily Unavailable", "On-Hook")
		require.EqualValues(w, 20_800, evs[4].Data.Call.Release-evs[4].Data.Call.Start)
	})
}

// A call between two subscribers has two halves and one tracking id.
func TestInternalCall(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		w.control("PUT", "/phones/"+bob, `{"answer":"manual"}`, 200, nil)
		id := w.dial(alice, "1002") // bob's extension
		calling := a.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator")
		rings := b.want("Received Alerting Terminator")[0].Data.Call
		require.NotEqual(w, id, rings.ID)
		require.Equal(w, calling[0].Data.Call.Tracking, rings.Tracking)
		require.Equal(w, "Group", rings.CallType)
		require.Equal(w, alice, rings.UserID)

		w.call(bob, rings.ID, "Talk")
		b.want("Off-Hook", "Answered Active Terminator")
		got := a.want("Answered Active Originator")[0].Data.Call
		require.Equal(w, bob, got.UserID)

		w.call(alice, id, "Hold")
		a.want("Held Held Originator")
		b.want("Held Remote Held Terminator")
		w.call(alice, id, "Talk")
		a.want("Retrieved Active Originator")
		b.want("Retrieved Active Terminator")

		w.action("DELETE", "/user/"+bob+"/calls/"+rings.ID)
		b.want("Released Released Terminator localRelease", "On-Hook")
		a.want("Released Released Originator remoteRelease", "On-Hook")
	})
}

// Both hold each other: taking back one's own hold does not end the other's.
func TestBothHold(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := w.ring(bob, "1001")
		w.verb(id, "answer")
		a.want("Off-Hook", "Originated Alerting Originator", "Answered Active Originator")
		b.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
		v := w.verb(id, "hold")
		b.want("Held Held Terminator")
		a.want("Held Remote Held Originator")
		w.call(alice, v.PeerCallID, "Hold")
		a.want("Held Held Originator")
		w.call(alice, v.PeerCallID, "Talk")
		a.want("Held Remote Held Originator")
		b.quiet(time.Second)
		w.verb(id, "resume")
		b.want("Retrieved Active Terminator")
		a.want("Retrieved Active Originator")
	})
}

func TestCalleeDeclines(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := w.ring(bob, "1001")
		w.action("DELETE", "/user/"+bob+"/calls/"+id)
		b.want("Received Alerting Terminator", "Released Released Terminator localRelease")
		a.want("Off-Hook", "Originated Alerting Originator", "Released Released Originator remoteRelease Forbidden", "On-Hook")
	})
}

// A person talks to one at a time: answering the second call holds the first.
func TestSecondCall(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		first := w.ring(alice, "+442079460001")
		w.verb(first, "answer")
		second := w.ring(alice, "+442079460002")
		w.verb(second, "answer")
		st.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator",
			"Received Alerting Terminator", "Held Held Terminator", "Answered Active Terminator")
		w.call(alice, first, "Reconnect")
		st.want("Released Released Terminator localRelease", "Retrieved Active Terminator")
	})
}

// An outside far end holds us, and lets go.
func TestRemoteHold(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.ring(alice, "+442079460001")
		w.verb(id, "answer")
		v := w.verb(id, "remote-hold")
		require.True(w, v.RemoteHeld)
		require.Equal(w, "active", v.State)
		w.verb(id, "remote-resume")
		st.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator",
			"Held Remote Held Terminator", "Retrieved Active Terminator")
	})
}

// NewCallIDOnLift is the dossier's other reading of click-to-dial (§1.5).
func TestNewCallIDOnLift(t *testing.T) {
	cfg := patient()
	cfg.NewCallIDOnLift = true
	inWorld(t, cfg, func(w *world) {
		st := w.following(alice)
		id := w.dial(alice, "5550123")
		evs := st.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator")
		require.Equal(w, id, evs[1].Data.Call.ID)
		require.NotEqual(w, id, evs[3].Data.Call.ID)
		require.Equal(w, evs[0].Data.Call.Tracking, evs[3].Data.Call.Tracking)
	})
}
