package adminapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

const newNetwork = `{
	"provider": "broadworks",
	"broadworks": {
		"xsps": ["https://xsp1.example.com", "https://xsp2.example.com"],
		"username": "admin@example.com", "password": "correct horse", "subscribe": "group",
		"targets": [{"service_provider": "sp", "group": "g"}, {"enterprise": "e"}],
		"without": ["recording_start", "conference"]
	},
	"dialing": {"country_code": "44", "allow": ["+44871"], "deny": ["44900"], "park_retrieve_code": "*86"}
}`

func TestANetworkFromFirstToLast(t *testing.T) {
	o := newOffice(t)
	made := o.do("POST", "/admin/networks", newNetwork)
	require.Equal(t, 201, made.StatusCode, made.body)
	id := made.json(t)["network_id"].(string)
	require.Regexp(t, uuid4, id)
	body := `{"network_id":"` + id + `","provider":"broadworks","broadworks":{"xsps":["https://xsp1.example.com","https://xsp2.example.com"],"srv":"",` +
		`"actions_path":"","events_path":"","channel_path":"","username":"admin@example.com","ca_file":"","application_id":"","subscribe":"group",` +
		`"targets":[{"service_provider":"sp","group":"g"},{"enterprise":"e"}],"without":["recording_start","conference"],"events":{"delivery":"channel"}},` +
		`"dialing":{"country_code":"44","allow":["+44871"],"deny":["44900"],"park_retrieve_code":"*86"},"read_only":false}`
	made.want(t, 201, body)
	o.do("GET", "/admin/networks/"+id, "").want(t, 200, body)
	n, _ := o.store.Network(id)
	require.Equal(t, "correct horse", n.BroadWorks.Password)

	// A change names what changes; the password stays unless it is named.
	a := o.do("PATCH", "/admin/networks/"+id, `{"broadworks":{"username":"other@example.com"},"dialing":{"deny":[]}}`)
	require.Equal(t, 200, a.StatusCode, a.body)
	was := n
	n, _ = o.store.Network(id)
	require.Equal(t, "other@example.com", n.BroadWorks.Username)
	require.Equal(t, "correct horse", n.BroadWorks.Password)
	require.Equal(t, []string{"+44871"}, n.Dialing.Allow)
	require.Empty(t, n.Dialing.Deny)
	require.Equal(t, "*86", n.Dialing.ParkRetrieveCode)
	require.Equal(t, []string{"recording_start", "conference"}, n.BroadWorks.Without)
	require.Equal(t, "admin@example.com", was.BroadWorks.Username, "what was handed out is never changed")
	o.do("PATCH", "/admin/networks/"+id, `{"broadworks":{"password":"new","without":[]},"dialing":{"park_retrieve_code":""}}`)
	n, _ = o.store.Network(id)
	require.Equal(t, "new", n.BroadWorks.Password)
	require.Empty(t, n.BroadWorks.Without)
	require.Empty(t, n.Dialing.ParkRetrieveCode)

	require.Equal(t, 204, o.do("DELETE", "/admin/networks/"+id, "").StatusCode)
	o.do("GET", "/admin/networks/"+id, "").wantProblem(t, 404, "not_found")
}

func TestPasswordsAreNeverShown(t *testing.T) {
	o := newOffice(t)
	for _, path := range []string{"/admin/networks", "/admin/networks/" + networkID, "/admin/networks/" + fileNet} {
		a := o.do("GET", path, "")
		require.Equal(t, 200, a.StatusCode)
		require.NotContains(t, a.body, "hunter")
		require.NotContains(t, a.body, "password")
	}
	list := o.do("GET", "/admin/networks?limit=1", "")
	require.Contains(t, list.body, fileNet)
	require.NotContains(t, list.body, networkID)
	require.NotEmpty(t, list.Header.Get("Link"))
}

func TestNetworksOfTheFileAreReadOnly(t *testing.T) {
	o := newOffice(t)
	require.Contains(t, o.do("GET", "/admin/networks/"+fileNet, "").body, `"read_only":true`)
	o.do("PATCH", "/admin/networks/"+fileNet, `{}`).wantProblem(t, 409, "conflict")
	o.do("DELETE", "/admin/networks/"+fileNet, "").wantProblem(t, 409, "conflict")
	o.do("POST", "/admin/networks", `{"network_id":"`+fileNet+`",`+newNetwork[1:]).wantProblem(t, 409, "conflict", "network_id")
}

func TestANetworkInUseStays(t *testing.T) {
	o := newOffice(t)
	o.store.subscribers["s"] = &tenant.SubscriberInfo{Profile: engine.Profile{ID: "s", Network: networkID}}
	o.do("DELETE", "/admin/networks/"+networkID, "").wantProblem(t, 409, "conflict")
	delete(o.store.subscribers, "s")
	require.Equal(t, 204, o.do("DELETE", "/admin/networks/"+networkID, "").StatusCode)
}

func TestNetworksThatAreRefused(t *testing.T) {
	o := newOffice(t)
	const xsps = `"xsps":["https://x.example.com"],"username":"u"`
	for body, field := range map[string]string{
		`{}`:                        "provider",
		`{"provider":"asterisk"}`:   "provider",
		`{"provider":"broadworks"}`: "broadworks.xsps",
		`{"provider":"broadworks","broadworks":[]}`:                                                   "broadworks",
		`{"provider":"broadworks","broadworks":{"xsps":"https://x"}}`:                                 "broadworks.xsps",
		`{"provider":"broadworks","broadworks":{"xsps":["x.example.com"]}}`:                           "broadworks.xsps",
		`{"provider":"broadworks","broadworks":{"xsps":["https://u:p@x.example.com"]}}`:               "broadworks.xsps",
		`{"provider":"broadworks","broadworks":{"srv":"example.com"}}`:                                "broadworks.username",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"subscribe":"all"}}`:                     "broadworks.subscribe",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"subscribe":"group"}}`:                   "broadworks.targets",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"targets":[{"group":"g"}]}}`:             "broadworks.targets",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"targets":["g"]}}`:                       "broadworks.targets",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"actions_path":"x"}}`:                    "broadworks.actions_path",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"country_code":"+1"}}`:       "dialing.country_code",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"country_code":1}}`:          "dialing.country_code",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"deny":["premium"]}}`:        "dialing.deny",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"allow":{"prefix":"44"}}}`:   "dialing.allow",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"without":"hold"}}`:                      "broadworks.without",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"without":["hold","snapshot"]}}`:         "broadworks.without",
		`{"provider":"broadworks","broadworks":{` + xsps + `,"without":["hold","hold"]}}`:             "broadworks.without",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"park_retrieve_code":"8x"}}`: "dialing.park_retrieve_code",
		`{"provider":"broadworks","broadworks":{` + xsps + `},"dialing":{"park_retrieve_code":88}}`:   "dialing.park_retrieve_code",
		`{"provider":"broadworks","network_id":5,"broadworks":{` + xsps + `},"dialing":{"allow":[]}}`: "network_id",
	} {
		o.do("POST", "/admin/networks", body).wantProblem(t, 422, "invalid_field", field)
	}
	o.do("PATCH", "/admin/networks/"+networkID, `{"network_id":"other"}`).wantProblem(t, 422, "invalid_field", "network_id")
	o.do("PATCH", "/admin/networks/"+networkID, `{"broadworks":{"xsps":[]}}`).wantProblem(t, 422, "invalid_field", "broadworks.xsps")
	o.do("PATCH", "/admin/networks/nowhere", `{}`).wantProblem(t, 404, "not_found")
	require.Len(t, o.store.networks, 2)
}
