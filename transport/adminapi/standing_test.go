package adminapi

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

type links map[string]tenant.LinkStatus

func (l links) Link(network string) (tenant.LinkStatus, bool) {
	at, ok := l[network]
	return at, ok
}

// lookedAt is a store whose subscribers come with how they stand.
type lookedAt struct {
	Tenants
	at *tenant.ProviderStatus
}

func (l lookedAt) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	info, ok, err := l.Tenants.Subscriber(id)
	if ok {
		seen := *info
		seen.Provider, info = l.at, &seen
	}
	return info, ok, err
}

// What the platform says of a network is seen by whoever looks at it or at all of
// them, and what it says of a subscriber by whoever looks at that one; the list
// of subscribers, which may be long, leaves it out.
func TestHowNetworksAndSubscribersStandIsShown(t *testing.T) {
	at := &tenant.ProviderStatus{State: "over_quota", Detail: "HTTP 409", Since: 1000, RetryAt: 2000}
	o := newOffice(t, func(c *Config) {
		c.Links = links{networkID: {State: "up", Detail: "xsp2: refused", Since: 1000, Channels: 1, Followed: 3, Subscribed: 2, Refused: 1}}
		c.Tenants = lookedAt{c.Tenants, at}
	})
	require.Equal(t, map[string]any{
		"state": "up", "detail": "xsp2: refused", "since": 1000.0, "channels": 1.0, "followed": 3.0, "subscribed": 2.0, "refused": 1.0,
	}, o.do("GET", "/admin/networks/"+networkID, "").json(t)["link"])
	require.NotContains(t, o.do("GET", "/admin/networks/"+fileNet, "").body, `"link"`, "it does not run")
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(o.do("GET", "/admin/networks", "").body), &all))
	for _, n := range all {
		link, running := n["link"].(map[string]any)
		require.Equal(t, n["network_id"] == networkID, running)
		require.True(t, !running || link["detail"] == "xsp2: refused", link)
	}

	require.Equal(t, 201, o.do("PUT", "/admin/subscribers/Tommy", person).StatusCode)
	require.Equal(t, map[string]any{"state": "over_quota", "detail": "HTTP 409", "since": 1000.0, "retry_at": 2000.0},
		o.do("GET", "/admin/subscribers/tommy", "").json(t)["provider_status"])
	require.NotContains(t, o.do("GET", "/admin/subscribers", "").body, "provider_status")
	*at = tenant.ProviderStatus{State: "subscribed"}
	require.Contains(t, o.do("GET", "/admin/subscribers/tommy", "").body, `"provider_status":{"state":"subscribed"}`)
}
