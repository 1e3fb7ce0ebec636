package httpapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// seven is the specification's call object, to the letter.
const seven = `{"subscriber_id":"someSubscriberId@example-telco.com","subscriber_number":"+15128675309","remote_number":"+15129104114",` +
	`"subscriber_name":"Tommy Tutone","remote_name":"Zilkr LLC","call_id":"callhalf-13467354071:0","direction":"outgoing"`

const more = `,"state":"ringing","phase":"alerting_self","cause":"","releasing_party":"","remote_held":false,"synthetic":false,` +
	`"provider_call_id":"","replaces":"","capabilities":[],"session_id":"session-68427de5ea4d8946","client_ref":"","created_at":1533331051226}`

func TestPlaceANewCall(t *testing.T) {
	h := newHouse(t)
	a := h.request("POST", "/apps/"+appID+"/calls", good, "Content-Type", "application/json")
	require.Equal(t, 201, a.StatusCode)
	require.Equal(t, seven+more, a.body)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	require.Equal(t, "/apps/"+appID+"/calls/callhalf-13467354071:0", a.Header.Get("Location"))
	require.Empty(t, a.Header.Get("Server"))
	require.Empty(t, a.Header.Get("Idempotency-Replayed"))
	require.Equal(t, exampleID, <-h.calls.lifted)

	cmd := h.calls.commands()[0]
	require.Equal(t, []string{tommy.ID}, h.calls.to)
	require.Equal(t, engine.VerbOriginate, cmd.Verb)
	require.Equal(t, appID, cmd.App)
	o := *cmd.Originate
	require.NotZero(t, o.BodyHash)
	require.Equal(t, "1", o.Dialing.CountryCode, "the rules of the subscriber's network come along")
	o.BodyHash, o.Dialing = [32]byte{}, nil
	require.Equal(t, engine.Originate{
		SubscriberNumber: "+15128675309", RemoteNumber: "+15129104114", SubscriberName: "Tommy Tutone", RemoteName: "Zilkr LLC",
	}, o)
}

func TestGetAListOfActiveCalls(t *testing.T) {
	h := newHouse(t)
	a := h.get("/apps/" + appID + "/calls")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "["+seven+more+"]", a.body)

	h.calls.views = nil
	require.Equal(t, "[]", h.get("/apps/"+appID+"/calls").body)
}

func TestGetAListOfActiveCallsFilteredBySubscriber(t *testing.T) {
	h := newHouse(t)
	a := h.get("/apps/" + appID + "/subscribers/someSubscriberId@example-telco.com/calls")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, "["+seven+more+"]", a.body)
	h.get("/apps/"+appID+"/subscribers/nobody/calls").wantProblem(t, 404, "not_found")
}

func TestCommandsOnACall(t *testing.T) {
	h := newHouse(t)
	base := "/apps/" + appID + "/calls/callhalf-13467354071:0"
	for _, c := range []struct {
		method, path string
		verb         engine.Verb
	}{
		{"PUT", base + "/answer", engine.VerbAnswer},
		{"PUT", base + "/hold", engine.VerbHold},
		{"PUT", base + "/resume", engine.VerbResume},
		{"DELETE", base, engine.VerbEnd},
	} {
		a := h.request(c.method, c.path, "")
		require.Equal(t, 204, a.StatusCode, c.path)
		require.Empty(t, a.body)
		require.Empty(t, a.Header.Get("Content-Type"))
		cmd := h.calls.commands()[len(h.calls.commands())-1]
		require.Equal(t, engine.Command{Verb: c.verb, App: appID, Call: exampleID}, cmd)
	}
	// A body is not asked for and not looked at, whatever it says it is.
	a := h.request("PUT", base+"/hold", "hold, please", "Content-Type", "text/plain")
	require.Equal(t, 204, a.StatusCode)
}

func TestOneCall(t *testing.T) {
	h := newHouse(t)
	a := h.get("/apps/" + appID + "/calls/callhalf-13467354071:0")
	require.Equal(t, 200, a.StatusCode)
	require.Equal(t, seven+more, a.body)
	require.Equal(t, engine.VerbGet, h.calls.commands()[0].Verb)
}

func TestSubscribersOfAnApp(t *testing.T) {
	h := newHouse(t)
	const body = `{"subscriber_id":"someSubscriberId@example-telco.com","subscriber_number":"+15128675309","subscriber_name":"Tommy Tutone",` +
		`"subscriber_account_id":"someCustomerIdOrSiteOrName","network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110"}`
	require.Equal(t, "["+body+"]", h.get("/apps/"+appID+"/subscribers").body)
	require.Equal(t, body, h.get("/apps/"+appID+"/subscribers/SOMEsubscriberid%40example-telco.com").body)
	h.get("/apps/"+appID+"/subscribers/nobody").wantProblem(t, 404, "not_found")
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	h := newHouse(t)
	a := h.request("HEAD", "/apps/"+appID+"/calls", "")
	require.Equal(t, 200, a.StatusCode)
	require.EqualValues(t, len("["+seven+more+"]"), a.ContentLength)
	require.Empty(t, a.body)
}
