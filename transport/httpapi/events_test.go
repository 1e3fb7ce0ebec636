package httpapi

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/transport/eventlog"
)

const eventsPath = "/apps/" + appID + "/events"

var eventsLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// pages follows the links and returns the bodies of all items.
func (h *eventHouse) pages(path string) (bodies []json.RawMessage, pages int, last answer) {
	h.t.Helper()
	for {
		a := h.get(path)
		require.Equal(h.t, 200, a.StatusCode, a.body)
		var items []json.RawMessage
		require.NoError(h.t, json.Unmarshal([]byte(a.body), &items), a.body)
		bodies = append(bodies, items...)
		pages++
		link := eventsLink.FindStringSubmatch(a.Header.Get("Link"))
		if link == nil {
			return bodies, pages, a
		}
		path = link[1]
	}
}

// The items are what the webhook is given, to the byte and in its order.
func TestTheLogHasTheBodiesOfTheWebhooks(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	require.Equal(t, "[]", h.get(eventsPath).body)
	const each = 90
	for range each {
		for i := range 3 {
			h.happens(appID, user(i), 1)
		}
		h.stored(otherApp, user(7))
	}
	bodies, pages, end := h.pages(eventsPath)
	require.Len(t, bodies, 3*each)
	require.Equal(t, 3, pages, "a hundred at a time")
	seen := map[string]uint64{}
	for _, b := range bodies {
		var n numbered
		require.NoError(t, json.Unmarshal(b, &n))
		seen[n.Subscriber]++
		require.Equal(t, seen[n.Subscriber], n.number())
		told, found, err := h.store.Event(engine.StreamOf(appID, n.Subscriber, engine.StreamCalls), n.number())
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, string(told.Body), string(b))
	}
	require.Equal(t, map[string]uint64{user(0): each, user(1): each, user(2): each}, seen)

	// What comes later is behind the last cursor.
	cursor := end.Header.Get("Events-Cursor")
	a := h.get(eventsPath + "?after=" + cursor)
	require.Equal(t, "[]", a.body)
	require.Equal(t, cursor, a.Header.Get("Events-Cursor"))
	require.Empty(t, a.Header.Get("Link"))
	h.stored(appID, user(0))
	require.Contains(t, h.get(eventsPath+"?after="+cursor).body, `"sequence_number":"91"`)
}

func TestPagesOfOneSubscriber(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	for range 20 {
		h.happens(appID, user(0), 1)
		h.stored(appID, user(1))
	}
	query := "?colour=a%3Eb&limit=3&subscriber_id=" + url.QueryEscape(strings.ToUpper(user(1)))
	bodies, pages, _ := h.pages(eventsPath + query)
	require.Len(t, bodies, 20)
	require.Equal(t, 7, pages)
	link := eventsLink.FindStringSubmatch(h.get(eventsPath + query).Header.Get("Link"))
	require.NotNil(t, link)
	u, err := url.Parse(link[1])
	require.NoError(t, err)
	require.Equal(t, eventsPath, u.Path)
	require.Equal(t, "3", u.Query().Get("limit"))
	require.Equal(t, "a>b", u.Query().Get("colour"), "what else was asked for stays")
	require.Equal(t, strings.ToUpper(user(1)), u.Query().Get("subscriber_id"))
	require.Len(t, u.Query()["after"], 1)
}

func TestTheLargestPage(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	for range 1100 {
		h.happens(appID, user(0), 1)
	}
	h.stored(appID, user(0))
	var items []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(h.get(eventsPath+"?limit=1000000").body), &items))
	require.Len(t, items, 1000)
}

func TestTheLogSaysWhatIsGone(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	h.stored(appID, user(0))
	first := h.get(eventsPath).Header.Get("Events-Cursor")
	for range 5 {
		h.stored(appID, user(0))
	}
	h.clock.Add(time.Hour.Milliseconds())
	require.NoError(t, h.store.Sweep())
	h.stored(appID, user(0))
	a := h.get(eventsPath + "?after=" + first)
	require.Equal(t, "retention", a.Header.Get("Events-Gap"))
	require.Contains(t, a.body, `"sequence_number":"7"`)
	require.NotContains(t, a.body, `"sequence_number":"6"`)
	a = h.get(eventsPath + "?after=" + a.Header.Get("Events-Cursor"))
	require.Empty(t, a.Header.Get("Events-Gap"))
	require.Empty(t, h.get(eventsPath).Header.Get("Events-Gap"), "who asks for what there is misses nothing")

	// A store that was put back to an earlier time.
	future := string(h.hub.Cursors(appID).Append(nil, 1<<40))
	require.Equal(t, "unknown", h.get(eventsPath+"?after="+future).Header.Get("Events-Gap"))
}

