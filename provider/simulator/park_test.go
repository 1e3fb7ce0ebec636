package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// colleagues are bob and alice talking, bob having called; their events are
// read. The ids are alice's call and bob's.
func colleagues(w *world, a, b *stream) (alices, bobs string) {
	w.Helper()
	v := w.verb(w.ring(alice, "1002"), "answer")
	a.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")
	b.want("Off-Hook", "Originated Alerting Originator", "Answered Active Originator")
	return v.CallID, v.PeerCallID
}

// parkedCalls is what the control paths say of orbits.
func (w *world) parkedCalls() (all []parkedView) {
	w.Helper()
	w.control("GET", "/parked", "", 200, &all)
	return all
}

// Alice parks bob, carol takes him with the code: to alice the call is over,
// bob hears music and then carol, and they talk under one tracking id.
func TestParkAndRetrieve(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b, c := w.following(alice), w.following(bob), w.following(carol)
		alices, bobs := colleagues(w, a, b)

		got := w.action("PUT", "/user/"+alice+"/calls/"+alices+"/Park?address=1003")
		require.Equal(w, 200, got.status, got.body)
		require.Equal(w, "/v2.0/user/"+alice+"/calls/"+alices+"/Park?address="+alice+":1003", got.header.Get("Content-Location"))
		over := a.want("Released Released Terminator localRelease", "On-Hook")[0].Data.Call
		require.Empty(w, over.ParkedAt, "it is no group park")
		b.want("Held Remote Held Originator")
		require.Equal(w, []parkedView{{Extension: "1003", Enterprise: enterpriseName, ParkedBy: alice,
			RemoteNumber: "+12015550101", RemoteName: "Bob Baker", CallID: bobs, ParkedAt: w.sim.now()}}, w.parkedCalls())
		w.control("POST", "/calls/"+bobs+"/remote-resume", "", 409, nil)
		w.control("POST", "/calls/"+bobs+"/transfer", `{"remote_number":"1004"}`, 409, nil)

		w.dial(carol, "*881003")
		evs := c.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Answered Active Originator", "ParkRetrieved Active Originator")
		moved := b.want("Transferred Active Originator")[0].Data.Call
		require.Equal(w, bob, evs[4].Data.Call.UserID)
		require.Equal(w, carol, moved.UserID)
		require.Equal(w, evs[0].Data.Call.Tracking, moved.Tracking)
		require.Empty(w, w.parkedCalls())
		w.sound()

		w.verb(bobs, "hangup")
		c.want("Released Released Originator remoteRelease", "On-Hook")
		a.quiet(5 * time.Minute)
	})
}

// The desk phone's own code and the control path take an outside caller too.
// The code alone means one's own extension.
func TestRetrieveFromTheDesk(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		for i, body := range []string{
			`{"subscriber_id":"bob@demo.example","retrieve":"1001"}`,
			`{"subscriber_id":"bob@demo.example","remote_number":"*88 1001#","direction":"outgoing"}`,
			`{"subscriber_id":"bob@demo.example","remote_number":"*88","direction":"outgoing"}`,
		} {
			id := talkingTo(w, a, alice, "+442079460001")
			w.control("POST", "/calls/"+id+"/park", []string{"", "", `{"extension":"+12015550101"}`}[i], 200, nil)
			a.want("Released Released Terminator localRelease", "On-Hook")
			w.control("POST", "/calls", body, 201, nil)
			evs := b.want("Off-Hook", "Originated Alerting Originator", "Updated Alerting Originator", "Answered Active Originator", "ParkRetrieved Active Originator")
			require.Equal(w, "tel:+442079460001", evs[3].Data.Call.Address)
			w.verb(evs[3].Data.Call.ID, "hangup")
			b.want("Released Released Originator localRelease", "On-Hook")
		}
	})
}

// A group park finds the place, and says where: in the answer and on the call
// that ends.
func TestGroupPark(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a := w.following(alice)
		for _, place := range []string{"1001", "1002"} {
			id := talkingTo(w, a, alice, "+442079460001")
			got := w.action("PUT", "/user/"+alice+"/calls/"+id+"/groupcallpark")
			require.Equal(w, 200, got.status)
			require.Equal(w, "/v2.0/user/"+alice+"/calls/"+id+"/GroupCallPark?address="+alice+":"+place, got.header.Get("Content-Location"))
			over := a.want("Released Released Terminator localRelease", "On-Hook")[0].Data.Call
			require.Equal(w, place, over.ParkedAt)
		}
		require.Len(w, w.parkedCalls(), 2)
	})
}

