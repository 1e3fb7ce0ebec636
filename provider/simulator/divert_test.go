package simulator

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Declined: the caller is turned away, or gets the machine as the phone was
// set. A call that was answered meanwhile is not declined.
func TestDecline(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		decline := func(id string) int {
			return w.action("DELETE", "/user/"+bob+"/calls/"+id+"?decline=true").status
		}
		id := w.ring(bob, "1001")
		require.Equal(w, 200, decline(id))
		b.want("Received Alerting Terminator", "Released Released Terminator localRelease")
		a.want("Off-Hook", "Originated Alerting Originator", "Released Released Originator remoteRelease Forbidden", "On-Hook")

		w.control("PUT", "/phones/"+bob, `{"decline":"voicemail"}`, 200, nil)
		w.verb(w.ring(bob, "1001"), "decline")
		b.want("Received Alerting Terminator", "Released Released Terminator localRelease")
		evs := a.want("Off-Hook", "Originated Alerting Originator", "Forwarded Alerting Originator", "Answered Active Originator")
		require.Equal(w, "Voice Messaging", evs[3].Data.Call.Name)

		id = w.ring(bob, "+442079460001")
		w.verb(id, "answer")
		require.Equal(w, 403, decline(id))
		require.Equal(w, 200, w.action("DELETE", "/user/"+bob+"/calls/"+id+"?decline=false").status)
	})
}

// Who has a call sent on to them sees by whom, and the whole way of one that
// was sent on twice, for as long as it rings.
func TestDiversionIsShown(t *testing.T) {
	for name, caller := range map[string]string{"a colleague": "1004", "an outside caller": "+442079460001"} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient(), func(w *world) {
				w.control("PUT", "/phones/"+carol, `{"answer":"manual"}`, 200, nil)
				a, b, c := w.following(alice), w.following(bob), w.following(carol)
				id := w.ring(alice, caller)
				w.control("POST", "/calls/"+id+"/forward", `{"remote_number":"1002","reason":"no-answer"}`, 200, nil)
				gone := a.want("Received Alerting Terminator", "CallRedirected", "Released Released Terminator localRelease")[1].Data.Calls[0]
				require.Equal(w, "no-answer", gone.Reason)
				rings := b.want("Received Alerting Terminator")[0].Data.Call
				require.Equal(w, []string{"no-answer"}, rings.Why)
				require.Equal(w, []string{"tel:+12015550100"}, rings.From)
				w.call(bob, rings.ID, "BlindTransfer?address=1003")
				b.want("CallRedirected", "Released Released Terminator localRelease")
				ev := c.want("Received Alerting Terminator")[0]
				require.Equal(w, []string{"no-answer", "deflection"}, ev.Data.Call.Why)
				require.Equal(w, []string{"tel:+12015550100", "tel:+12015550101"}, ev.Data.Call.From)
				require.Contains(w, ev.raw, "<xsi:redirection><xsi:party><xsi:name>Alice Archer</xsi:name>")
				w.verb(ev.Data.Call.ID, "answer")
				answered := c.want("Off-Hook", "Answered Active Terminator")[1].Data.Call
				require.Empty(w, answered.Why, "of an unanswered call alone")
			})
		})
	}
}

// A blind transfer nobody answers comes back to who made it after 20 s.
func TestTransferRecall(t *testing.T) {
	for name, outside := range map[string]bool{"of a colleague": false, "of an outside caller": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, patient(), func(w *world) {
				w.control("PUT", "/phones/"+carol, `{"answer":"manual"}`, 200, nil)
				a, b, c := w.following(alice), w.following(bob), w.following(carol)
				var id string
				if outside {
					id = talkingTo(w, a, alice, "+442079460001")
				} else {
					id, _ = colleagues(w, a, b)
				}
				w.control("POST", "/calls/"+id+"/transfer", `{"remote_number":"1003"}`, 200, nil)
				a.want("CallRedirected", "Released Released Terminator localRelease", "On-Hook")
				if !outside {
					require.Equal(w, carol, b.want("Transferred Alerting Originator")[0].Data.Call.UserID)
				}
				there := c.want("Received Alerting Terminator")[0].Data.Call
				a.quiet(19 * time.Second)
				w.pass(2 * time.Second)
				c.want("Released Released Terminator remoteRelease")
				back := a.want("Received Alerting Terminator")[0].Data.Call
				require.Equal(w, "Call Transfer Recall", back.Recall)
				require.Equal(w, there.Tracking, back.Tracking)
				require.Equal(w, there.Address, back.Address)
				w.verb(back.ID, "answer")
				a.want("Off-Hook", "Answered Active Terminator")
				if !outside {
					require.Equal(w, alice, b.want("Transferred Alerting Originator", "Answered Active Originator")[0].Data.Call.UserID)
				}
				w.sound()
			})
		})
	}
}

