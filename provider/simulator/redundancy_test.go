package simulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// two is a patient switch with two XSPs.
func two() Config {
	cfg := patient()
	cfg.XSPs = 2
	return cfg
}

// What is about a channel goes to the XSP it was opened at; the others have
// never heard of it (dossier §3.2).
func TestAChannelIsKnownAtItsOwnXSPAlone(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		st := w.openAt(2, "set")
		st.mute = true
		require.Equal(w, 200, w.do("POST", at(1, eventsBase+"/user/"+alice), subscriptionBody("set")).status, "subscriptions are anybody's")
		ev := st.event()
		ack := `<EventResponse xmlns="http://schema.broadsoft.com/xsi"><eventID>` + ev.ID + `</eventID><statusCode>200</statusCode></EventResponse>`
		for _, c := range []struct{ method, path, body string }{
			{"PUT", "/channel/" + st.id + "/heartbeat", ""},
			{"PUT", "/channel/" + st.id, "<Channel><expires>3600</expires></Channel>"},
			{"DELETE", "/channel/" + st.id, ""},
			{"POST", "/channel/eventresponse", ack},
		} {
			require.Equal(w, 404, w.do(c.method, at(1, eventsBase+c.path), c.body).status, "%s %s", c.method, c.path)
		}
		require.Equal(w, 1, w.sim.Stats().Live.Waiting, "an acknowledgement at the wrong XSP is none")
		require.Equal(w, 200, w.do("PUT", at(2, eventsBase+"/channel/"+st.id+"/heartbeat"), "").status)
		require.Equal(w, 200, w.do("POST", at(2, eventsBase+"/channel/eventresponse"), ack).status)
		require.Zero(w, w.sim.Stats().Live.Waiting)
		got := w.do("GET", at(1, eventsBase+"/channelset/set"), "")
		require.Contains(w, got.body, st.id, "the set is the switch's")
	})
}

