package httpapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// An app sees the networks its subscribers are on, and what those can do.
func TestNetworksOfAnApp(t *testing.T) {
	platforms := fakePlatforms{
		"full":  {Verbs: ^engine.VerbSet(0)},
		"plain": {Verbs: engine.Verbs(engine.VerbHold, engine.VerbOriginate, engine.VerbSnapshot)},
	}
	h := newHouse(t, func(c *Config) { c.Platforms = platforms })
	for _, id := range []string{"full", "plain", "foreign"} {
		h.tenants.networks[id] = &tenant.Network{ID: id, Provider: "broadworks"}
	}
	link := func(id, network string, apps ...string) {
		p := engine.Profile{ID: id, Number: "+15125550100", Network: network}
		h.tenants.subscribers = append(h.tenants.subscribers, &tenant.SubscriberInfo{Profile: p, Apps: apps})
	}
	link("a", "full", appID)
	link("b", "full", appID, otherApp)
	link("c", "plain", appID)
	link("d", "foreign", otherApp)
	link("e", "gone", appID) // its network is no longer configured

	const all = `["originate","answer","hold","resume","end","decline","divert","divert_to_voicemail","transfer","mute_transfer","consult_transfer",` +
		`"reconnect","park","group_park","retrieve","dtmf","recording_start","recording_pause","recording_resume","recording_stop",` +
		`"conference","mute","unmute","deaf","undeaf","end_conference"]`
	const full = `{"network_id":"full","provider":"broadworks","capabilities":` + all + `}`
	const plain = `{"network_id":"plain","provider":"broadworks","capabilities":["originate","hold"]}`
	// Tommy's is one that nobody runs.
	const tommys = `{"network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110","provider":"broadworks","capabilities":["originate","answer","hold","resume","end"]}`
	require.Equal(t, "["+tommys+","+full+","+plain+"]", h.get("/apps/"+appID+"/networks").body)
	require.Equal(t, full, h.get("/apps/"+appID+"/networks/full").body)
	require.Equal(t, plain, h.get("/apps/"+appID+"/networks/plain").body)

	missing := h.get("/apps/" + appID + "/networks/nowhere")
	missing.wantProblem(t, 404, "not_found")
	for _, id := range []string{"foreign", "gone", "FULL", "ful"} {
		a := h.get("/apps/" + appID + "/networks/" + id)
		a.wantProblem(t, 404, "not_found")
		require.Equal(t, missing.body, a.body, "a network with none of the app's subscribers is like none")
	}

	// Page by page.
	var got []string
	for path := "/apps/" + appID + "/networks?limit=1"; path != ""; {
		a := h.get(path)
		require.Equal(t, 200, a.StatusCode)
		got = append(got, strings.Trim(a.body, "[]"))
		path = ""
		if link := a.Header.Get("Link"); link != "" {
			path = link[1:strings.Index(link, ">")]
		}
	}
	require.Len(t, got, 3, fmt.Sprint(got))
	h.get("/apps/"+appID+"/networks?after=junk").wantProblem(t, 422, "invalid_field")

	h.tenants.broken = fmt.Errorf("pebble: gone")
	h.get("/apps/"+appID+"/networks").wantProblem(t, 500, "internal")
	h.get("/apps/"+appID+"/networks/full").wantProblem(t, 500, "internal")
}
