package simulator

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSubscriptionRefusals(t *testing.T) {
	cfg := patient()
	cfg.MaxSubscriptions = 2
	inWorld(t, cfg, func(w *world) {
		got := w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("nobody"))
		require.Equal(w, 403, got.status)
		require.Equal(w, "110842", got.field("errorCode"))
		require.Equal(w, "application/xml;charset=ISO-8859-1", got.header.Get("Content-Type"))

		st := w.open("set")
		require.Equal(w, 404, w.do("POST", eventsBase+"/user/nobody@demo.example", subscriptionBody("set")).status)
		require.Equal(w, 404, w.do("POST", eventsBase+"/enterprise/nowhere", subscriptionBody("set")).status)
		require.Equal(w, 400, w.do("POST", eventsBase+"/user/"+alice, strings.ReplaceAll(subscriptionBody("set"), "Advanced Call", "Nonsense")).status)
		require.Equal(w, 400, w.do("POST", eventsBase+"/user/"+alice, "<Subscription>").status)
		require.Equal(w, 413, w.do("POST", eventsBase+"/user/"+alice, strings.Repeat("x", 70_000)).status)

		sub := st.follow("/user/" + alice + "/subscription") // the other spelling
		st.follow("/user/" + alice)
		require.Equal(w, 409, w.do("POST", eventsBase+"/user/"+alice, subscriptionBody("set")).status, "quota")

		require.Equal(w, 200, w.do("DELETE", eventsBase+"/subscription/"+sub, "").status)
		got = w.do("DELETE", eventsBase+"/subscription/"+sub, "")
		require.Equal(w, 403, got.status)
		require.Equal(w, "110862", got.field("errorCode"))
	})
}

// Each renewal brings a snapshot with the calls there are (dossier §3.6).
func TestRenewBringsSnapshot(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set", "<expires>2147483647</expires>")
		sub := st.follow("/user/" + alice)
		require.NotContains(w, st.want("CallSubscription")[0].raw, "<xsi:calls>")
		id := w.ring(alice, "+442079460001")
		st.want("Received Alerting Terminator")
		got := w.do("PUT", eventsBase+"/subscription/"+sub, `<Subscription xmlns="http://schema.broadsoft.com/xsi"><expires>2147483647</expires></Subscription>`)
		require.Equal(w, "2147483647", got.field("expires"))
		snap := st.want("CallSubscription")[0]
		require.EqualValues(w, 3, snap.Seq)
		require.Len(w, snap.Data.Calls, 1)
		require.Equal(w, id, snap.Data.Calls[0].ID)
		require.Equal(w, "Alerting", snap.Data.Calls[0].State)
		w.verb(id, "hangup")
		st.want("Released Released Terminator localRelease")
		st.quiet(30 * 24 * time.Hour) // the subscription lasts for ever
		got = w.do("GET", eventsBase+"/subscription/"+sub, "")
		require.Equal(w, "Advanced Call", got.field("event"))
	})
}

func TestSubscriptionExpires(t *testing.T) {
	cfg := patient()
	inWorld(t, cfg, func(w *world) {
		st := w.open("set", "<expires>2147483647</expires>")
		sub := st.follow("/user/" + alice)
		st.want("CallSubscription")
		w.pass(3601 * time.Second)
		st.want("SubscriptionTerminated")
		require.Equal(w, 403, w.do("PUT", eventsBase+"/subscription/"+sub, "<Subscription/>").status)
	})
}

// A group and an enterprise hear of all their users, and get no snapshot.
func TestGroupAndEnterprise(t *testing.T) {
	cfg := patient()
	cfg.Subscribers = 101 // the last is in the second group
	inWorld(t, cfg, func(w *world) {
		st := w.open("set")
		group := st.follow("/serviceprovider/demo-enterprise/group/site-1")
		all := st.follow("/enterprise/demo-enterprise")
		st.quiet(time.Second)
		w.ring(alice, "+442079460001")
		for _, want := range []string{group, all} {
			ev := st.event()
			require.Equal(w, want, ev.SubID)
			require.Equal(w, alice, ev.Target)
			require.EqualValues(w, 1, ev.Seq)
		}
		w.ring("user0101@demo.example", "+442079460001")
		ev := st.event()
		require.Equal(w, all, ev.SubID)
		require.EqualValues(w, 2, ev.Seq)
	})
}

// A user's own subscription names no target (dossier §3.4), and a user follows
// nobody else.
func TestSelfSubscription(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		w.user = alice
		st := w.open("set")
		st.follow("/user/" + alice)
		ev := st.want("CallSubscription")[0]
		require.Equal(w, alice, ev.User)
		require.NotContains(w, ev.raw, "targetId")
		require.Equal(w, 403, w.do("POST", eventsBase+"/user/"+bob, subscriptionBody("set")).status)
		require.Equal(w, 403, w.do("POST", eventsBase+"/enterprise/demo-enterprise", subscriptionBody("set")).status)
		require.Equal(w, 403, w.action("GET", "/user/"+bob+"/calls").status)
	})
}

// The package Standard Call has fewer events, others have none of calls.
func TestPackages(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.open("set")
		for _, event := range []string{"Standard Call", "Do Not Disturb"} {
			body := strings.ReplaceAll(subscriptionBody("set"), "Advanced Call", event)
			require.Equal(w, 200, w.do("POST", eventsBase+"/user/"+alice, body).status)
		}
		id := w.ring(alice, "+442079460001")
		w.verb(id, "answer")
		st.want("CallSubscription", "Received Alerting Terminator", "Answered Active Terminator")
		st.quiet(time.Minute)
	})
}
