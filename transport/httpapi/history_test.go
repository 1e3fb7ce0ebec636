package httpapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
	"offhook/transport/eventlog"
)

// archive is an event house whose subscribers had calls.
type archive struct {
	*eventHouse
	subs map[string]*engine.Subscriber
	n    engine.CallID
}

func newArchive(t *testing.T) *archive {
	a := &archive{eventHouse: newEventHouse(t, eventlog.Config{}), subs: map[string]*engine.Subscriber{}}
	for i, apps := range [][]string{{appID}, {appID, otherApp}, {otherApp}} {
		sub := storetest.Subscriber(user(i))
		for _, app := range apps {
			sub.Streams = append(sub.Streams, engine.Stream{App: app, Linked: true})
		}
		storetest.Put(t, a.store, []engine.Record{{Kind: engine.RecordProfile, Subscriber: sub}, storetest.Of(sub)}, nil)
		a.subs[sub.ID] = sub
		a.tenants.subscribers[i] = &tenant.SubscriberInfo{Profile: sub.Profile, Apps: apps}
	}
	return a
}

// had stores a call that is over.
func (a *archive) had(subscriber string, c engine.Call) engine.CallID {
	a.n++
	a.clock.Add(1000)
	sub := a.subs[subscriber]
	c.ID, c.State, c.ReleasedAt = a.n<<10|engine.CallID(engine.SlotOf(subscriber)), engine.StateReleased, a.clock.Load()
	c.CreatedAt = c.ReleasedAt - 500
	if c.Direction == engine.DirectionNone {
		c.Direction = engine.Incoming
	}
	storetest.Put(a.t, a.store, []engine.Record{{Kind: engine.RecordCall, Subscriber: sub, Call: &c}}, nil)
	return c.ID
}

type pastCall struct {
	Call       string `json:"call_id"`
	Subscriber string `json:"subscriber_id"`
	Name       string `json:"subscriber_name"`
	State      string `json:"state"`
	Released   int64  `json:"released_at"`
}

func (a answer) past(t *testing.T) (ids []string) {
	t.Helper()
	require.Equal(t, 200, a.StatusCode, a.body)
	require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	var list []pastCall
	require.NoError(t, json.Unmarshal([]byte(a.body), &list))
	for _, c := range list {
		require.Equal(t, "released", c.State)
		require.NotZero(t, c.Released)
		ids = append(ids, c.Call)
	}
	return ids
}

func texts(ids ...engine.CallID) (list []string) {
	for _, id := range ids {
		list = append(list, id.String())
	}
	return list
}

func TestCallHistory(t *testing.T) {
	a := newArchive(t)
	path := "/apps/" + appID + "/call-history"
	require.Equal(t, "[]", a.get(path).body)
	one := a.had(user(0), engine.Call{AnsweredAt: 1, Cause: engine.CauseNormal})
	two := a.had(user(1), engine.Call{Cause: engine.CauseNoAnswer})
	at := a.clock.Load()
	a.had(user(2), engine.Call{})
	four := a.had(user(0), engine.Call{Direction: engine.Outgoing, AnsweredAt: 1, Cause: engine.CauseNormal})

	for query, want := range map[string][]string{
		"":                    texts(four, two, one),
		"?limit=1000000":      texts(four, two, one),
		"?direction=incoming": texts(two, one),
		"?direction=outgoing": texts(four),
		"?answered=true":      texts(four, one),
		"?answered=false":     texts(two),
		"?cause=no_answer":    texts(two),
		"?cause=parked":       nil,
		"?subscriber_id=" + url.QueryEscape(strings.ToUpper(user(0))): texts(four, one),
		fmt.Sprintf("?from=%d", at):                                   texts(four, two),
		fmt.Sprintf("?to=%d", at):                                     texts(one),
		fmt.Sprintf("?from=%d&to=%d", at, at+1):                       texts(two),
		fmt.Sprintf("?answered=true&direction=incoming&to=%d", at):    texts(one),
		"?colour=blue": texts(four, two, one),
	} {
		require.Equal(t, want, a.get(path+query).past(t), query)
	}
	other := a.request("GET", "/apps/"+otherApp+"/call-history", "", "Authorization", "Bearer "+a.otherKey)
	require.Len(t, other.past(t), 2, "an app has the calls of its subscribers")

	// The object is the call's, whose subscriber is shown as he is now.
	a.subs[user(1)].Name = "Renamed Since"
	storetest.Put(t, a.store, []engine.Record{storetest.Of(a.subs[user(1)])}, nil)
	ended, err := a.store.Ended(two)
	require.NoError(t, err)
	require.Equal(t, "["+string(engine.AppendCall(nil, &a.subs[user(1)].Profile, ended))+"]", a.get(path+"?cause=no_answer").body)
	require.Contains(t, a.get(path+"?cause=no_answer").body, "Renamed Since")
}

