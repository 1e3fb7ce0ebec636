package openapitest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Routes fails if a listener has a route that the document does not, or the
// other way round. Routes are as its server lists them: "GET /path".
func (d *Document) Routes(t testing.TB, listener []string) {
	t.Helper()
	var documented []string
	for template, item := range object(d.root["paths"]) {
		for method := range object(item) {
			if slices.Contains([]string{"get", "put", "post", "patch", "delete"}, method) {
				documented = append(documented, strings.ToUpper(method)+" "+template)
			}
		}
	}
	for _, r := range listener {
		r = strings.ReplaceAll(r, ":*}", "}")
		require.True(t, slices.Contains(documented, r), "%s is answered, and is not in the document", r)
		documented = slices.DeleteFunc(documented, func(d string) bool { return d == r })
	}
	require.Empty(t, documented, "these are in the document, and nobody answers them")
}
