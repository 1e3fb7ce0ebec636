package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// talkingTo is a call from outside that was answered; its events are read.
func talkingTo(w *world, st *stream, user, number string) string {
	w.Helper()
	id := w.ring(user, number)
	w.verb(id, "answer")
	st.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
	return id
}

// A colleague transfers us blind: it rings again and is answered again, and the
// first answer time stands.
func TestBlindTransferByPeer(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b, c := w.following(alice), w.following(bob), w.following(carol)
		id := w.ring(bob, "1001") // alice calls bob
		w.verb(id, "answer")
		first := a.want("Off-Hook", "Originated Alerting Originator", "Answered Active Originator")[2]
		b.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
		w.pass(10 * time.Second)

		require.Equal(w, 400, w.action("PUT", "/user/"+bob+"/calls/"+id+"/BlindTransfer").status)
		w.call(bob, id, "BlindTransfer?address=1003")
		gone := b.want("CallRedirected", "Released Released Terminator localRelease", "On-Hook")
		require.Len(w, gone[0].Data.Calls, 1)
		require.Equal(w, "Detached", gone[0].Data.Calls[0].State)
		require.Equal(w, "transfer", gone[0].Data.Calls[0].Reason)

		again := a.want("Transferred Alerting Originator")[0].Data.Call
		require.Equal(w, carol, again.UserID)
		require.Nil(w, again.AllowAnswer)
		rings := c.want("Received Alerting Terminator")[0].Data.Call
		require.Equal(w, alice, rings.UserID)
		w.call(carol, rings.ID, "Talk")
		c.want("Off-Hook", "Answered Active Terminator")
		second := a.want("Answered Active Originator")[0]
		require.Equal(w, first.Data.Call.Answer, second.Data.Call.Answer)
	})
}

// The same by somebody outside, as the control paths ask for it.
func TestRemoteTransfer(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := talkingTo(w, st, alice, "+442079460001")
		w.control("POST", "/calls/"+id+"/remote-transfer", `{"remote_number":"+442079460002","remote_name":"Workshop"}`, 200, nil)
		evs := st.want("Transferred Alerting Terminator", "Answered Active Terminator")
		require.Equal(w, "Workshop", evs[1].Data.Call.Name)
	})
}

// A transferred outside caller who is sent to a subscriber rings there.
func TestBlindTransferOfOutsideCaller(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := talkingTo(w, a, alice, "+442079460001")
		w.call(alice, id, "BlindTransfer?address=1002")
		a.want("CallRedirected", "Released Released Terminator localRelease", "On-Hook")
		rings := b.want("Received Alerting Terminator")[0]
		require.Equal(w, "tel:+442079460001", rings.Data.Call.Address)
		require.Contains(w, rings.raw, "<xsi:redirections>")
	})
}

func TestForward(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := w.ring(bob, "1001")
		w.verb(id, "forward")
		evs := b.want("Received Alerting Terminator", "CallRedirected", "Released Released Terminator localRelease")
		require.Equal(w, "no-answer", evs[1].Data.Calls[0].Reason)
		a.want("Off-Hook", "Originated Alerting Originator", "Forwarded Alerting Originator")
		w.control("POST", "/calls/"+id+"/forward", "", 404, nil)
	})
}

func TestVoicemail(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := w.ring(bob, "1001")
		w.call(bob, id, "vmtransfer")
		b.want("Received Alerting Terminator", "CallRedirected", "Released Released Terminator localRelease")
		a.want("Off-Hook", "Originated Alerting Originator", "Forwarded Alerting Originator", "Answered Active Originator")
	})
}

func TestPickup(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		id := w.ring(bob, "1001")
		w.verb(id, "pickup")
		evs := b.want("Received Alerting Terminator", "PickedUp Alerting Terminator", "Released Released Terminator remoteRelease")
		require.NotEqual(w, evs[0].Data.Call.Tracking, evs[1].Data.Call.Tracking)
		got := a.want("Off-Hook", "Originated Alerting Originator", "Updated Alerting Originator", "Answered Active Originator")
		require.Equal(w, evs[1].Data.Call.Tracking, got[3].Data.Call.Tracking)
	})
}

// Alice talks to bob, calls carol, and joins them: one CallRedirected with both
// of her calls; bob and carol are left with each other under a new tracking id.
func TestConsultTransfer(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b, c := w.following(alice), w.following(bob), w.following(carol)
		toBob := w.dial(alice, "1002")
		a.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Answered Active Originator")
		b.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
		toCarol := w.dial(alice, "1003")
		a.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Held Held Originator",
			"Originated Alerting Originator", "Answered Active Originator")
		b.want("Held Remote Held Terminator")
		c.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")

		w.call(alice, toBob, "ConsultTransfer/"+toCarol)
		both := a.want("CallRedirected", "Released Released Originator localRelease",
			"Released Released Originator localRelease", "On-Hook")[0]
		require.Len(w, both.Data.Calls, 2)
		bobs := b.want("Transferred Active Terminator")[0].Data.Call
		carols := c.want("Updated Active Terminator")[0].Data.Call
		require.Equal(w, bobs.Tracking, carols.Tracking)
		require.Equal(w, carol, bobs.UserID)
		require.Equal(w, bob, carols.UserID)
		w.verb(bobs.ID, "hangup")
		c.want("Released Released Terminator remoteRelease", "On-Hook")
	})
}

// Who is transferred, ringing, to somebody who holds is answered first and then
// held: CallAnswered always is Active (dossier §2.4).
func TestTransferredToOneWhoHolds(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		first := w.ring(alice, "1002") // bob calls alice
		w.verb(first, "answer")
		w.verb(first, "remote-hold")
		var second callView
		w.control("POST", "/calls", `{"subscriber_id":"alice@demo.example","remote_number":"1003","direction":"outgoing"}`, 201, &second)
		w.pass(100 * time.Millisecond)
		st := w.following(carol)
		w.call(alice, first, "ConsultTransfer/"+second.CallID)
		st.want("Updated Alerting Terminator")
		for _, c := range w.sim.truth() {
			if c.SubscriberID == carol {
				w.verb(c.CallID, "answer")
			}
		}
		st.want("Off-Hook", "Answered Active Terminator", "Held Remote Held Terminator")
	})
}

// An event whose channel the client does not know goes on at the next one, and
// so do those behind it, in their order (dossier §3.5).
func TestAnUnknownChannelsEventsMoveInOrder(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		one := w.openAt(1, "set", "<priority>1</priority>")
		two := w.openAt(2, "set", "<priority>2</priority>")
		one.mute = true
		one.follow("/user/" + alice)
		first := one.event()
		w.missed(alice)
		one.ack(first.ID, 404)
		evs := two.want("CallSubscription", "Received Alerting Terminator", "Released Released Terminator localRelease")
		require.Equal(w, []int64{1, 2, 3}, []int64{evs[0].Seq, evs[1].Seq, evs[2].Seq})
	})
}

// A second copy does not overtake events that are held back to be overtaken by
// others: within a subscription nothing changes places.
func TestCopiesKeepTheirPlace(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		st.follow("/user/" + alice)
		st.want("CallSubscription")
		w.fault(`{"kind":"reorder_events","delay_ms":1000}`)
		id := w.ring(alice, "+442079460001") // held back
		w.fault(`{"kind":"duplicate_events"}`)
		w.verb(id, "hangup") // and its copy
		evs := st.want("Received Alerting Terminator", "Released Released Terminator localRelease", "Released Released Terminator localRelease")
		require.Equal(w, evs[1].ID, evs[2].ID)
	})
}
