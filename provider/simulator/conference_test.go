package simulator

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

const conferencePath = "/user/" + alice + "/calls/Conference"

// twoCalls are alice holding bob and talking to somebody outside.
func twoCalls(w *world, a, b *stream) (first, second, bobs string) {
	w.Helper()
	first, bobs = colleagues(w, a, b)
	second = w.ring(alice, "+442079460001")
	w.verb(second, "answer")
	a.want("Received Alerting Terminator", "Held Held Terminator", "Answered Active Terminator")
	b.want("Held Remote Held Originator")
	return first, second, bobs
}

// A conference from its beginning to its end: who is held is taken back, flags
// go on and off, one leaves, and one alone is none.
func TestConference(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		first, second, bobs := twoCalls(w, a, b)
		third := w.ring(alice, "+442079460002")
		a.want("Received Alerting Terminator")

		require.Equal(w, 404, w.action("GET", conferencePath).status)
		got := w.do("POST", actionsBase+conferencePath, conferenceBody(first, second))
		require.Equal(w, 201, got.status, got.body)
		require.Empty(w, got.body)
		a.want("Retrieved Active Terminator", "ConferenceStarted Active 2")
		b.want("Retrieved Active Originator")

		got = w.action("GET", conferencePath)
		require.Equal(w, 200, got.status)
		require.Equal(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Conference xmlns="http://schema.broadsoft.com/xsi"><state>Active</state><conferenceParticipantList>`+
			`<conferenceParticipant><callId>`+first+`</callId></conferenceParticipant><conferenceParticipant><callId>`+second+`</callId></conferenceParticipant>`+
			`</conferenceParticipantList></Conference>`, got.body)
		list := w.action("GET", "/user/"+alice+"/calls").body
		require.Contains(w, list, `<call inConference="true"><callId>`+first)
		require.Contains(w, list, `<call inConference="false"><callId>`+third)

		for _, step := range [][2]string{
			{"/" + first + "/Mute", "ConferenceCallMuted Active 2 muted 0"}, {"/" + second + "/DEAF", "ConferenceCallMadeDeaf Active 2 muted 0 deaf 1"},
			{"/" + first + "/unmute", "ConferenceCallUnMuted Active 2 deaf 1"}, {"/" + second + "/UnDeaf", "ConferenceCallMadeUnDeaf Active 2"},
		} {
			require.Equal(w, 200, w.action("PUT", conferencePath+step[0]).status, step[0])
			a.want(step[1])
		}
		require.Equal(w, 403, w.action("PUT", conferencePath+"/"+first+"/Unmute").status, "it is not muted")
		require.Equal(w, 404, w.action("PUT", conferencePath+"/"+third+"/Mute").status, "it is not in it")
		require.Equal(w, 404, w.action("PUT", conferencePath+"/"+first+"/Tickle").status)

		// The third is answered: the conference waits, and is taken back.
		w.verb(third, "answer")
		a.want("Held Held Terminator", "Held Held Terminator", "ConferenceHeld Held 2", "Answered Active Terminator")
		b.want("Held Remote Held Originator")
		w.verb(second, "resume")
		a.want("Held Held Terminator", "Retrieved Active Terminator", "ConferenceRetrieved Active 2")
		w.verb(first, "resume")
		a.want("Retrieved Active Terminator")
		b.want("Retrieved Active Originator")

		snap := w.open("again")
		snap.follow("/user/" + alice)
		require.Equal(w, "Active", snap.want("CallSubscription")[0].Data.Conference.State)

		w.verb(bobs, "hangup") // one alone is no conference
		a.want("Released Released Terminator remoteRelease", "ConferenceReleased Released 1")
		require.Equal(w, 404, w.action("GET", conferencePath).status)
		require.Equal(w, "active", w.verb(third, "resume").State)
	})
}

// Ended by its controller, it takes its calls with it.
func TestConferenceEnded(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		a, b := w.following(alice), w.following(bob)
		first, second, _ := twoCalls(w, a, b)
		third := w.ring(alice, "+442079460002")
		w.verb(third, "answer")
		a.want("Received Alerting Terminator", "Held Held Terminator", "Answered Active Terminator")
		w.control("POST", "/calls/"+third+"/conference", fmt.Sprintf(`{"call_ids":[%q,%q]}`, first, second), 200, nil)
		a.want("Retrieved Active Terminator", "Retrieved Active Terminator", "ConferenceStarted Active 3")
		b.want("Retrieved Active Originator")
		w.verb(first, "mute")
		a.want("ConferenceCallMuted Active 3 muted 1")
		w.verb(second, "hangup")
		a.want("Released Released Terminator localRelease", "ConferenceUpdated Active 2 muted 1")
		require.Equal(w, 200, w.action("DELETE", conferencePath).status)
		a.want("ConferenceReleased Released 2 muted 1", "Released Released Terminator localRelease", "Released Released Terminator localRelease", "On-Hook")
		b.want("Released Released Originator remoteRelease", "On-Hook")
		require.Equal(w, 404, w.action("DELETE", conferencePath).status)
	})
}

func TestConferenceRefusals(t *testing.T) {
	cfg := patient()
	cfg.MaxParticipants, cfg.Errors = 3, ErrorTable{RefusedNoConference: {Status: 409, Code: 1, Summary: "None"}}
	inWorld(t, cfg, func(w *world) {
		a, b := w.following(alice), w.following(bob)
		require.Equal(w, 409, w.action("GET", conferencePath).status, "refusals are data")
		first, second, bobs := twoCalls(w, a, b)
		ringing := w.ring(alice, "+442079460002")
		for _, c := range []struct {
			body   string
			status int
		}{
			{"", 400}, {"<Conference", 400}, {"{", 400}, {conferenceBody(), 400}, {conferenceBody(first), 400}, {conferenceBody(first, first), 400},
			{conferenceBody(first, second, "callhalf-1:0"), 404}, {conferenceBody(first, bobs), 404}, {conferenceBody(first, ringing), 403},
			{conferenceBody(first, second, ringing, w.ring(alice, "+442079460003")), 400},
		} {
			require.Equal(w, c.status, w.do("POST", actionsBase+conferencePath, c.body).status, c.body)
		}
		require.Equal(w, 405, w.action("PUT", conferencePath).status)
		require.Equal(w, 405, w.action("GET", conferencePath+"/"+first+"/Mute").status)
		require.Equal(w, 409, w.action("PUT", conferencePath+"/"+first+"/Mute").status)
		w.control("POST", "/calls/"+first+"/conference", `{"call_ids":["callhalf-1:0"]}`, 422, nil)
		w.control("POST", "/calls/"+first+"/conference", `{}`, 422, nil)
		w.control("POST", "/calls/"+first+"/conference", fmt.Sprintf(`{"call_ids":[%q]}`, ringing), 409, nil)

		// Ignored by a fault, it is answered all the same.
		w.fault(`{"kind":"ignore_actions","duration_ms":1000}`)
		require.Equal(w, 201, w.do("POST", actionsBase+conferencePath, conferenceBody(first, second)).status)
		w.pass(2e9)
		w.fault(`{"kind":"reject_actions","duration_ms":1000}`)
		require.Equal(w, 403, w.do("POST", actionsBase+conferencePath, conferenceBody(first, second)).status)
		require.Equal(w, 409, w.action("GET", conferencePath).status)
		w.pass(2e9)

		// In JSON, as some clients write it; read back in JSON too.
		got := w.do("POST", actionsBase+conferencePath, fmt.Sprintf(
			`{"Conference":{"conferenceParticipantList":{"conferenceParticipant":[{"callId":{"$":%q}},{"callId":%q}]}}}`, first, second), "Content-Type", "application/json")
		require.Equal(w, 201, got.status)
		require.Equal(w, 403, w.do("POST", actionsBase+conferencePath, conferenceBody(first, second)).status, "one at a time")
		require.Equal(w, 200, w.action("PUT", conferencePath+"/"+second+"/Deaf").status)
		var doc struct {
			Conference struct {
				State map[string]string `json:"state"`
				List  struct {
					Participants []map[string]any `json:"conferenceParticipant"`
				} `json:"conferenceParticipantList"`
			} `json:"Conference"`
		}
		require.NoError(w, json.Unmarshal([]byte(w.do("GET", actionsBase+conferencePath+"?format=json", "").body), &doc))
		require.Equal(w, "Active", doc.Conference.State["$"])
		require.Equal(w, map[string]any{"callId": map[string]any{"$": second}, "deaf": map[string]any{}}, doc.Conference.List.Participants[1])
	})
}
