package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

var nextLink = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

// pages follows the links from a path and returns all items.
func (h *house) pages(path, member string) (all []string, pages int) {
	h.t.Helper()
	for path != "" {
		a := h.get(path)
		require.Equal(h.t, 200, a.StatusCode, a.body)
		var items []map[string]any
		require.NoError(h.t, json.Unmarshal([]byte(a.body), &items))
		for _, it := range items {
			all = append(all, it[member].(string))
		}
		pages++
		path = ""
		if m := nextLink.FindStringSubmatch(a.Header.Get("Link")); m != nil {
			path = m[1]
		}
	}
	return all, pages
}

func (h *house) fill(subscribers, calls int) {
	h.tenants.subscribers = nil
	for i := range subscribers {
		p := engine.Profile{ID: fmt.Sprintf("User+%05d@example.com", i), Number: "+15125550100", Network: networkID}
		h.tenants.subscribers = append(h.tenants.subscribers, &tenant.SubscriberInfo{Profile: p, Apps: []string{appID}})
	}
	var views []CallView
	for i := calls; i > 0; i-- {
		views = append(views, CallView{Profile: &tommy, Call: callOf(engine.CallID(i * 7))})
	}
	h.calls.views = map[string][]CallView{appID: views}
}

func TestListsAreWholeUnlessALimitIsGiven(t *testing.T) {
	h := newHouse(t)
	h.fill(2500, 2500) // more than is had in memory at once

	for path, member := range map[string]string{
		"/apps/" + appID + "/calls":       "call_id",
		"/apps/" + appID + "/subscribers": "subscriber_id",
		"/apps/" + appID + "/subscribers/" + "someSubscriberId@example-telco.com/calls": "call_id",
	} {
		whole, n := h.pages(path, member)
		require.Equal(t, 1, n)
		require.Len(t, whole, 2500)
		paged, n := h.pages(path+"?limit=1000", member)
		require.Equal(t, 3, n)
		require.Equal(t, whole, paged, "the same order, nothing twice, nothing missing")

		_, n = h.pages(path+"?limit=99999999", member)
		require.Equal(t, 3, n, "no page is larger than 1,000")
	}
	require.Equal(t, 200, h.request("HEAD", "/apps/"+appID+"/calls", "").StatusCode)
}

func TestTheLastPageHasNoLink(t *testing.T) {
	h := newHouse(t)
	h.fill(4, 4)
	for _, path := range []string{"/apps/" + appID + "/calls", "/apps/" + appID + "/subscribers"} {
		require.Empty(t, h.get(path+"?limit=4").Header.Get("Link"))
		require.NotEmpty(t, h.get(path+"?limit=3").Header.Get("Link"))
	}
}

// A call that ends between two pages moves nothing.
func TestPagesStandWhileCallsComeAndGo(t *testing.T) {
	h := newHouse(t)
	h.fill(0, 6)
	first := h.get("/apps/" + appID + "/calls?limit=3")
	next := nextLink.FindStringSubmatch(first.Header.Get("Link"))[1]
	h.calls.views[appID] = h.calls.views[appID][:3] // the three of the first page are over
	var rest []map[string]any
	require.NoError(t, json.Unmarshal([]byte(h.get(next).body), &rest))
	require.Len(t, rest, 3)
}

func TestBadPages(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/apps/" + appID + "/calls", "/apps/" + appID + "/subscribers"} {
		for _, q := range []string{"limit=", "limit=0", "limit=-1", "limit=many", "limit=1.5", "limit=99999999999999999999"} {
			a := h.get(path + "?" + q)
			a.wantProblem(t, 422, "invalid_field")
			require.Contains(t, a.body, `"field":"limit"`)
		}
		for _, q := range []string{"after=", "after=1", "after=%ff", "after=eHg", "limit=1&after=!"} {
			a := h.get(path + "?" + q)
			a.wantProblem(t, 422, "invalid_field")
			require.Contains(t, a.body, `"field":"after"`)
		}
	}
	// A cursor of another list is none of this one.
	h.get("/apps/"+appID+"/calls?after=MTpub2JvZHk").wantProblem(t, 422, "invalid_field")
}

// Half a list must not pass for a whole one.
func TestAListThatBreaksOff(t *testing.T) {
	h := newHouse(t)
	h.fill(2500, 0)
	h.tenants.brokenAfter = 1500
	resp, err := h.client.Do(h.newRequest("GET", "/apps/"+appID+"/subscribers"))
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err)
	require.True(t, errors.Is(err, io.ErrUnexpectedEOF), err)
}