// Nobody takes the call: the parker's phone rings again, and answers or not.
func TestParkRecall(t *testing.T) {
	for end, want := range map[string][2][]string{
		"answer":        {{"Off-Hook", "Answered Active Terminator"}, {"Retrieved Active Originator"}},
		"decline":       {{"Released Released Terminator localRelease"}, {"Released Released Originator remoteRelease", "On-Hook"}},
		"":              {{"Released Released Terminator remoteRelease"}, {"Released Released Originator remoteRelease", "On-Hook"}},
		"remote-hangup": {{"Released Released Terminator remoteRelease"}, {"Released Released Originator localRelease", "On-Hook"}},
		"voicemail":     {{"CallRedirected", "Released Released Terminator localRelease"}, {"Transferred Alerting Originator", "Answered Active Originator"}},
		"pickup":        {{"PickedUp Alerting Terminator", "Released Released Terminator remoteRelease"}, {"Updated Active Originator"}},
	} {
		t.Run(end, func(t *testing.T) {
			inWorld(t, patient(), func(w *world) {
				a, b := w.following(alice), w.following(bob)
				alices, _ := colleagues(w, a, b)
				w.verb(alices, "park")
				first := a.want("Released Released Terminator localRelease", "On-Hook")[0].Data.Call
				b.want("Held Remote Held Originator")
				a.quiet(44 * time.Second)
				w.pass(2 * time.Second)
				back := a.want("Received Alerting Terminator")[0].Data.Call
				require.Equal(w, "Call Park Recall", back.Recall)
				require.Equal(w, first.Tracking, back.Tracking)
				require.NotEqual(w, first.ID, back.ID)
				require.Equal(w, bob, back.UserID)
				require.Empty(w, w.parkedCalls())
				b.quiet(time.Second)
				if end != "" {
					w.verb(back.ID, end)
				} else {
					w.pass(3 * time.Minute)
				}
				a.want(want[0]...)
				b.want(want[1]...)
				w.sound()
			})
		})
	}
}

// What a client asks for and cannot have is refused, and a call that waits can
// give up.
func TestParkRefusals(t *testing.T) {
	cfg := patient()
	cfg.MaxParkedCalls = 1
	inWorld(t, cfg, func(w *world) {
		a, b := w.following(alice), w.following(bob)
		ringing := w.ring(alice, "+442079460001")
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+ringing+"/Park").status, "it is not answered")
		w.verb(ringing, "hangup")
		a.want("Received Alerting Terminator", "Released Released Terminator localRelease")

		alices, bobs := colleagues(w, a, b)
		for _, address := range []string{"1", "nobody", "12345678901234567890123", "%2B4420794600"} {
			require.Equal(w, 400, w.action("PUT", "/user/"+alice+"/calls/"+alices+"/Park?address="+address).status, address)
		}
		w.call(alice, alices, "Park")
		a.want("Released Released Terminator localRelease", "On-Hook")
		b.want("Held Remote Held Originator")
		id := talkingTo(w, a, alice, "+442079460001")
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/Park?address=1001").status, "taken")
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/GroupCallPark").status, "the switch is full")
		w.control("POST", "/calls/"+id+"/park", `{"extension":"1005"}`, 409, nil)

		w.control("POST", "/calls", `{"subscriber_id":"bob@demo.example","retrieve":"1001"}`, 201, nil)
		b.want("Held Held Originator", "Originated Alerting Originator", "Updated Alerting Originator",
			"Released Released Originator remoteRelease Busy") // nobody talks to oneself
		w.control("POST", "/calls", `{"subscriber_id":"bob@demo.example","retrieve":"1009"}`, 201, nil)
		b.want("Originated Alerting Originator", "Updated Alerting Originator", "Released Released Originator remoteRelease User Not Found")
		w.verb(bobs, "resume")
		b.want("Held Remote Held Originator") // it still waits
		w.control("DELETE", "/parked/1001", "", 204, nil)
		b.want("Released Released Originator localRelease", "On-Hook")
		w.control("DELETE", "/parked/1001", "", 404, nil)
		w.call(alice, id, "Park")
		require.Len(w, w.parkedCalls(), 1)
	})
}

// A parker who is deleted leaves nobody behind, and an orbit belongs to an
// enterprise.
func TestParkedCallsOfOneWhoLeaves(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		w.control("POST", "/people", `{"subscriber_id":"zoe@demo.example","first_name":"Zoe","last_name":"Zimmer","extension":"7001","enterprise":"tenant-2","group":"north"}`, 201, nil)
		a, b := w.following(alice), w.following(bob)
		alices, _ := colleagues(w, a, b)
		w.verb(alices, "park")
		b.want("Held Remote Held Originator")
		z := w.following("zoe@demo.example")
		w.control("POST", "/calls", `{"subscriber_id":"zoe@demo.example","retrieve":"1001"}`, 201, nil)
		z.want("Off-Hook", "Originated Alerting Originator", "Updated Alerting Originator", "Released Released Originator remoteRelease User Not Found", "On-Hook")
		w.control("DELETE", "/people/"+alice, "", 204, nil)
		b.want("Released Released Originator remoteRelease", "On-Hook")
		require.Empty(w, w.parkedCalls())
	})
}

// The far end parks: a colleague's is told as a hold here and ends there.
func TestRemotePark(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		alices, _ := colleagues(w, a, b)
		v := w.verb(alices, "remote-park")
		require.Equal(w, "1002", v.ParkedAt)
		a.want("Held Remote Held Terminator")
		b.want("Released Released Originator localRelease", "On-Hook")
		w.verb(alices, "hangup")
		a.want("Released Released Terminator localRelease", "On-Hook")
		require.Empty(w, w.parkedCalls())

		id := talkingTo(w, a, alice, "+442079460001")
		w.verb(id, "remote-park")
		a.want("Held Remote Held Terminator")
	})
}
