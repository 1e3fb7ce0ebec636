package doors

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

// secretive are names of what somebody might be after.
var secretive = regexp.MustCompile(`(?i)(token|secrets?|keys?|digest|hash|signatures?|mac|sum|password|credentials?|nonce|check)$`)

// plainly compared, and why that gives nothing away. Whatever else is called
// like a secret and compared by ==, bytes.Equal and the like fails the test.
var plainly = map[string]string{
	"engine/actor/packed.go: p.ID == e.key":                                                   "a subscriber's id against itself, folded, to have it in memory once",
	"engine/actor/batch.go: w.token == token":                                                 "the number by which an owner knows who waits for an answer; it never leaves the process",
	"cmd/offhook/configfiles.go: is.sum != was.sum":                                           "hashes of the operator's own files, against each other",
	"cmd/offhook/logids.go: switch a.Key":                                                     "the name of what a log line tells, sub or user",
	"cmd/offhook/remoteapp.go: k.KeyID == c.Key":                                              "a key's id, which is no secret, on the operator's own command line",
	"cmd/offhook/version.go: switch s.Key":                                                    "what the Go tool says of how the program was built",
	"provider/simulator/xsp.go: why == RefusedCredentials":                                    "the simulator's word for a refusal",
	"transport/hookapi/secrets.go: slices.Contains(r.Secrets, secret)":                        "an app's secrets and the one it sets itself, with control of its webhook",
	"transport/webhook/receiver/judge.go: was.digest != ev.digest":                            "the test receiver's own memory of bodies",
	"engine/originate.go: in.Key == o.Key":                                                    "an idempotency key, looked for among the app's own",
	"engine/originate.go: in.BodyHash != cmd.Originate.BodyHash":                              "the hash of a body that the caller sent himself",
	"transport/httpapi/web/repeats.go: have.Hash != ask.Hash":                                 "the hash of a request that the caller sent himself",
	"transport/httpapi/web/repeats.go: have.hash != ask.Hash":                                 "the hash of a request that the caller sent himself",
	"engine/tenant/key.go: sum62(body) != sum":                                                "a CRC that anybody can compute, against typing errors",
	"store/witness.go: sum.Sum32() != p.sum":                                                  "a CRC of our own files, against damage",
	"store/witness.go: binary.BigEndian.Uint32(b[at:]) != crc32.Checksum(b[:at], castagnoli)": "a CRC of our own file, against damage",
	"transport/webhook/receiver/judge.go: was.digest == ev.digest":                            "the test receiver's own memory of bodies",
	"transport/hookapi/secrets.go: old.Secret == secret":                                      "an app's old secrets and the one it has just set itself, with control of its webhook",
	"transport/webhook/endpoint.go: a.SigningKey == b.SigningKey":                             "our own record of before and of now",
	"transport/webhook/endpoint.go: slices.Equal(a.Secrets, b.Secrets)":                       "our own record of before and of now",
	"transport/webhook/endpoint.go: slices.Equal(a.RetiredKeys, b.RetiredKeys)":               "our own record of before and of now",
}

// tellers are functions that take longer the more of two things is the same.
var tellers = map[string]bool{
	"bytes.Equal": true, "bytes.EqualFold": true, "bytes.Compare": true, "bytes.HasPrefix": true, "strings.EqualFold": true, "strings.Compare": true,
	"slices.Equal": true, "slices.Compare": true, "slices.Contains": true, "slices.Index": true, "reflect.DeepEqual": true, "maps.Equal": true,
}

// Nothing that is called like a secret is compared in a way that takes longer the
// more of it is right.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	row := report.Attack(t, report.Secrets, "every comparison in the source, for one of a secret that is not in constant time", "comparisons")
	root := filepath.Join("..", "..", "..")
	used := map[string]bool{}
	looked, subtle := 0, 0
	for _, dir := range []string{"cmd", "engine", "provider", "store", "transport"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				sides, text := compared(n)
				if sides == nil {
					return true
				}
				looked++
				if strings.HasPrefix(text, "subtle.") || strings.HasPrefix(text, "hmac.") {
					subtle++
					return true
				}
				if !isSecret(sides) {
					return true
				}
				place := filepath.ToSlash(name) + ": " + text
				if plainly[place] == "" {
					t.Errorf("%s: compare it with crypto/subtle, or say in compare_test.go why it need not be", place)
				}
				used[place] = true
				return true
			})
			return nil
		}))
	}
	for place := range plainly {
		require.True(t, used[place], "%s is not compared any more", place)
	}
	require.GreaterOrEqual(t, subtle, 5, "the token, API keys, contact paths, webhook signatures, cursors")
	row.Add(looked)
	row.Note("%d in constant time, %d excused with a reason", subtle, len(plainly))
}

// compared are the sides of a comparison, and how it reads; nil for anything else.
func compared(n ast.Node) (sides []ast.Expr, text string) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return []ast.Expr{n.X, n.Y}, types.ExprString(n)
		}
	case *ast.CallExpr:
		f := types.ExprString(n.Fun)
		if tellers[f] || strings.HasPrefix(f, "subtle.") || f == "hmac.Equal" {
			return n.Args, types.ExprString(n)
		}
	case *ast.SwitchStmt:
		if n.Tag != nil && isSecret([]ast.Expr{n.Tag}) {
			return []ast.Expr{n.Tag, n.Tag}, "switch " + types.ExprString(n.Tag)
		}
	}
	return nil, ""
}

// isSecret: one side is called like a secret, and none is something that
// everybody knows, such as nil, a literal, a constant's name or a length.
func isSecret(sides []ast.Expr) (secret bool) {
	for _, side := range sides {
		name, known := called(side)
		if known {
			return false
		}
		secret = secret || secretive.MatchString(name)
	}
	return secret
}

func called(e ast.Expr) (name string, known bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return "", true
	case *ast.Ident:
		return e.Name, e.Name == "nil" || e.Name == "true" || e.Name == "false"
	case *ast.SelectorExpr:
		return e.Sel.Name, false
	case *ast.IndexExpr:
		return called(e.X)
	case *ast.SliceExpr:
		return called(e.X)
	case *ast.StarExpr:
		return called(e.X)
	case *ast.UnaryExpr:
		return called(e.X)
	case *ast.ParenExpr:
		return called(e.X)
	case *ast.CallExpr:
		f := types.ExprString(e.Fun)
		if f == "len" || f == "cap" {
			return "", true
		}
		if len(e.Args) == 1 && (f == "string" || strings.HasPrefix(f, "[]") || strings.HasPrefix(f, "[")) { // a conversion
			return called(e.Args[0])
		}
		name, _ := called(e.Fun)
		return name, false
	}
	return "", false
}
