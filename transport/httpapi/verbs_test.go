package httpapi

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

const oneCall = "/apps/" + appID + "/calls/callhalf-13467354071:0"

// Each verb, as it is asked for and as it reaches the core.
func TestEveryVerbReachesTheCore(t *testing.T) {
	h := newHouse(t)
	dialing := &h.tenants.networks[networkID].Dialing
	for _, c := range []struct {
		method, tail, body string
		want               engine.Command
	}{
		{"DELETE", "", "", engine.Command{Verb: engine.VerbEnd}},
		{"PUT", "/answer", "", engine.Command{Verb: engine.VerbAnswer}},
		{"PUT", "/hold", "", engine.Command{Verb: engine.VerbHold}},
		{"PUT", "/resume", "", engine.Command{Verb: engine.VerbResume}},
		{"PUT", "/decline", "", engine.Command{Verb: engine.VerbDecline}},
		{"PUT", "/divert", `{"remote_number":"+15129104114"}`, engine.Command{Verb: engine.VerbDivert, Number: "+15129104114", Dialing: dialing}},
		{"PUT", "/divert", `{"remote_number":"2001","voicemail":false}`, engine.Command{Verb: engine.VerbDivert, Number: "2001", Dialing: dialing}},
		{"PUT", "/divert", `{"voicemail":true}`, engine.Command{Verb: engine.VerbVoicemail}},
		{"PUT", "/divert", `{"voicemail":true,"remote_number":null}`, engine.Command{Verb: engine.VerbVoicemail}},
		{"PUT", "/transfer", `{"remote_number":"(512) 910-4114"}`, engine.Command{Verb: engine.VerbTransfer, Number: "(512) 910-4114", Dialing: dialing}},
		{"PUT", "/mute-transfer", `{"remote_number":"+15129104114"}`, engine.Command{Verb: engine.VerbMuteTransfer, Number: "+15129104114", Dialing: dialing}},
		{"PUT", "/consult-transfer", `{"with_call_id":"callhalf-5:0"}`, engine.Command{Verb: engine.VerbConsult, With: []engine.CallID{5}}},
		{"PUT", "/reconnect", "", engine.Command{Verb: engine.VerbReconnect}},
		{"PUT", "/park", "", engine.Command{Verb: engine.VerbPark}},
		{"PUT", "/park", "{}", engine.Command{Verb: engine.VerbPark}},
		{"PUT", "/park", `{"group":false,"extension":null}`, engine.Command{Verb: engine.VerbPark}},
		{"PUT", "/park", `{"extension":"4001"}`, engine.Command{Verb: engine.VerbPark, Number: "4001"}},
		{"PUT", "/park", `{"group":true}`, engine.Command{Verb: engine.VerbGroupPark}},
		{"PUT", "/dtmf", `{"digits":"0123456789*#ABCD"}`, engine.Command{Verb: engine.VerbDTMF, Number: "0123456789*#ABCD"}},
		{"PUT", "/recording/start", "", engine.Command{Verb: engine.VerbRecord}},
		{"PUT", "/recording/pause", "", engine.Command{Verb: engine.VerbPauseRecording}},
		{"PUT", "/recording/resume", "", engine.Command{Verb: engine.VerbResumeRecording}},
		{"PUT", "/recording/stop", "", engine.Command{Verb: engine.VerbStopRecording}},
	} {
		a := h.request(c.method, oneCall+c.tail, c.body)
		require.Equal(t, 204, a.StatusCode, "%s %s: %s", c.tail, c.body, a.body)
		require.Empty(t, a.body)
		require.Empty(t, a.Header.Get("Content-Type"))
		c.want.App, c.want.Call = appID, exampleID
		require.Equal(t, c.want, last(h), "%s %s", c.tail, c.body)
	}
}

func last(h *house) engine.Command {
	all := h.calls.commands()
	return all[len(all)-1]
}

