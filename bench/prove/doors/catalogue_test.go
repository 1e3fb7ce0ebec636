package doors

import (
	"slices"
	"strings"
)

// calls is what a success of each route of calls and events looks like. The
// order is that of a call's life, so that each succeeds.
var calls = []door{
	{"GET", "/apps/{app_id}/calls", "limit=1&after={call_page}", "", 200, ""},
	{"GET", "/apps/{app_id}/calls/{call_id}", "", "", 200, ""},
	{"GET", "/apps/{app_id}/subscribers", "limit=1&after={subscriber_page}", "", 200, ""},
	{"GET", "/apps/{app_id}/subscribers/{subscriber_id}", "", "", 200, ""},
	{"GET", "/apps/{app_id}/subscribers/{subscriber_id}/calls", "", "", 200, ""},
	{"GET", "/apps/{app_id}/events", "subscriber_id={subscriber_id}&after={cursor}", "", 200, ""},
	{"GET", "/apps/{app_id}/events/stream", "subscriber_id={subscriber_id}&after={cursor}", "", 200, ""},
	{"GET", "/apps/{app_id}/networks", "", "", 200, ""},
	{"GET", "/apps/{app_id}/networks/{network_id}", "", "", 200, ""},
	{"GET", "/apps/{app_id}/conferences", "limit=1", "", 200, ""},
	{"GET", "/apps/{app_id}/conferences/{conference_id}", "", "", 200, ""},
	{"GET", "/apps/{app_id}/call-history", "limit=1&subscriber_id={subscriber_id}", "", 200, ""},
	{"GET", "/apps/{app_id}/calls/{call_id}/timeline", "", "", 200, ""},
	{"GET", "/openapi.yaml", "", "", 200, ""},
	{"GET", "/reference", "", "", 200, ""},
	{"POST", "/apps/{app_id}/calls", "", placed, 201, ""},
	{"POST", "/apps/{app_id}/calls/retrieve", "", retrieved, 201, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/answer", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/dtmf", "", `{"digits":"1"}`, 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/recording/start", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/recording/pause", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/recording/resume", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/recording/stop", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/hold", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/resume", "", "", 204, ""},
	{"DELETE", "/apps/{app_id}/calls/{call_id}", "", "", 204, ""},
	{"PUT", "/apps/{app_id}/calls/{call_id}/decline", "", "", 204, "ringing"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/divert", "", `{"remote_number":"+15129104114"}`, 204, "ringing"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/transfer", "", `{"remote_number":"+15129104114"}`, 204, "active"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/mute-transfer", "", `{"remote_number":"+15129104114"}`, 204, "active"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/park", "", `{"extension":"70001"}`, 204, "active"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/consult-transfer", "", `{"with_call_id":"{other_call_id}"}`, 204, "two"},
	{"PUT", "/apps/{app_id}/calls/{call_id}/reconnect", "", "", 204, "two"},
	{"POST", "/apps/{app_id}/conferences", "", `{"call_ids":["{call_id}","{other_call_id}"]}`, 201, "two"},
	{"PUT", "/apps/{app_id}/conferences/{conference_id}/participants/{call_id}/mute", "", "", 204, "participant"},
	{"PUT", "/apps/{app_id}/conferences/{conference_id}/participants/{call_id}/unmute", "", "", 204, "participant"},
	{"PUT", "/apps/{app_id}/conferences/{conference_id}/participants/{call_id}/deaf", "", "", 204, "participant"},
	{"PUT", "/apps/{app_id}/conferences/{conference_id}/participants/{call_id}/undeaf", "", "", 204, "participant"},
	{"DELETE", "/apps/{app_id}/conferences/{conference_id}", "", "", 204, ""},
}

// webhooks is the same for those of hookapi, behind the app's path.
var webhooks = []door{
	{"GET", "/webhooks", "", "", 200, ""},
	{"GET", "/webhooks/{kind}", "", "", 200, ""},
	{"GET", "/webhooks/{kind}/streams", "limit=1", "", 200, ""},
	{"GET", "/webhooks/{kind}/attempts", "subscriber_id={subscriber_id}&limit=1", "", 200, ""},
	{"GET", "/webhooks/{kind}/redeliveries", "", "", 200, ""},
	{"GET", "/webhooks/{kind}/redeliveries/{task_id}", "", "", 200, ""},
	{"PATCH", "/webhooks/{kind}", "", `{"batch":false}`, 200, ""},
	{"PUT", "/webhooks/{kind}/test", "", "", 200, ""},
	{"PUT", "/webhooks/{kind}/redeliver", "", `{"subscriber_id":"{subscriber_id}","sequence_number":"1"}`, 200, ""},
	{"POST", "/webhooks/{kind}/redeliveries", "", `{"subscriber_id":"{subscriber_id}","from_sequence":"1","to_sequence":"1"}`, 202, ""},
	{"DELETE", "/webhooks/{kind}/redeliveries/{task_id}", "", "", 204, ""},
	{"PUT", "/webhooks/{kind}/streams/{subscriber_id}/pause", "", "", 204, ""},
	{"PUT", "/webhooks/{kind}/streams/{subscriber_id}/resume", "", "", 204, ""},
	{"PUT", "/webhooks/{kind}/pause", "", "", 204, ""},
	{"PUT", "/webhooks/{kind}/resume", "", "", 204, ""},
	{"PUT", "/webhooks/{kind}/rotate-secret", "", `{"overlap_seconds":60}`, 200, ""},
	{"PUT", "/webhooks/{kind}/rotate-signing-key", "", `{"overlap_seconds":60}`, 200, ""},
	{"PUT", "/webhooks/{kind}", "", `{"url":"http://127.0.0.1:9/"}`, 200, ""},
	{"DELETE", "/webhooks/{kind}", "", "", 204, ""},
}

// operator is the same for the admin listener's own. What needs a platform that
// was not asked for here succeeds in being told so: 409 and 404 by the handler.
var operator = []door{
	{"GET", "/healthz", "", "", 200, ""},
	{"GET", "/readyz", "", "", 200, ""},
	{"GET", "/metrics", "", "", 200, ""},
	{"GET", "/openapi.yaml", "", "", 200, ""},
	{"GET", "/reference", "", "", 200, ""},
	{"GET", "/console", "", "", 200, ""},
	{"GET", "/console/{file:*}", "", "", 200, ""},
	{"GET", "/admin/about", "", "", 200, ""},
	{"GET", "/admin/calls", "", "", 200, ""},
	{"GET", "/admin/calls/stream", "", "", 200, ""},
	{"GET", "/", "", "", 308, ""},
	{"GET", "/console/", "", "", 308, ""},
	{"GET", "/admin/simulator/calls", "", "", 200, ""},
	{"POST", "/admin/simulator/calls", "", `{"subscriber_id":"carol@demo.example","remote_number":"+442079460001"}`, 201, ""},
	{"POST", "/admin/simulator/calls/{call_id}/{verb}", "", "", 404, ""},
	{"GET", "/admin/simulator/parked", "", "", 200, ""},
	{"DELETE", "/admin/simulator/parked/{extension}", "", "", 404, ""},
	{"GET", "/admin/simulator/phones", "", "", 200, ""},
	{"GET", "/admin/simulator/phones/{subscriber_id}", "", "", 200, ""},
	{"PUT", "/admin/simulator/phones/{subscriber_id}", "", `{}`, 200, ""},
	{"GET", "/admin/simulator/faults", "", "", 200, ""},
	{"POST", "/admin/simulator/faults", "", `{"kind":"overload","duration_ms":1}`, 201, ""},
	{"DELETE", "/admin/simulator/faults", "", "", 204, ""},
	{"DELETE", "/admin/simulator/faults/{fault_id}", "", "", 404, ""},
	{"GET", "/admin/simulator/people", "", "", 200, ""},
	{"POST", "/admin/simulator/people", "", `{"subscriber_id":"zoe@demo.example","first_name":"Zoe","last_name":"Zimmer","enterprise":"tenant-2","group":"north"}`, 201, ""},
	{"GET", "/admin/simulator/people/{subscriber_id}", "", "", 200, ""},
	{"PATCH", "/admin/simulator/people/{subscriber_id}", "", `{"last_name":"Zeller"}`, 200, ""},
	{"GET", "/admin/simulator/enterprises", "", "", 200, ""},
	{"DELETE", "/admin/simulator/enterprises/{enterprise}/groups/{group}", "", "", 204, ""},
	{"DELETE", "/admin/simulator/enterprises/{enterprise}", "", "", 204, ""},
	{"GET", "/admin/simulator/stats", "", "", 200, ""},
	{"GET", "/debug/pprof/{profile:*}", "", "", 200, ""},
	{"POST", "/debug/pprof/{profile:*}", "", "", 200, ""},
	{"GET", "/admin/log", "", "", 200, ""},
	{"PUT", "/admin/log", "", `{"level":"info"}`, 200, ""},
	{"GET", "/admin/apps", "", "", 200, ""},
	{"GET", "/admin/apps/{app_id}", "", "", 200, ""},
	{"GET", "/admin/networks", "", "", 200, ""},
	{"GET", "/admin/networks/{network_id}", "", "", 200, ""},
	{"GET", "/admin/subscribers", "", "", 200, ""},
	{"GET", "/admin/subscribers/{subscriber_id}", "", "", 200, ""},
	{"POST", "/admin/apps", "", `{"name":"one more"}`, 201, ""},
	{"PATCH", "/admin/apps/{app_id}", "", `{"name":"another name"}`, 200, ""},
	{"POST", "/admin/apps/{app_id}/keys", "", `{}`, 201, ""},
	{"DELETE", "/admin/apps/{app_id}/keys/{key_id}", "", "", 204, ""},
	{"DELETE", "/admin/apps/{app_id}/subscribers/{subscriber_id}", "", "", 204, ""},
	{"PUT", "/admin/apps/{app_id}/subscribers/{subscriber_id}", "", "", 204, ""},
	{"POST", "/admin/networks", "", `{"provider":"broadworks","broadworks":{"xsps":["http://127.0.0.1:1"],"username":"a@example.com","password":"p"}}`, 201, ""},
	{"PATCH", "/admin/networks/{network_id}", "", `{}`, 200, ""},
	{"POST", "/admin/networks/{network_id}/contact/rotate", "", "", 409, ""},
	{"PUT", "/admin/networks/{network_id}/provisioning/confirm", "", "", 404, ""},
	{"POST", "/admin/subscribers", "", "\n", 200, ""},
	{"PUT", "/admin/subscribers/{subscriber_id}", "", `{"subscriber_number":"{subscriber_number}","network_id":"{network_id}"}`, 200, ""},
	{"DELETE", "/admin/subscribers/{subscriber_id}", "", "", 204, ""},
	{"DELETE", "/admin/apps/{app_id}", "", "", 204, ""},
	{"DELETE", "/admin/networks/{network_id}", "", "", 409, ""},
	{"DELETE", "/admin/simulator/people/{subscriber_id}", "", "", 204, ""},
}

// under puts the webhooks below an app's path on one of the listeners. What
// they do not need, nobody may refuse them for.
func under(base string) (all []door) {
	for _, d := range webhooks {
		d.path = base + d.path
		all = append(all, d)
	}
	return all
}

func public() []door { return append(append([]door{}, calls...), under("/apps/{app_id}")...) }

// asApp is what an operator may do in an app's place: the app's own doors, on
// the other listener.
func asApp() (all []door) {
	for _, d := range calls {
		if strings.HasPrefix(d.path, "/apps/{app_id}/") && !strings.HasSuffix(d.path, "/stream") {
			d.path = "/admin" + d.path
			all = append(all, d)
		}
	}
	return all
}

// admin has those that end things last.
func admin() []door {
	i := 0
	for i < len(operator) && !strings.HasPrefix(operator[i].route(), "POST /admin/apps") {
		i++
	}
	return slices.Concat(operator[:i], asApp(), under("/admin/apps/{app_id}"), operator[i:])
}
