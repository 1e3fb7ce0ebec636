package httpapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/httpapi/web"
)

const board = `{"conference_id":"conference-4231","subscriber_id":"someSubscriberId@example-telco.com","state":"active","client_ref":"board",` +
	`"created_at":1533331051226,"capabilities":["end_conference"],"participants":[` +
	`{"call_id":"callhalf-13467354071:0","remote_number":"+15129104114","remote_name":"Zilkr LLC","muted":false,"deaf":false,"capabilities":["mute"]},` +
	`{"call_id":"callhalf-13467354072:0","remote_number":"+15129104114","remote_name":"Zilkr LLC","muted":false,"deaf":false,"capabilities":["mute"]}]}`

func TestCallsAreJoined(t *testing.T) {
	h := newHouse(t)
	a := h.request("POST", "/apps/"+appID+"/conferences", `{"call_ids":["callhalf-13467354071:0","callhalf-13467354072:0","callhalf-9:0"],"client_ref":"board"}`)
	require.Equal(t, 201, a.StatusCode, a.body)
	require.Equal(t, board, a.body)
	require.Equal(t, "/apps/"+appID+"/conferences/conference-4231", a.Header.Get("Location"))
	require.Equal(t, engine.Command{
		Verb: engine.VerbConference, App: appID, Call: exampleID, With: []engine.CallID{exampleID + 1, 9}, ClientRef: "board",
	}, last(h))
	require.Equal(t, "["+board+"]", h.get("/apps/"+appID+"/conferences").body)
	require.Equal(t, board, h.get("/apps/"+appID+"/conferences/conference-4231").body)
	require.Equal(t, engine.Command{Verb: engine.VerbGetConference, App: appID, Conference: conferenceID}, last(h))

	one := "/apps/" + appID + "/conferences/conference-4231"
	for path, verb := range map[string]engine.Verb{"mute": engine.VerbMute, "unmute": engine.VerbUnmute, "deaf": engine.VerbDeaf, "undeaf": engine.VerbUndeaf} {
		a := h.request("PUT", one+"/participants/callhalf-13467354071:0/"+path, "anything", "Content-Type", "text/plain")
		require.Equal(t, 204, a.StatusCode, path)
		require.Empty(t, a.body)
		require.Equal(t, engine.Command{Verb: verb, App: appID, Conference: conferenceID, Call: exampleID}, last(h))
	}
	require.Equal(t, 204, h.request("DELETE", one, "").StatusCode)
	require.Equal(t, engine.Command{Verb: engine.VerbEndConference, App: appID, Conference: conferenceID}, last(h))

	h.calls.live = nil
	require.Equal(t, "[]", h.get("/apps/"+appID+"/conferences").body)
}

func TestBodiesOfConferencesThatAreRefused(t *testing.T) {
	h := newHouse(t)
	ids := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"callhalf-%d:0"`, i+1))
		}
		return `{"call_ids":[` + strings.Join(all, ",") + `]}`
	}
	for _, c := range []struct{ body, code, field string }{
		{"", "bad_json", ""},
		{"[]", "bad_json", ""},
		{"{}", "invalid_field", "call_ids"},
		{`{"call_ids":null}`, "invalid_field", "call_ids"},
		{`{"call_ids":[]}`, "invalid_field", "call_ids"},
		{ids(1), "invalid_field", "call_ids"},
		{ids(16), "invalid_field", "call_ids"},
		{ids(5000), "invalid_field", "call_ids"},
		{`{"call_ids":"callhalf-1:0"}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0",2]}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0",null]}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0",""]}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0","callhalf-1:0"]}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0","call\u0000"]}`, "invalid_field", "call_ids"},
		{`{"call_ids":["callhalf-1:0","callhalf-2:0"],"client_ref":1}`, "invalid_field", "client_ref"},
		{`{"call_ids":["callhalf-1:0","callhalf-2:0"],"client_ref":"` + strings.Repeat("x", 257) + `"}`, "invalid_field", "client_ref"},
		{`{"call_ids":["callhalf-1:0","nothing"]}`, "not_found", ""},
		{`{"call_ids":["callhalf-1:0","callhalf-02:0"]}`, "not_found", ""},
	} {
		a := h.request("POST", "/apps/"+appID+"/conferences", c.body)
		status := map[string]int{"bad_json": 400, "invalid_field": 422, "not_found": 404}[c.code]
		require.Equal(t, status, a.StatusCode, "%.60s: %s", c.body, a.body)
		a.wantProblem(t, status, c.code)
		require.Equal(t, c.field != "", strings.Contains(a.body, `"field":"`+c.field+`"`), "%.60s: %s", c.body, a.body)
	}
	h.request("POST", "/apps/"+appID+"/conferences", ids(2), "Content-Type", "text/plain").wantProblem(t, 415, "unsupported_media_type")
	require.Empty(t, h.calls.commands(), "nothing of this reaches the core")
	require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/conferences", ids(2)).StatusCode)
	require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/conferences", ids(15)).StatusCode)
}

