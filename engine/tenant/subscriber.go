package tenant

import "offhook/engine"

// SubscriberInfo is a provisioned subscriber and the apps that may follow it.
type SubscriberInfo struct {
	Profile engine.Profile
	Apps    []string // ids of the linked apps
}