// A body that is needed is JSON, whatever it is said to be; one that is not
// needed is not looked at.
func TestBodiesOfVerbs(t *testing.T) {
	h := newHouse(t)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json"} {
		a := h.request("PUT", oneCall+"/transfer", `{"remote_number":"+15129104114","unknown":{"a":[1]}}`, "Content-Type", kind)
		require.Equal(t, 204, a.StatusCode, kind)
		a = h.request("PUT", oneCall+"/reconnect", "please", "Content-Type", kind)
		require.Equal(t, 204, a.StatusCode, kind)
	}
	given := len(h.calls.commands())
	for _, c := range []struct{ tail, body, code, field string }{
		{"/divert", "", "bad_json", ""},
		{"/divert", "{}", "invalid_field", "remote_number"},
		{"/divert", `{"voicemail":false}`, "invalid_field", "remote_number"},
		{"/divert", `{"remote_number":""}`, "invalid_field", "remote_number"},
		{"/divert", `{"remote_number":null}`, "invalid_field", "remote_number"},
		{"/divert", `{"remote_number":2001}`, "invalid_field", "remote_number"},
		{"/divert", `{"remote_number":"2001","voicemail":true}`, "invalid_field", "voicemail"},
		{"/divert", `{"remote_number":"","voicemail":true}`, "invalid_field", "voicemail"},
		{"/divert", `{"voicemail":"true"}`, "invalid_field", "voicemail"},
		{"/divert", `{"voicemail":1}`, "invalid_field", "voicemail"},
		{"/transfer", "", "bad_json", ""},
		{"/transfer", "[]", "bad_json", ""},
		{"/transfer", `{"remote_number":"+1512`, "bad_json", ""},
		{"/transfer", `{"remote_number":"1","remote_number":"2"}`, "bad_json", ""},
		{"/transfer", "{}", "invalid_field", "remote_number"},
		{"/transfer", `{"remote_number":["+15129104114"]}`, "invalid_field", "remote_number"},
		{"/transfer", `{"remote_number":"+1512910\n4114"}`, "invalid_field", "remote_number"},
		{"/mute-transfer", `{"Remote_Number":"+15129104114"}`, "invalid_field", "remote_number"},
		{"/consult-transfer", "", "bad_json", ""},
		{"/consult-transfer", "{}", "invalid_field", "with_call_id"},
		{"/consult-transfer", `{"with_call_id":""}`, "invalid_field", "with_call_id"},
		{"/consult-transfer", `{"with_call_id":5}`, "invalid_field", "with_call_id"},
		{"/consult-transfer", `{"with_call_id":"callhalf-13467354071:0"}`, "invalid_field", "with_call_id"},
		{"/consult-transfer", `{"with_call_id":"callhalf-05:0"}`, "not_found", ""},
		{"/consult-transfer", `{"with_call_id":"nothing"}`, "not_found", ""},
		{"/park", "null", "bad_json", ""},
		{"/park", `{"extension":""}`, "invalid_field", "extension"},
		{"/park", `{"extension":"1"}`, "invalid_field", "extension"},
		{"/park", `{"extension":"12345678901"}`, "invalid_field", "extension"},
		{"/park", `{"extension":"40 1"}`, "invalid_field", "extension"},
		{"/park", `{"extension":"+4001"}`, "invalid_field", "extension"},
		{"/park", `{"extension":"４００１"}`, "invalid_field", "extension"},
		{"/park", `{"extension":4001}`, "invalid_field", "extension"},
		{"/park", `{"extension":"4001","group":true}`, "invalid_field", "group"},
		{"/park", `{"group":"yes"}`, "invalid_field", "group"},
		{"/dtmf", "", "bad_json", ""},
		{"/dtmf", "{}", "invalid_field", "digits"},
		{"/dtmf", `{"digits":""}`, "invalid_field", "digits"},
		{"/dtmf", `{"digits":1}`, "invalid_field", "digits"},
		{"/dtmf", `{"digits":"12a"}`, "invalid_field", "digits"},
		{"/dtmf", `{"digits":"1 2"}`, "invalid_field", "digits"},
		{"/dtmf", `{"digits":"E"}`, "invalid_field", "digits"},
		{"/dtmf", `{"digits":"` + strings.Repeat("1", 65) + `"}`, "invalid_field", "digits"},
	} {
		a := h.request("PUT", oneCall+c.tail, c.body)
		status := map[string]int{"bad_json": 400, "invalid_field": 422, "not_found": 404}[c.code]
		require.Equal(t, status, a.StatusCode, "%s %s: %s", c.tail, c.body, a.body)
		a.wantProblem(t, status, c.code)
		require.Equal(t, c.field != "", strings.Contains(a.body, `"field":"`+c.field+`"`), "%s %s: %s", c.tail, c.body, a.body)
	}
	require.Len(t, h.calls.commands(), given, "nothing of this reaches the core")
	require.Equal(t, 204, h.request("PUT", oneCall+"/dtmf", `{"digits":"`+strings.Repeat("D", 64)+`"}`).StatusCode)
	require.Equal(t, 204, h.request("PUT", oneCall+"/park", `{"extension":"12"}`).StatusCode)
	require.Equal(t, 204, h.request("PUT", oneCall+"/park", `{"extension":"1234567890"}`).StatusCode)
}

