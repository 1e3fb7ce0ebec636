package tenant

import "offhook/engine"

// SubscriberInfo is a provisioned subscriber and the apps that may follow it.
type SubscriberInfo struct {
	Profile engine.Profile
	Apps    []string // ids of the linked apps

	// Provider is how the subscriber stands at its provider right now; nil
	// where nobody looked. It is not stored.
	Provider *ProviderStatus
}

// ProviderStatus is a subscriber's condition at its provider.
type ProviderStatus struct {
	State   string // not_followed, pending, subscribed; or a refusal: unknown_user, over_quota, not_allowed, refused
	Detail  string // for people; free of secrets and personal data
	Since   int64  // of a refusal, ms since the epoch
	RetryAt int64  // when the provider is asked again, ms since the epoch; 0 for at the next occasion
}
