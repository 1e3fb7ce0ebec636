package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/transport/adminapi"
)

// one is a store with one subscriber.
type one struct {
	adminapi.Tenants
	info *tenant.SubscriberInfo
}

func (o one) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	return o.info, id == o.info.Profile.ID, nil
}

func TestASubscriberIsSeenWithItsStandingAtTheProvider(t *testing.T) {
	have := one{info: &tenant.SubscriberInfo{Profile: engine.Profile{ID: "bob", Network: "n1", ProviderUser: "bob@example.com"}}}
	s := standing{have, func(network, user string) provider.UserStatus {
		require.Equal(t, []string{"n1", "bob@example.com"}, []string{network, user})
		return provider.UserStatus{State: provider.UserOverQuota, Detail: "HTTP 409", Since: 1, RetryAt: 2}
	}}
	info, ok, err := s.Subscriber("bob")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, &tenant.ProviderStatus{State: "over_quota", Detail: "HTTP 409", Since: 1, RetryAt: 2}, info.Provider)
	require.Nil(t, have.info.Provider, "what the store handed out is not changed")
	_, ok, err = s.Subscriber("nobody")
	require.NoError(t, err)
	require.False(t, ok)

	n := newNetworks(nil, nil, nil)
	require.Equal(t, provider.UserPending, n.user("gone", "bob").State)
}

// linked is a provider with a condition.
type linked struct {
	provider.Provider
	is provider.Status
}

func (l linked) Status() provider.Status { return l.is }

func TestANetworkIsSeenWithItsLink(t *testing.T) {
	n := newNetworks(nil, nil, nil)
	is := provider.Status{Link: provider.LinkDuplicate, Since: 1, Detail: "why", Channels: 2, Followed: 3, Subscribed: 4, Refused: 5}
	n.running.Store(&map[string]*network{"n1": {provider: linked{is: is}}})
	at, ok := n.Link("n1")
	require.True(t, ok)
	require.Equal(t, tenant.LinkStatus{State: "duplicate", Since: 1, Detail: "why", Channels: 2, Followed: 3, Subscribed: 4, Refused: 5}, at)
	_, ok = n.Link("gone")
	require.False(t, ok)
}
