package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A recording from its beginning to its end, each step told once, asked for by
// a client and then by the phone.
func TestRecording(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := talkingTo(w, st, alice, "+442079460001")
		byClient := func(verb string) { w.Helper(); w.call(alice, id, verb) }
		byPhone := func(verb string) { w.Helper(); w.verb(id, verb) }
		for _, do := range []struct {
			by    func(string)
			words []string
		}{
			{byClient, []string{"Record", "PauseRecording", "resumerecording", "StopRecording"}},
			{byPhone, []string{"record-start", "record-pause", "record-resume", "record-stop"}},
		} {
			do.by(do.words[0])
			evs := st.want("RecordingStarting Active Terminator", "RecordingStarted Active Terminator")
			require.Equal(w, []string{"Pending", "Started"}, []string{evs[0].Data.Call.Recording, evs[1].Data.Call.Recording})
			require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/Record").status, "it goes on")
			require.Equal(w, "started", w.sim.truth()[0].Recording)
			do.by(do.words[1])
			require.Equal(w, "Paused", st.want("RecordingPaused Active Terminator")[0].Data.Call.Recording)
			require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/PauseRecording").status)
			do.by(do.words[2])
			require.Equal(w, "Started", st.want("RecordingResumed Active Terminator")[0].Data.Call.Recording)
			do.by(do.words[3])
			last := st.want("RecordingStopped Active Terminator")[0]
			require.Empty(w, last.Data.Call.Recording)
			require.Contains(w, last.raw, "<xsi:recorded/></xsi:call>")
			require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/StopRecording").status)
		}
		w.verb(id, "record-start")
		st.want("RecordingStarting Active Terminator")
		w.verb(id, "hangup") // before it began
		st.want("Released Released Terminator localRelease", "On-Hook")
		st.quiet(time.Minute)
	})
}

// A recording may fail, and a subscriber may have none at all.
func TestRecordingThatFails(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		id := talkingTo(w, st, alice, "+442079460001")
		w.control("PUT", "/phones/"+alice, `{"recording":"never"}`, 200, nil)
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/Record").status)
		w.control("PUT", "/phones/"+alice, `{"recording":"fails"}`, 200, nil)
		w.call(alice, id, "Record")
		evs := st.want("RecordingStarting Active Terminator", "Updated Active Terminator")
		require.Equal(w, "Failed", evs[1].Data.Call.Recording)
		require.Equal(w, 403, w.action("PUT", "/user/"+alice+"/calls/"+id+"/StopRecording").status)
		w.control("PUT", "/phones/"+alice, `{"recording":"works"}`, 200, nil)
		w.call(alice, id, "Record")
		st.want("RecordingStarting Active Terminator", "RecordingStarted Active Terminator")
	})
}
