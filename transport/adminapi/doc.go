// Package adminapi is the admin listener: apps and their keys and webhooks,
// networks, subscribers and who may follow them; and what an operator's tools
// read, health, metrics and profiles.
//
// It promises that keys and secrets are shown once, when they are made, and
// passwords never; that what it answered 2xx is durable; and that removing an
// app ends its streams properly before it is gone.
package adminapi