// The phone itself transfers: blind, with consultation, to the machine.
func TestTheDeskTransfers(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		first, _ := colleagues(w, a, b)
		w.control("POST", "/calls", `{"subscriber_id":"alice@demo.example","remote_number":"+442079460002","direction":"outgoing"}`, 201, nil)
		second := a.want("Held Held Terminator", "Originated Alerting Originator", "Updated Alerting Originator", "Answered Active Originator")[3].Data.Call.ID
		b.want("Held Remote Held Originator")
		w.control("POST", "/calls/"+first+"/consult-transfer", `{}`, 422, nil)
		w.control("POST", "/calls/"+first+"/consult-transfer", fmt.Sprintf(`{"with_call_id":%q}`, first), 422, nil)
		w.control("POST", "/calls/"+first+"/consult-transfer", fmt.Sprintf(`{"with_call_id":%q}`, second), 200, nil)
		both := a.want("CallRedirected", "Released Released Terminator localRelease", "Released Released Originator localRelease", "On-Hook")[0]
		require.Len(w, both.Data.Calls, 2)
		b.want("Transferred Active Originator")

		id := talkingTo(w, a, alice, "+442079460003")
		w.verb(id, "voicemail")
		gone := a.want("CallRedirected", "Released Released Terminator localRelease", "On-Hook")[0].Data.Calls[0]
		require.Equal(w, "voicemail", gone.Reason)
	})
}

// Tones are bounded, and heard at the far end.
func TestDigits(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := w.ring(alice, "+442079460001")
		send := func(digits string) int {
			return w.action("PUT", "/user/"+alice+"/calls/"+id+"/TransmitDTMF?playdtmf="+digits).status
		}
		require.Equal(w, 403, send("1"), "nobody is there yet")
		w.verb(id, "answer")
		for _, bad := range []string{"", "1+2", "12E", fmt.Sprintf("%065d", 0)} {
			require.Equal(w, 400, send(bad), bad)
		}
		require.Equal(w, 200, send("12*d%23"))
		require.Equal(w, "12*D#", w.sim.truth()[0].Digits)
		st.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
		st.quiet(time.Minute)
	})
}

// A member of the body that a verb has no use for is refused by name.
func TestWhatAVerbHasNoUseForIsRefused(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		id := w.ring(alice, "+442079460001")
		for _, c := range []struct{ verb, body, field string }{
			{"answer", `{"extension":"1003"}`, "extension"}, {"hangup", `{"call_ids":[]}`, "call_ids"}, {"park", `{"remote_number":"1002"}`, "remote_number"},
			{"transfer", `{"reason":"away"}`, "reason"}, {"mute", `{"loud":true}`, "loud"},
		} {
			got := w.do("POST", "/simulator/calls/"+id+"/"+c.verb, c.body)
			require.Equal(w, 422, got.status, c.verb)
			require.Contains(w, got.body, fmt.Sprintf(`"field":%q`, c.field))
		}
		for _, c := range []struct{ body, field string }{
			{`"retrieve":"1"`, "retrieve"}, {`"retrieve":"10x1"`, "retrieve"}, {`"retrieve":"1003","remote_number":"1"`, "remote_number"},
			{`"retrieve":"1003","direction":"incoming"`, "direction"},
		} {
			got := w.do("POST", "/simulator/calls", `{"subscriber_id":"alice@demo.example",`+c.body+`}`)
			require.Equal(w, 422, got.status, c.body)
			require.Contains(w, got.body, fmt.Sprintf(`"field":%q`, c.field))
		}
		w.control("PUT", "/phones/"+alice, `{"decline":"never"}`, 422, nil)
		w.control("PUT", "/phones/"+alice, `{"recording":"loud"}`, 422, nil)
	})
}
