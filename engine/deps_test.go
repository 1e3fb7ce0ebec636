package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the engine may import: nothing that knows the time, chance, the disk,
// the network or another goroutine.
var pure = map[string]bool{
	"errors": true, "fmt": true, "math/bits": true, "slices": true, "strconv": true, "strings": true, "unicode/utf8": true,
}

func TestTheEngineIsPure(t *testing.T) {
	for name, file := range source(t) {
		for _, imp := range file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			require.NoError(t, err)
			if !pure[path] {
				t.Errorf("%s imports %q; the engine stays free of I/O so that a story replays the same every time", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s starts or awaits something; who owns a subscriber is the actor's business", name)
			}
			return true
		})
	}
}

func source(t *testing.T) map[string]*ast.File {
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	files := map[string]*ast.File{}
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		files[name], err = parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
	}
	require.NotEmpty(t, files)
	return files
}
