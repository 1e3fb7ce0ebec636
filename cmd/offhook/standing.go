package main

import (
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/transport/adminapi"
)

// Link implements adminapi.Links.
func (n *networks) Link(id string) (tenant.LinkStatus, bool) {
	p := n.of(id)
	if p == nil {
		return tenant.LinkStatus{}, false
	}
	at := p.Status()
	return tenant.LinkStatus{
		State: string(at.Link), Detail: at.Detail, Since: at.Since,
		Channels: at.Channels, Followed: at.Followed, Subscribed: at.Subscribed, Refused: at.Refused,
	}, true
}

// standing is what is provisioned, as operators see it: a subscriber that is
// looked at by itself comes with how it stands at its provider. Lists do not.
type standing struct {
	adminapi.Tenants
	user func(network, providerUser string) provider.UserStatus
}

// Subscriber implements adminapi.Tenants.
func (s standing) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	info, ok, err := s.Tenants.Subscriber(id)
	if err != nil || !ok {
		return info, ok, err
	}
	at := s.user(info.Profile.Network, info.Profile.ProviderUser)
	seen := *info
	seen.Provider = &tenant.ProviderStatus{State: string(at.State), Detail: at.Detail, Since: at.Since, RetryAt: at.RetryAt}
	return &seen, true, nil
}
