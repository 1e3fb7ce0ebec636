package openapitest

import (
	"slices"
	"strings"
)

// The documents have what the listeners do not have yet. This is that, and it
// ends when it is there.
var (
	// comingRoutes are the ends of routes.
	comingRoutes = []string{
		"/calls/retrieve", "/decline", "/reconnect", "/divert", "/transfer", "/mute-transfer", "/consult-transfer", "/park", "/dtmf",
		"/recording/start", "/recording/pause", "/recording/resume", "/recording/stop", "/timeline", "/call-history",
		"/conferences", "/conferences/{conference_id}", "/mute", "/unmute", "/deaf", "/undeaf",
		"/apps/{app_id}/networks", "/apps/{app_id}/networks/{network_id}",
	}
	// comingMembers are required of answers one day.
	comingMembers = []string{"capabilities", "session_id", "client_ref", "without", "park_retrieve_code"}
)

func coming(route string) bool {
	_, path, _ := strings.Cut(route, " ")
	return !strings.Contains(path, "/admin/networks") &&
		slices.ContainsFunc(comingRoutes, func(end string) bool { return strings.HasSuffix(path, end) })
}

// strip requires nothing of answers that is yet to come.
func strip(root map[string]any) {
	schemas := object(object(root["components"])["schemas"])
	detail := object(schemas["CallDetail"])
	delete(detail, "if")
	delete(detail, "then")
	network := object(object(schemas["Network"])["properties"])
	for _, s := range []map[string]any{detail, object(network["broadworks"]), object(network["dialing"])} {
		if s["required"] == nil {
			continue
		}
		s["required"] = slices.DeleteFunc(list(s["required"]), func(name any) bool {
			return slices.Contains(comingMembers, name.(string))
		})
	}
}
