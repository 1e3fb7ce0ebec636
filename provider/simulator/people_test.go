package simulator

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func (w *world) directoryOf(user string) string {
	w.Helper()
	return w.action("GET", "/user/"+user+"/directories/Enterprise?results=50").body
}

func TestAUserIsAddedAndCanBeCalled(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		st := w.following(alice)
		var v personView
		w.control("POST", "/people", `{"subscriber_id":"nora@demo.example","first_name":"Nora","last_name":"Nyberg",
			"subscriber_number":"+12125550199","extension":"7001","department":"Ops","group":"site-9"}`, 201, &v)
		require.Equal(t, "Nora Nyberg", v.SubscriberName)
		require.Equal(t, "demo-enterprise/site-9", v.SubscriberAccountID)
		require.Contains(t, w.directoryOf(alice), "<userId>nora@demo.example</userId><firstName>Nora</firstName>")
		require.Contains(t, w.directoryOf(alice), "<department>Ops</department>")
		require.Equal(t, "+1-2125550199", w.action("GET", "/user/nora@demo.example/profile").field("number"))
		require.Equal(t, "1", w.action("GET", "/user/nora@demo.example/directories/Group").field("totalAvailableRecords"))

		other := w.following("nora@demo.example")
		w.dial(alice, "7001")
		st.want("Originating Alerting Click-to-Dial")
		w.pass(3 * time.Second)
		require.Equal(t, "Received Alerting Terminator", other.event().String())

		for body, status := range map[string]int{
			`{"subscriber_id":"nora@demo.example","first_name":"N","last_name":"N"}`:   409,
			`{"subscriber_id":"noah@demo.example","subscriber_number":"+12125550199"}`: 409,
			`{"subscriber_id":"noah@demo.example","extension":"1001"}`:                 409,
			`{"subscriber_id":"noah"}`: 422,
			`{"subscriber_id":"noah@demo.example","subscriber_number":"2125550199"}`:                         422,
			`{"subscriber_id":"noah@demo.example","shoe_size":"44"}`:                                         422,
			`{"subscriber_id":"noah@demo.example","last_name":"` + strings.Repeat("x", 100) + `"}`:           422,
			`{"subscriber_id":"noah@demo.example","extension":"1","group":"` + strings.Repeat("x", 9) + `"}`: 422,
		} {
			w.control("POST", "/people", body, status, nil)
		}
		var all []enterpriseView
		w.control("GET", "/enterprises", "", 200, &all)
		require.Equal(t, []enterpriseView{{"demo-enterprise", []groupView{{"site-1", 20}, {"site-9", 1}}}}, all, "a refusal leaves nothing behind")
		require.Equal(t, 404, w.action("GET", "/user/noah@demo.example/profile").status)
	})
}

func TestAUserChangesNumberAndGroup(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		w.control("POST", "/people", `{"subscriber_id":"nora@demo.example","extension":"7001","group":"site-2"}`, 201, nil)
		st := w.open("set-groups")
		st.follow("/serviceprovider/demo-enterprise/group/site-2")
		id := w.ring(bob, "+442079460001")
		st.quiet(time.Second)
		var v personView
		w.control("PATCH", "/people/"+bob, `{"subscriber_number":"+12125550142","extension":"","last_name":"Bakerloo","group":"site-2"}`, 200, &v)
		require.Equal(t, "Bob Bakerloo", v.SubscriberName)
		w.verb(id, "answer")
		require.Equal(t, []string{"Off-Hook", "Answered Active Terminator"}, []string{st.event().String(), st.event().String()}, "the call goes on in the new group")
		w.verb(id, "hangup")
		st.want("Released Released Terminator localRelease", "On-Hook")

		require.Equal(t, bob, mustPhone(w, "+12125550142"))
		require.Empty(t, mustPhone(w, "+12015550101"), "the old number is nobody's")
		require.Empty(t, mustPhone(w, "1002"))
		w.control("PATCH", "/people/"+alice, `{"subscriber_number":"+12015550101","extension":"1002"}`, 200, nil)
		require.Equal(t, alice, mustPhone(w, "1002"))

		w.control("PATCH", "/people/"+bob, `{"department":"X","group":"nowhere"}`, 404, nil)
		w.control("GET", "/people/"+bob, "", 200, &v)
		require.Equal(t, "site-1", v.Department, "all of a change, or nothing")
		w.control("PATCH", "/people/"+bob, `{"enterprise":"other"}`, 422, nil)
		w.control("PATCH", "/people/"+bob, `{"subscriber_id":"`+alice+`"}`, 409, nil)
		w.control("PATCH", "/people/nobody@demo.example", `{}`, 404, nil)
	})
}