// A conference and its participants have one name each.
func TestIdsOfConferences(t *testing.T) {
	h := newHouse(t)
	missing := h.get("/apps/" + appID + "/conferences/nothing")
	for _, id := range []string{"conference-0", "conference-04231", "conference-", "4231", "conference-4231:0", "callhalf-4231:0", "CONFERENCE-4231", "conference-99999999999999999999", "conference-+1"} {
		for _, a := range []answer{
			h.get("/apps/" + appID + "/conferences/" + id),
			h.request("DELETE", "/apps/"+appID+"/conferences/"+id, ""),
			h.request("PUT", "/apps/"+appID+"/conferences/"+id+"/participants/callhalf-5:0/mute", ""),
		} {
			a.wantProblem(t, 404, "not_found")
			require.Equal(t, missing.body, a.body, id)
		}
	}
	h.request("PUT", "/apps/"+appID+"/conferences/conference-4231/participants/conference-4231/mute", "").wantProblem(t, 404, "not_found")
	h.request("PUT", "/apps/"+appID+"/conferences/conference-4231/participants/callhalf-5:0/hold", "").wantProblem(t, 404, "not_found")
	require.Empty(t, h.calls.commands())
}

func TestConferencesPageByPage(t *testing.T) {
	h := newHouse(t)
	for _, id := range []engine.ConferenceID{9, 7, 12000, 3} {
		v := conferenceOf(id)
		h.calls.live[appID] = append(h.calls.live[appID], &v)
	}
	var pages []string
	for path := "/apps/" + appID + "/conferences?limit=2"; path != ""; {
		a := h.get(path)
		require.Equal(t, 200, a.StatusCode, a.body)
		pages = append(pages, a.body)
		path = ""
		if link := a.Header.Get("Link"); link != "" {
			path = link[1:strings.Index(link, ">")]
		}
	}
	require.Len(t, pages, 3)
	require.Equal(t, h.get("/apps/"+appID+"/conferences").body, "["+strings.Join(trimmed(pages), ",")+"]")
}

func trimmed(pages []string) (all []string) {
	for _, p := range pages {
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(p, "["), "]"))
	}
	return all
}

// What is asked of a conference, and of who is in it, counts as what is asked
// of the subscriber whose it is.
func TestCommandsToAConferenceAreCounted(t *testing.T) {
	now := time.Unix(1533331051, 0)
	h := newHouse(t, func(c *Config) {
		c.Commands = web.Rate{PerSecond: 1, Burst: 4}
		c.Now = func() time.Time { return now }
	})
	conference := "/apps/" + appID + "/conferences"
	join := `{"call_ids":["` + exampleID.String() + `","callhalf-5:0"]}`
	require.Equal(t, 201, h.request("POST", conference, join).StatusCode)
	require.Equal(t, 204, h.request("PUT", conference+"/conference-4231/participants/"+exampleID.String()+"/mute", "").StatusCode)
	require.Equal(t, 204, h.request("PUT", oneCall+"/park", "").StatusCode)
	require.Equal(t, 201, h.request("POST", "/apps/"+appID+"/calls/retrieve", park).StatusCode)

	h.request("POST", conference, join).wantProblem(t, 429, "rate_limited")
	h.request("PUT", conference+"/conference-4231/participants/"+exampleID.String()+"/unmute", "").wantProblem(t, 429, "rate_limited")
	h.request("DELETE", conference+"/conference-4231", "").wantProblem(t, 429, "rate_limited")
	h.request("POST", "/apps/"+appID+"/calls/retrieve", park).wantProblem(t, 429, "rate_limited")
	for _, o := range orders {
		h.request(o.method, oneCall+o.path, bodyOf(o)).wantProblem(t, 429, "rate_limited")
	}
	require.Equal(t, 200, h.get(conference+"/conference-4231").StatusCode, "reads are no commands")
	require.Equal(t, 200, h.get(conference).StatusCode)
}

func TestRefusalsOfConferences(t *testing.T) {
	h := newHouse(t)
	h.unwatched()
	conference := "/apps/" + appID + "/conferences"
	for _, c := range []struct {
		err    engine.Error
		status int
	}{
		{engine.Error{Code: engine.CodeNotSupported}, 409},
		{engine.Error{Code: engine.CodeWrongState, State: engine.StateReleased}, 409},
		{engine.Error{Code: engine.CodeNotFound}, 404},
		{engine.Error{Code: engine.CodeUnconfirmed}, 504},
	} {
		h.calls.answer = func(context.Context, engine.Command) engine.Reply { return engine.Reply{Err: &c.err} }
		for _, a := range []answer{
			h.request("POST", conference, `{"call_ids":["callhalf-1:0","callhalf-2:0"]}`),
			h.request("PUT", conference+"/conference-4231/participants/callhalf-1:0/deaf", ""),
			h.request("DELETE", conference+"/conference-4231", ""),
			h.get(conference + "/conference-4231"),
		} {
			a.wantProblem(t, c.status, string(c.err.Code))
			require.Empty(t, a.Header.Get("Location"))
		}
	}
}
