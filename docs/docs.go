// Package docs holds the descriptions of both APIs as programs read them
// (OpenAPI 3.1), so that each listener can hand out its own.
package docs

import _ "embed"

// OpenAPI describes the public listener, and what is sent to webhooks.
//
//go:embed openapi.yaml
var OpenAPI string

// AdminOpenAPI describes the admin listener. What both listeners have, and what
// the operator may do in an app's place, is written once, in openapi.yaml, and
// copied: go test ./docs -update.
//
//go:embed admin-openapi.yaml
var AdminOpenAPI string