func TestBadInputOfTheLogAndTheStream(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	good := string(h.hub.Cursors(appID).Append(nil, 0))
	foreign := string(h.hub.Cursors(otherApp).Append(nil, 0))
	flipped := "A" + good[1:]
	if flipped == good {
		flipped = "B" + good[1:]
	}
	for name, it := range map[string]struct {
		query, code, field string
		status             int
	}{
		"no cursor":                    {"?after=", "invalid_field", "after", 422},
		"a cursor of somebody else's":  {"?after=" + foreign, "invalid_field", "after", 422},
		"a cursor that was changed":    {"?after=" + flipped, "invalid_field", "after", 422},
		"a cursor cut short":           {"?after=" + good[:20], "invalid_field", "after", 422},
		"a number":                     {"?after=17", "invalid_field", "after", 422},
		"the cursor of another list":   {"?after=MTpmb28", "invalid_field", "after", 422},
		"half an escape":               {"?after=%", "invalid_field", "after", 422},
		"unknown subscriber":           {"?subscriber_id=nobody", "not_found", "", 404},
		"subscriber of another app":    {"?subscriber_id=" + user(7), "not_found", "", 404},
		"no subscriber":                {"?subscriber_id=", "not_found", "", 404},
		"subscriber that is no text":   {"?subscriber_id=%00%ff", "not_found", "", 404},
		"a very long subscriber":       {"?subscriber_id=" + strings.Repeat("x", 1000), "not_found", "", 404},
		"cursor before the subscriber": {"?after=x&subscriber_id=" + user(7), "invalid_field", "after", 422},
	} {
		for _, path := range []string{eventsPath, eventsPath + "/stream"} {
			a := h.get(path + it.query)
			a.wantProblem(t, it.status, it.code)
			if it.field != "" {
				require.Contains(t, a.body, `"field":"`+it.field+`"`, name)
			}
		}
	}
	for _, limit := range []string{"", "0", "-1", "many", "1.5", "1e3", "99999999999999999999"} {
		a := h.get(eventsPath + "?limit=" + limit)
		a.wantProblem(t, 422, "invalid_field")
		require.Contains(t, a.body, `"field":"limit"`)
	}
	a := h.request("GET", eventsPath+"/stream", "", "Last-Event-ID", foreign)
	a.wantProblem(t, 422, "invalid_field")
	require.Contains(t, a.body, `"field":"Last-Event-ID"`)
	for _, path := range []string{eventsPath, eventsPath + "/stream"} {
		h.request("POST", path, "{}").wantProblem(t, 405, "method_not_allowed")
		h.get(path+"/").wantProblem(t, 404, "not_found")
	}
}

func TestOldHTTPGetsNoStream(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	c := h.raw()
	_, err := c.Write([]byte("GET " + eventsPath + "/stream HTTP/1.0\r\nAuthorization: Bearer " + h.key + "\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, 400, readResponse(t, c).StatusCode)
}

func TestHeadOfTheLogAndTheStream(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{PerApp: 1})
	for range 3 { // none of them takes the one place
		a := h.request("HEAD", eventsPath+"/stream", "")
		require.Equal(t, 200, a.StatusCode)
		require.Equal(t, "text/event-stream", a.Header.Get("Content-Type"))
	}
	require.Equal(t, 200, h.request("HEAD", eventsPath, "").StatusCode)
	h.stream("", "").snapshot()
}

// The two routes are guarded as all others are.
func TestTheLogIsForItsAppAlone(t *testing.T) {
	h := newEventHouse(t, eventlog.Config{})
	h.stored(otherApp, user(7))
	for _, path := range []string{"/events", "/events/stream", "/events/stream?after=x"} {
		h.request("GET", "/apps/"+appID+path, "", "Authorization", "").wantProblem(t, 401, "unauthorized")
		foreign := h.request("GET", "/apps/"+appID+path, "", "Authorization", "Bearer "+h.otherKey)
		nothing := h.request("GET", "/apps/nobody"+path, "", "Authorization", "Bearer "+h.otherKey)
		foreign.wantProblem(t, 404, "not_found")
		require.Equal(t, nothing.body, foreign.body)
		require.Equal(t, keysOf(nothing.Header), keysOf(foreign.Header))
	}
	require.Equal(t, "[]", h.request("GET", eventsPath, "", "Authorization", "Bearer "+h.readKey).body, "reading is enough")
	h.stream("", "", "Authorization", "Bearer "+h.readKey).snapshot()
}
