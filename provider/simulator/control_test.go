package simulator

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

// The same Config gives the same subscribers, with numbers nobody else has.
func TestPhones(t *testing.T) {
	one, two := New(Config{Subscribers: 5000}), New(Config{Subscribers: 5000})
	t.Cleanup(func() { require.NoError(t, one.Close()); require.NoError(t, two.Close()) })
	require.Equal(t, one.Phones(), two.Phones())
	require.Equal(t, Phone{
		SubscriberID: alice, SubscriberNumber: "+12015550100", SubscriberName: "Alice Archer",
		SubscriberAccountID: "demo-enterprise/site-1", Extension: "1001", FirstName: "Alice", LastName: "Archer",
		Enterprise: "demo-enterprise", Group: "site-1",
	}, one.Phones()[0])
	seen := map[string]bool{}
	for _, p := range one.Phones() {
		require.Regexp(t, `^\+1[2-9]\d\d55501\d\d$`, p.SubscriberNumber)
		for _, id := range []string{p.SubscriberID, p.SubscriberNumber, p.Extension} {
			require.False(t, seen[id], id)
			seen[id] = true
		}
	}
	require.Equal(t, "user0021@demo.example", one.Phones()[20].SubscriberID)
	require.Equal(t, "+12025550100", one.Phones()[100].SubscriberNumber)
}

// The words of the truth are the product's, whatever BroadWorks calls them.
func TestTruth(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		var none []callView
		w.control("GET", "/calls", "", 200, &none)
		require.Empty(w, none)
		id := w.ring(alice, "+442079460001")
		truth := func() callView {
			w.Helper()
			var all []callView
			w.control("GET", "/calls", "", 200, &all)
			require.Len(w, all, 1)
			return all[0]
		}
		require.Equal(w, "ringing", truth().State)
		require.Equal(w, "incoming", truth().Direction)
		require.Equal(w, "+442079460001", truth().RemoteNumber)
		w.verb(id, "answer")
		require.Equal(w, "active", truth().State)
		w.verb(id, "hold")
		require.Equal(w, "held", truth().State)
		w.verb(id, "resume")
		require.Equal(w, "released", w.verb(id, "hangup").State)
		w.control("POST", "/calls/"+id+"/hangup", "", 404, nil)
	})
}

// A far end that does not answer by itself is answered by hand.
func TestRemoteAnswer(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		w.control("PUT", "/phones/"+alice, `{"far_end":"no_answer"}`, 200, nil)
		id := w.dial(alice, "5550123")
		w.control("POST", "/calls/"+id+"/remote-answer", "", 409, nil)
		w.pass(time.Second)
		require.Equal(w, "active", w.verb(id, "remote-answer").State)

		id = w.dial(alice, "5550124")
		w.pass(time.Second)
		st := w.following(alice)
		w.verb(id, "remote-hangup")
		require.Equal(w, "Released Released Originator remoteRelease Forbidden", st.event().String())
	})
}

func TestControlRefusals(t *testing.T) {
	inWorld(t, patient(), func(w *world) {
		for _, c := range []struct {
			method, path, body string
			status             int
			code               string
		}{
			{"POST", "/calls", `{`, 400, "bad_json"},
			{"POST", "/calls", `{}`, 422, "invalid_field"},
			{"POST", "/calls", `{"subscriber_id":"nobody@demo.example","remote_number":"1"}`, 404, "not_found"},
			{"POST", "/calls", `{"subscriber_id":"alice@demo.example"}`, 422, "invalid_field"},
			{"POST", "/calls", `{"subscriber_id":"alice@demo.example","remote_number":"1","direction":"up"}`, 422, "invalid_field"},
			{"POST", "/calls/callhalf-1:0/answer", ``, 404, "not_found"},
			{"POST", "/calls/callhalf-1:0/juggle", ``, 404, "not_found"},
			{"PUT", "/phones/alice@demo.example", `{"answer":"never"}`, 422, "invalid_field"},
			{"PUT", "/phones/nobody@demo.example", `{}`, 404, "not_found"},
			{"DELETE", "/phones", ``, 405, "method_not_allowed"},
			{"GET", "/nonsense", ``, 404, "not_found"},
		} {
			got := w.do(c.method, "/simulator"+c.path, c.body)
			require.Equal(w, c.status, got.status, "%s %s %s", c.method, c.path, c.body)
			require.Equal(w, "application/problem+json", got.header.Get("Content-Type"))
			require.Contains(w, got.body, fmt.Sprintf(`"code":%q`, c.code))
		}
	})
}