func mustPhone(w *world, address string) string {
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	if p := w.sim.phoneAt(address); p != nil {
		return p.SubscriberID
	}
	return ""
}

func TestADeletedUserIsGone(t *testing.T) {
	cfg := patient()
	cfg.AckTimeout = time.Hour
	inWorld(t, cfg, func(w *world) {
		mine, theirs := w.following(bob), w.following(alice)
		all := w.open("set-all")
		all.follow("/enterprise/demo-enterprise")
		w.user = bob
		own := w.open("set-own")
		w.user = "admin@simulator.example"
		w.control("PUT", "/phones/"+bob, `{"answer":"auto","answer_after_ms":0}`, 200, nil)
		w.dial(alice, "1002")
		w.pass(5 * time.Second)
		require.NotEmpty(t, w.sim.truth())
		theirs.want("Originating Alerting Click-to-Dial", "Updated Alerting Click-to-Dial", "Off-Hook",
			"Originated Alerting Originator", "Answered Active Originator")
		mine.want("Received Alerting Terminator", "Off-Hook", "Answered Active Terminator")

		w.control("DELETE", "/people/"+bob, "", 204, nil)
		mine.want("Released Released Terminator localRelease", "On-Hook", "SubscriptionTerminated")
		theirs.want("Released Released Originator remoteRelease", "On-Hook")
		require.Contains(t, own.next(), "<xsi:reason>UserDeleted</xsi:reason>")
		require.Empty(t, w.sim.truth())
		require.Equal(t, 404, w.action("GET", "/user/"+bob+"/profile").status)
		require.Equal(t, 404, w.do("POST", eventsBase+"/user/"+bob, subscriptionBody("set-all")).status)
		require.NotContains(t, w.directoryOf(alice), bob)
		w.user = bob
		require.Equal(t, 401, w.action("GET", "/user/"+alice+"/profile").status)
		w.user = "admin@simulator.example"
		w.control("DELETE", "/people/"+bob, "", 404, nil)
		w.control("GET", "/phones/"+bob, "", 404, nil)
		w.control("POST", "/people", `{"subscriber_id":"`+bob+`","extension":"1002"}`, 201, nil)
		require.Equal(t, 200, w.action("GET", "/user/"+bob+"/profile").status, "the id may be somebody else's later")
	})
}

func TestAnotherUserIDIsAnotherUser(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		cfg := patient()
		cfg.RenameKeepsSubscriptions = keeps
		inWorld(t, cfg, func(w *world) {
			st := w.following(bob)
			id := w.ring(bob, "+442079460001")
			st.want("Received Alerting Terminator")
			w.control("PATCH", "/people/"+bob, `{"subscriber_id":"robert@demo.example"}`, 200, nil)
			if !keeps {
				st.want("SubscriptionTerminated")
				st.follow("/user/robert@demo.example")
				st.want("CallSubscription")
			}
			require.Equal(t, 404, w.action("GET", "/user/"+bob+"/calls").status)
			require.Contains(t, w.action("GET", "/user/robert@demo.example/calls").body, id, "the call goes on")
			w.verb(id, "hangup")
			require.Contains(t, st.want("Released Released Terminator localRelease")[0].raw, "robert@demo.example")
		})
	}
}

func TestGroupsAndEnterprisesTakeTheirPeopleAlong(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		for i := range 3 {
			w.control("POST", "/people", fmt.Sprintf(`{"subscriber_id":"u%d@acme.example","extension":"70%d","enterprise":"acme","group":"g%d"}`, i, i, i%2), 201, nil)
		}
		st := w.open("set-acme")
		st.follow("/serviceprovider/acme/group/g0")
		st.follow("/serviceprovider/acme")
		w.ring("u0@acme.example", "+442079460001")
		st.want("Received Alerting Terminator", "Received Alerting Terminator")
		require.NotContains(t, w.directoryOf(alice), "acme", "nobody sees another enterprise's people")

		w.control("DELETE", "/enterprises/acme/groups/g0", "", 204, nil)
		st.want("Released Released Terminator localRelease", "Released Released Terminator localRelease", "SubscriptionTerminated")
		require.Equal(t, 404, w.action("GET", "/user/u2@acme.example/profile").status)
		require.Equal(t, 200, w.action("GET", "/user/u1@acme.example/profile").status)
		require.Equal(t, 404, w.do("POST", eventsBase+"/serviceprovider/acme/group/g0", subscriptionBody("set-acme")).status)

		w.control("DELETE", "/enterprises/acme", "", 204, nil)
		st.want("SubscriptionTerminated")
		require.Equal(t, 404, w.do("POST", eventsBase+"/enterprise/acme", subscriptionBody("set-acme")).status)
		w.control("DELETE", "/enterprises/acme", "", 404, nil)
		w.control("DELETE", "/enterprises/demo-enterprise", "", 204, nil)
		require.Empty(t, w.sim.Phones())
	})
}