// A number is judged by the rules of the network of whose call it is. Of a call
// that is over there are none to look up.
func TestTheRulesForNumbersAreThoseOfTheCallsNetwork(t *testing.T) {
	h := newHouse(t)
	elsewhere := &tenant.Network{ID: "elsewhere", Dialing: engine.Dialing{CountryCode: "44"}}
	h.tenants.networks["elsewhere"] = elsewhere
	anna := engine.Profile{ID: "anna", Number: "+442079460000", Network: "elsewhere"}
	h.tenants.subscribers = append(h.tenants.subscribers, &tenant.SubscriberInfo{Profile: anna, Apps: []string{appID}})
	second := callOf(exampleID + 1)
	h.calls.views[appID] = append(h.calls.views[appID], CallView{Profile: &anna, Call: second})
	const body = `{"remote_number":"2079460000"}`
	for _, verb := range []string{"/divert", "/transfer", "/mute-transfer"} {
		require.Equal(t, 204, h.request("PUT", oneCall+verb, body).StatusCode)
		require.Equal(t, "1", last(h).Dialing.CountryCode)
		require.Equal(t, 204, h.request("PUT", "/apps/"+appID+"/calls/"+second.ID.String()+verb, body).StatusCode)
		require.Equal(t, "44", last(h).Dialing.CountryCode)
		require.Equal(t, 204, h.request("PUT", "/apps/"+appID+"/calls/callhalf-77:0"+verb, body).StatusCode)
		require.Nil(t, last(h).Dialing)
	}
}

// What the core says of one verb is said of each.
func TestRefusalsOfEveryVerb(t *testing.T) {
	h := newHouse(t)
	for _, o := range orders {
		for _, c := range []struct {
			err    engine.Error
			status int
		}{
			{engine.Error{Code: engine.CodeNotSupported, Message: "this network cannot do it: reconnect"}, 409},
			{engine.Error{Code: engine.CodeWrongState, State: engine.StateHeld}, 409},
			{engine.Error{Code: engine.CodeCommandPending}, 409},
			{engine.Error{Code: engine.CodeNotFound}, 404},
			{engine.Error{Code: engine.CodeUnconfirmed}, 504},
		} {
			h.calls.answer = func(context.Context, engine.Command) engine.Reply { return engine.Reply{Err: &c.err} }
			h.request(o.method, oneCall+o.path, bodyOf(o)).wantProblem(t, c.status, string(c.err.Code))
		}
	}
}

// bodyOf is one that an order takes.
func bodyOf(o order) string {
	if o.read == nil {
		return ""
	}
	return `{"remote_number":"+15129104114","with_call_id":"callhalf-5:0","digits":"1"}`
}

const park = `{"subscriber_id":"someSubscriberId@example-telco.com","subscriber_number":"+15128675309","extension":"4001","subscriber_name":"Tommy","client_ref":"ticket 7"}`

