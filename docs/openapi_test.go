package docs

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

// What is wrong with a document, its examples included, tells nobody who reads
// it until a generator chokes on it.
func TestTheDocumentsAreOpenAPIAndTheirExamplesTrue(t *testing.T) {
	for name, text := range map[string]string{"openapi.yaml": OpenAPI, "admin-openapi.yaml": AdminOpenAPI} {
		doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
		require.NoError(t, err, name)
		require.NoError(t, doc.Validate(context.Background()), name)
		require.Equal(t, "3.1.0", doc.OpenAPI)
	}
}

func TestNoComponentIsForNothing(t *testing.T) {
	for name, text := range map[string]string{"openapi.yaml": OpenAPI, "admin-openapi.yaml": AdminOpenAPI} {
		used := refs(text)
		for block := range blocksOf(text) {
			section, _, _ := strings.Cut(block, "/")
			if slices.Contains([]string{"parameters", "headers", "responses", "schemas", "examples"}, section) {
				require.True(t, slices.Contains(used, block), "%s of %s", block, name)
			}
		}
	}
}
