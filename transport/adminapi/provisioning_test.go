package adminapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

// held is a provisioning that waits for the operator.
type held struct{ waits bool }

func (h *held) Provisioning(network string) (tenant.ProvisioningStatus, bool) {
	s := tenant.ProvisioningStatus{Source: "directory", State: "ok", Entries: 50, Provisioned: 60, Added: 60, LastFull: 1000}
	if h.waits {
		s.State, s.Braked = "braked", &tenant.Brake{Missing: 40, Of: 60, Since: 2000}
	}
	return s, network == fileNet
}

func (h *held) Confirm(string) bool {
	was := h.waits
	h.waits = false
	return was
}

func TestDeletionsThatAreHeldAreShownAndConfirmed(t *testing.T) {
	h := &held{waits: true}
	o := newOffice(t, func(c *Config) { c.Provisioning = h })
	got := o.do("GET", "/admin/networks/"+fileNet, "").json(t)["provisioning"]
	require.Equal(t, map[string]any{
		"source": "directory", "state": "braked", "entries": 50.0, "subscribers": 60.0, "by_hand": 0.0, "conflicts": 0.0, "skipped": 0.0,
		"unknown_apps": []any{}, "added": 60.0, "changed": 0.0, "renamed": 0.0, "deleted": 0.0, "last_full_at": 1000.0,
		"last_error": "", "last_error_at": nil, "held": map[string]any{"missing": 40.0, "of": 60.0, "since": 2000.0},
	}, got)
	require.NotContains(t, o.do("GET", "/admin/networks/"+networkID, "").body, "provisioning", "its subscribers are provisioned by hand")

	confirm := "/admin/networks/" + fileNet + "/provisioning/confirm"
	require.Equal(t, 204, o.do("PUT", confirm, "").StatusCode)
	o.do("PUT", confirm, "").wantProblem(t, 409, "conflict")
	require.Contains(t, o.do("GET", "/admin/networks/"+fileNet, "").body, `"held":null`)
	o.do("PUT", "/admin/networks/"+networkID+"/provisioning/confirm", "").wantProblem(t, 404, "not_found")
	o.do("PUT", "/admin/networks/nowhere/provisioning/confirm", "").wantProblem(t, 404, "not_found")
	newOffice(t).do("PUT", confirm, "").wantProblem(t, 404, "not_found")
}