// One of two XSPs dies: its channel breaks, nobody can be reached there, and
// its events go on at the other, those it still owed first.
func TestOneXSPDies(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		one := w.openAt(1, "set", "<priority>1</priority>")
		two := w.openAt(2, "set", "<priority>2</priority>")
		one.mute = true
		one.follow("/user/" + alice)
		snapshot := one.event()
		w.fault(`{"kind":"xsp_down","xsp":"xsp1","duration_ms":60000}`)
		require.Empty(w, one.next())
		_, err := w.try("GET", at(1, actionsBase+"/user/"+alice+"/calls"), "")
		require.Error(w, err)
		require.Equal(w, 200, w.do("GET", at(2, actionsBase+"/user/"+alice+"/calls"), "").status)
		require.Equal(w, snapshot.ID, two.event().ID)
		got := w.do("POST", at(2, "/simulator/calls"), fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"5550123"}`, alice))
		require.Equal(w, 201, got.status, got.body)
		two.want("Received Alerting Terminator")
		w.pass(time.Minute)
		one = w.openAt(1, "set")
		require.Equal(w, 200, w.do("PUT", at(1, eventsBase+"/channel/"+one.id+"/heartbeat"), "").status)
	})
}

// An XSP that begins anew has lost its channels; calls and subscriptions are
// the switch's, and stay.
func TestOneXSPRestarts(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		one, two := w.openAt(1, "set"), w.openAt(2, "set", "<priority>7</priority>")
		sub := one.follow("/user/" + alice)
		one.want("CallSubscription")
		id := w.ring(alice, "+442079460001")
		one.want("Received Alerting Terminator")
		w.fault(`{"kind":"restart","xsp":"xsp1","duration_ms":2000}`)
		require.Empty(w, one.next())
		w.pass(3 * time.Second)
		require.Equal(w, 404, w.do("PUT", at(1, eventsBase+"/channel/"+one.id+"/heartbeat"), "").status)
		require.Equal(w, 200, w.do("GET", eventsBase+"/subscription/"+sub, "").status)
		w.verb(id, "answer")
		two.want("Off-Hook", "Answered Active Terminator")
	})
}

// A 302 names the same path on the next XSP; what is about a channel is never
// sent away.
func TestRedirectToAnotherXSP(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		st := w.openAt(1, "set")
		w.fault(`{"kind":"redirect","xsp":"xsp1.example"}`)
		got := w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("set"))
		require.Equal(w, 302, got.status)
		require.Equal(w, at(2, eventsBase+"/user/"+alice), got.header.Get("Location"))
		got = w.do("POST", channelURL, "<Channel><channelSetId>set</channelSetId></Channel>")
		require.Equal(w, at(2, channelURL), got.header.Get("Location"))
		require.Equal(w, 200, w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "").status)
		require.Equal(w, 200, w.do("POST", at(2, eventsBase+"/user/"+alice), subscriptionBody("set")).status)
	})
}

func TestOverloadAndWrongLogins(t *testing.T) {
	inWorld(t, two(), func(w *world) {
		id := w.fault(`{"kind":"overload","xsp":"xsp2"}`)
		path := actionsBase + "/user/" + alice + "/calls"
		require.Equal(w, 503, w.do("GET", at(2, path), "").status)
		require.Equal(w, 200, w.do("GET", path, "").status)
		w.control("DELETE", "/faults/"+id, "", 204, nil)
		w.fault(`{"kind":"reject_logins"}`)
		require.Equal(w, 401, w.do("GET", path, "").status)
		st := w.sim.Stats()
		require.EqualValues(w, 2, st.XSPs["xsp1"].Requests)
		require.EqualValues(w, 2, st.XSPs["xsp1"].Peak)
		require.EqualValues(w, 1, st.XSPs["xsp2"].Requests)
	})
}

// A channel may be lost with every reason BroadWorks has, or with none: then
// its connection stays open and only a heartbeat finds out.
func TestLostChannels(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		for _, reason := range endReasons {
			st := w.open("set-" + reason)
			w.fault(fmt.Sprintf(`{"kind":"end_channel","reason":%q}`, reason))
			require.Equal(w, reason, terminated(st.next()))
			require.Empty(w, st.next())
		}
		st := w.following(alice)
		w.fault(`{"kind":"forget_channel"}`)
		w.ring(alice, "+442079460001")
		st.quiet(time.Minute)
		require.Equal(w, 404, w.do("PUT", eventsBase+"/channel/"+st.id+"/heartbeat", "").status)
		w.control("POST", "/faults", `{"kind":"end_channel","reason":"Boredom"}`, 422, nil)
		st.cancel()
	})
}

// Events of different subscriptions change places, those of one never do.
func TestFaultReorderEvents(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		st.follow("/user/" + alice)
		st.follow("/user/" + bob)
		st.want("CallSubscription", "CallSubscription")
		w.fault(`{"kind":"reorder_events","delay_ms":2000}`)
		w.verb(w.ring(alice, "+442079460001"), "hangup")
		w.ring(bob, "+442079460001")
		evs := st.want("Received Alerting Terminator", "Received Alerting Terminator", "Released Released Terminator localRelease")
		require.Equal(w, bob, evs[0].Target)
		require.Equal(w, []int64{2, 3}, []int64{evs[1].Seq, evs[2].Seq})
		require.EqualValues(w, 1, w.sim.Stats().EventsReordered)
		w.verb(w.ring(alice, "+442079460001"), "hangup")
		began := time.Now()
		st.want("Received Alerting Terminator", "Released Released Terminator localRelease")
		require.Equal(w, 2*time.Second, time.Since(began), "with nothing to overtake them they are only late")
	})
}

// To a reader so slow that nothing is acknowledged in time the channel ends.
func TestFaultSlowReader(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		w.fault(`{"kind":"slow_reader","delay_ms":1000}`)
		began := time.Now()
		w.ring(alice, "+442079460001")
		st.want("Received Alerting Terminator")
		require.Greater(w, time.Since(began), 300*time.Millisecond)
		for range 20 {
			w.verb(w.ring(alice, "+442079460001"), "hangup")
		}
		w.pass(10 * time.Second)
		require.EqualValues(w, 1, w.sim.Stats().ChannelsEndedBy["NonResponsiveChannel"])
	})
}

// Cut anywhere and joined, the stream still holds the same documents.
func TestChunksCutAnywhere(t *testing.T) {
	cfg := patient()
	cfg.Chunks, cfg.AckTimeout = ChunkAnyhow, time.Hour
	inWorld(t, cfg, func(w *world) {
		st := w.open("set")
		st.mute = true
		st.follow("/user/" + alice)
		st.event()
		sizes := readSizes(w, func() {
			for range 30 {
				w.verb(w.ring(alice, "+442079460001"), "hangup")
			}
		})
		for i := range 60 {
			require.EqualValues(w, i+2, st.event().Seq)
		}
		require.Less(w, slices.Min(sizes), 100)
		require.Greater(w, len(sizes), 30)
	})
}

// readSizes reads a second channel of the same events as it comes.
func readSizes(w *world, do func()) (sizes []int) {
	w.Helper()
	req, err := http.NewRequest("POST", at(1, channelURL), strings.NewReader(`<Channel><channelSetId>raw</channelSetId></Channel>`))
	require.NoError(w, err)
	req.SetBasicAuth(w.user, "simulator")
	res, err := w.client.Do(req)
	require.NoError(w, err)
	require.Equal(w, 200, w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("raw")).status)
	var all bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1<<16)
		for {
			n, err := res.Body.Read(b)
			if n > 0 {
				sizes = append(sizes, n)
				all.Write(b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	do()
	w.pass(time.Second)
	require.NoError(w, res.Body.Close())
	<-done
	require.Equal(w, 61, strings.Count(all.String(), "</xsi:Event>"))
	_, _ = io.Copy(io.Discard, res.Body)
	return sizes
}

// What is granted is seldom what was asked.
func TestGrantsDiffer(t *testing.T) {
	cfg := patient()
	cfg.GrantedExpires, cfg.GrantedSpread = 1000*time.Second, 0.5
	inWorld(t, cfg, func(w *world) {
		w.open("set")
		seen := map[string]bool{}
		for range 20 {
			got := w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("set")).field("expires")
			var n int
			_, err := fmt.Sscan(got, &n)
			require.NoError(w, err)
			require.InDelta(w, 1000, n, 500)
			seen[got] = true
		}
		require.Greater(w, len(seen), 10)
	})
}

// A switch that knows it lost something says so (R19sp1 and later).
func TestResyncAfterLoss(t *testing.T) {
	cfg := patient()
	cfg.ResyncAfterLoss = true
	inWorld(t, cfg, func(w *world) {
		st := w.following(alice)
		st.cancel()
		w.pass(time.Second)
		id := w.ring(alice, "+442079460001")
		again := w.open("set-" + alice)
		ev := again.want("CallSubscriptionResync")[0]
		require.Len(w, ev.Data.Calls, 1)
		require.Equal(w, id, ev.Data.Calls[0].ID)
		require.EqualValues(w, 3, ev.Seq, "2 was lost")
		w.verb(id, "hangup")
		again.want("Released Released Terminator localRelease")
	})
}