func TestCallHistoryIsPaged(t *testing.T) {
	a := newArchive(t)
	var want []string
	for range 7 {
		want = append(texts(a.had(user(0), engine.Call{})), want...)
		a.had(user(0), engine.Call{Direction: engine.Outgoing})
	}
	var got []string
	path := "/apps/" + appID + "/call-history?direction=incoming&limit=2"
	first := ""
	for pages := 0; ; pages++ {
		require.Less(t, pages, 10)
		page := a.get(path)
		got = append(got, page.past(t)...)
		link := page.Header.Get("Link")
		if link == "" {
			break
		}
		m := nextLink.FindStringSubmatch(link)
		require.NotNil(t, m, link)
		if path = m[1]; first == "" {
			first = path
		}
		require.Contains(t, path, "direction=incoming")
		a.had(user(0), engine.Call{}) // calls that end meanwhile disturb nothing
	}
	require.Equal(t, want, got)

	cursor, err := url.Parse(first)
	require.NoError(t, err)
	after := "?after=" + url.QueryEscape(cursor.Query().Get("after"))
	require.Equal(t, 200, a.get("/apps/"+appID+"/call-history"+after).StatusCode)
	a.request("GET", "/apps/"+otherApp+"/call-history"+after, "", "Authorization", "Bearer "+a.otherKey).
		wantProblem(t, 422, "invalid_field") // a cursor is its app's
}

func TestBadQueriesOfCallHistory(t *testing.T) {
	a := newArchive(t)
	for query, field := range map[string]string{
		"limit=0": "limit", "limit=x": "limit", "limit=": "limit", "direction=sideways": "direction", "direction=": "direction",
		"answered=1": "answered", "answered=": "answered", "cause=none": "cause", "cause=": "cause", "from=-1": "from", "from=now": "from",
		"to=1e3": "to", "to=0": "to", "from=5&to=5": "to", "to=99999999999999999999": "to",
		"after=": "after", "after=x": "after", "after=AAAAAAAAAAAAAAAAAAAAAA.0": "after",
	} {
		got := a.get("/apps/" + appID + "/call-history?" + query)
		got.wantProblem(t, 422, "invalid_field")
		require.Contains(t, got.body, `"field":"`+field+`"`, query)
	}
	for _, id := range []string{"nobody", user(2), ""} { // somebody else's looks like nobody
		a.get("/apps/"+appID+"/call-history?subscriber_id="+url.QueryEscape(id)).wantProblem(t, 404, "not_found")
	}
	a.get("/apps/"+otherApp+"/call-history").wantProblem(t, 404, "not_found")
	require.Equal(t, 200, a.request("GET", "/apps/"+appID+"/call-history", "", "Authorization", "Bearer "+a.readKey).StatusCode)
}

