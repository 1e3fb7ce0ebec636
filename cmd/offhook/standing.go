package main

import (
	"offhook/engine/tenant"
	"offhook/provider"
	"offhook/transport/adminapi"
)

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