func TestAParkedCallIsTakenBack(t *testing.T) {
	h := newHouse(t)
	a := h.request("POST", "/apps/"+appID+"/calls/retrieve", park, "Idempotency-Key", "once")
	require.Equal(t, 201, a.StatusCode, a.body)
	require.Equal(t, seven+more, a.body)
	require.Equal(t, oneCall, a.Header.Get("Location"))
	require.Equal(t, exampleID, <-h.calls.lifted)
	cmd := last(h)
	require.Equal(t, engine.VerbRetrieve, cmd.Verb)
	require.Equal(t, []string{tommy.ID}, h.calls.to)
	o := *cmd.Originate
	require.NotZero(t, o.BodyHash)
	o.BodyHash, o.Dialing = [32]byte{}, nil
	require.Equal(t, engine.Originate{SubscriberNumber: "+15128675309", SubscriberName: "Tommy", Extension: "4001", ClientRef: "ticket 7", Key: "once"}, o)

	given := len(h.calls.commands())
	for from, field := range map[string]string{
		`"extension":"4001",`: "extension", `"subscriber_number":"+15128675309",`: "subscriber_number", `"subscriber_id":"someSubscriberId@example-telco.com",`: "subscriber_id",
	} {
		a := h.request("POST", "/apps/"+appID+"/calls/retrieve", strings.Replace(park, from, "", 1))
		a.wantProblem(t, 422, "invalid_field")
		require.Contains(t, a.body, `"field":"`+field+`"`)
	}
	for _, bad := range []string{`""`, `"4"`, `"*88"`, `"12345678901"`, `4001`, `null`} {
		a := h.request("POST", "/apps/"+appID+"/calls/retrieve", strings.Replace(park, `"4001"`, bad, 1))
		a.wantProblem(t, 422, "invalid_field")
		require.Contains(t, a.body, `"field":"extension"`)
	}
	h.request("POST", "/apps/"+appID+"/calls/retrieve", strings.Replace(park, "someSubscriberId", "nobody", 1)).wantProblem(t, 404, "not_found")
	h.request("POST", "/apps/"+appID+"/calls/retrieve", park, "Content-Type", "text/plain").wantProblem(t, 415, "unsupported_media_type")
	h.request("POST", "/apps/"+appID+"/calls/retrieve", "").wantProblem(t, 400, "bad_json")
	require.Len(t, h.calls.commands(), given)
}

// A client_ref is the app's own; it is part of what a repeated request must
// repeat, and a body without one is what it was before there were any.
func TestClientRefs(t *testing.T) {
	h := newHouse(t)
	post := func(body string) *engine.Originate {
		require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/calls", body).StatusCode)
		return last(h).Originate
	}
	plain := post(good)
	require.Empty(t, plain.ClientRef)
	for _, none := range []any{"", nil} {
		require.Equal(t, plain.BodyHash, post(with("client_ref", none)).BodyHash)
	}
	require.Equal(t, web.HashOf(engine.Fold(tommy.ID), "+15128675309", "+15129104114", "Tommy Tutone", "Zilkr LLC"), plain.BodyHash)
	one, other := post(with("client_ref", "a")), post(with("client_ref", "b"))
	require.Equal(t, "a", one.ClientRef)
	require.NotEqual(t, plain.BodyHash, one.BodyHash)
	require.NotEqual(t, one.BodyHash, other.BodyHash)
	require.Equal(t, strings.Repeat("é", 128), post(with("client_ref", strings.Repeat("é", 128))).ClientRef)
	for i, bad := range []any{strings.Repeat("é", 128) + "x", 7, true, []any{}, map[string]any{}, "two\nlines"} {
		a := h.request("POST", "/apps/"+appID+"/calls", with("client_ref", bad))
		a.wantProblem(t, 422, "invalid_field")
		require.Contains(t, a.body, `"field":"client_ref"`, strconv.Itoa(i))
	}
}

// The key of one kind of request, used for the other, is a key used twice.
func TestABodyThatRetrievesHasAHashOfItsOwn(t *testing.T) {
	_, dialled, err := parseOriginate([]byte(`{"subscriber_id":"a","subscriber_number":"b","remote_number":"4001","subscriber_name":"","remote_name":"","client_ref":"retrieve"}`))
	require.NoError(t, err)
	_, taken, err := parseRetrieve([]byte(`{"subscriber_id":"a","subscriber_number":"b","extension":"4001"}`))
	require.NoError(t, err)
	require.NotEqual(t, dialled.BodyHash, taken.BodyHash)
}