func TestTrafficOutlivesItsPeople(t *testing.T) {
	cfg := patient()
	cfg.Traffic, cfg.CallsPerSecond = TrafficDemo, 50
	inWorld(t, cfg, func(w *world) {
		w.pass(10 * time.Second)
		for _, p := range w.sim.Phones() {
			w.control("DELETE", "/people/"+p.SubscriberID, "", 204, nil)
			w.pass(100 * time.Millisecond)
		}
		w.pass(time.Minute)
		require.Empty(t, w.sim.truth())
	})
}

func TestPeopleInAStory(t *testing.T) {
	sc, err := ParseScenario([]byte(`subscribers 5
0s add-user nora first=Nora last=Nyberg number=+12125550199 extension=7001 group=site-2
+0s ring nora from +442079460001 as a
+0s change-user nora department="Night shift" number=
+0s rename-user nora to eleonora
+0s expect a ringing
+0s delete-group site-2
+0s expect a released
+0s add-user nora first=N last=N enterprise=acme
+0s delete-enterprise acme
+0s delete-user alice
+0s delete-user alice
`))
	require.NoError(t, err)
	inWorld(t, sc.Config, func(w *world) {
		err := w.sim.Play(w.Context(), sc, nil)
		require.EqualError(t, err, "line 12: delete-user alice: no such subscriber, group or enterprise")
		require.Len(t, w.sim.Phones(), 4)
	})
	for _, line := range []string{"add-user nora", "rename-user nora", "change-user nora", "delete-user", "delete-user a b", "delete-user a group=b"} {
		_, err := ParseScenario([]byte("0s " + line + "\n"))
		require.Error(t, err, line)
	}
}

// provisioned is the world with its two OCI servers, in memory.
func provisioned(t *testing.T, cfg Config, story func(w *world, oci, feed *pipes)) {
	t.Helper()
	inWorld(t, cfg, func(w *world) {
		oci, feed := newPipes(), newPipes()
		served := make(chan error, 2)
		go func() { served <- w.sim.ServeOCI(tcp{oci}) }()
		go func() { served <- w.sim.ServeReporting(tcp{feed}) }()
		story(w, oci, feed)
		require.NoError(t, w.sim.Close())
		require.NoError(t, <-served)
		require.NoError(t, <-served)
	})
}

// tcp is a listener in memory that says where it is.
type tcp struct{ *pipes }

func (tcp) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2208} }

func TestAStorySaysHowItsPeopleAreProvisioned(t *testing.T) {
	sc, err := ParseScenario([]byte(`subscribers 3
oci-lacks UserGetListInGroupPagedSortedListRequest,UserGetRequest
oci-columns "Extension,User Id"
oci-release 20
oci-max-rows 2
oci-page 10
oci-numbers dashed
oci-lock-after 2
feed-ping 2s
feed-lines yes
feed-masked yes
feed-identities no
0s fault oci_slow delay=1s
`))
	require.NoError(t, err)
	provisioned(t, sc.Config, func(w *world, oci, feed *pipes) {
		require.NoError(t, w.sim.Play(w.Context(), sc, nil))
		c := w.reach(oci)
		require.Contains(t, c.ask("LoginRequest22V3", ""), "Unknown request")
		l, began := w.reach(feed), time.Now()
		l.report()
		require.Equal(t, 2*time.Second, time.Since(began))
		w.control("DELETE", "/people/"+alice, "", 204, nil)
		require.Contains(t, l.report(), "\r\n")
	})
	for _, line := range []string{"oci-numbers upside-down", "oci-release new", "feed-lines maybe", "feed-ping often"} {
		_, err := ParseScenario([]byte(line + "\n"))
		require.Error(t, err, line)
	}
}