func TestATimelineInWords(t *testing.T) {
	a := newArchive(t)
	call := a.had(user(1), engine.Call{AnsweredAt: 1})
	sub := a.subs[user(1)]
	event := storetest.Told(appID, sub, 3)
	event.Call = call
	of := func(k engine.TraceKind, t engine.Trace) engine.Trace { t.Call, t.Kind = call, k; return t }
	begin := a.clock.Load()
	storetest.Put(t, a.store, []engine.Record{{Kind: engine.RecordTrace, Subscriber: sub, Traces: []engine.Trace{
		of(engine.TraceCommand, engine.Trace{App: appID, Verb: engine.VerbHold}),
		of(engine.TraceAsked, engine.Trace{Verb: engine.VerbHold}),
		of(engine.TraceOutcome, engine.Trace{Verb: engine.VerbHold, Outcome: engine.OutcomeAccepted}),
		of(engine.TraceFact, engine.Trace{Event: engine.EventHeld, Status: engine.StatusHeld, Number: 12}),
		of(engine.TraceMove, engine.Trace{From: engine.StateActive, To: engine.StateHeld, On: engine.OnHeld}),
		of(engine.TraceTold, engine.Trace{App: appID, Number: 3}),
		of(engine.TraceTold, engine.Trace{App: otherApp, Number: 9}),
		of(engine.TraceReply, engine.Trace{App: appID, Verb: engine.VerbHold}),
		of(engine.TraceReply, engine.Trace{App: appID, Verb: engine.VerbEnd, Code: engine.CodeWrongState}),
	}}}, []engine.Notification{event})
	a.store.Attempt(engine.Attempt{Stream: event.Stream(), Sequence: 3, Number: 1, At: begin + 7, Took: 20, Error: `"bad"`})
	a.store.Attempt(engine.Attempt{Stream: event.Stream(), Sequence: 3, Number: 2, At: begin + 50, Took: 4, Status: 204})
	path := "/calls/" + call.String() + "/timeline"
	at := fmt.Sprintf(`{"at":%d,"kind":`, begin)
	want := "[" + strings.Join([]string{
		at + `"command","verb":"hold"}`,
		at + `"asked","verb":"hold"}`,
		at + `"outcome","verb":"hold","outcome":"accepted"}`,
		at + `"fact","event":"held","status":"held","synthetic":false,"provider_sequence":12}`,
		at + `"transition","from":"active","to":"held","on":"held","synthetic":false}`,
		at + `"event","sequence_number":"3","event_id":"evt_3"}`,
		at + `"reply","verb":"hold","code":""}`,
		at + `"reply","verb":"end","code":"wrong_state"}`,
		fmt.Sprintf(`{"at":%d,"kind":"attempt","webhook":"calls","sequence_number":"3","attempt":1,"status":0,"duration_ms":20,"outcome":"failed","error":"\"bad\"","redelivery":false}`, begin+7),
		fmt.Sprintf(`{"at":%d,"kind":"attempt","webhook":"calls","sequence_number":"3","attempt":2,"status":204,"duration_ms":4,"outcome":"delivered","error":"","redelivery":false}`, begin+50),
	}, ",") + "]"
	got := a.get("/apps/" + appID + path)
	require.Equal(t, 200, got.StatusCode)
	require.Equal(t, want, got.body)
	require.Empty(t, got.Header.Get("Timeline-Partial"))

	theirs := a.request("GET", "/apps/"+otherApp+path, "", "Authorization", "Bearer "+a.otherKey)
	require.Equal(t, 200, theirs.StatusCode)
	require.Contains(t, theirs.body, `"kind":"event","sequence_number":"9","event_id":""}`)
	require.NotContains(t, theirs.body, `"command"`)
	require.NotContains(t, theirs.body, `"reply"`)
	require.NotContains(t, theirs.body, `"attempt"`)

	foreign := a.had(user(2), engine.Call{})
	for _, id := range []string{foreign.String(), "callhalf-1:0", "call", "callhalf-0:0"} {
		a.get("/apps/"+appID+"/calls/"+id+"/timeline").wantProblem(t, 404, "not_found")
	}
}
