package clock

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A time that time.Now gave knows two clocks, and differences of such times go by
// the one that nobody sets. Made a number it knows only the one on the wall. So
// these are all the files that make one a number, and why they may.
var walls = map[string]string{
	"engine/clock/clock.go":                  "this is where it is looked at",
	"provider/broadworks/clock.go":           "the moment of the start alone; what is due is counted from there",
	"provider/broadworks/config.go":          "Now: told to people, and to the next start",
	"provider/broadworks/provider.go":        "since when the link is as it is: told",
	"provider/provision/diff.go":             "when a pass ended, and since when the brake is on: told",
	"provider/provision/reconciler.go":       "when an error came: told",
	"transport/webhook/probe.go":             "when a test event was made: told",
	"transport/webhook/work.go":              "when an attempt began, and when the next will: told",
	"transport/webhook/sign.go":              "when a secret stops to sign: a date that a person was told; and webhook-timestamp",
	"transport/webhook/request.go":           "webhook-timestamp",
	"transport/hookapi/secrets.go":           "when a secret stops to sign",
	"transport/hookapi/signing.go":           "when a key stops to sign",
	"store/storetest/faults.go":              "when the calls of a test began and ended",
	"transport/hookapi/view.go":              "told",
	"transport/hookapi/set.go":               "when secrets stop to sign",
	"transport/adminapi/apps.go":             "when an app was made: told",
	"transport/webhook/operations/look.go":   "since when an endpoint is as it is: told",
	"transport/webhook/operations/letter.go": "told",
	"engine/tenant/key.go":                   "when a key was made: told",
	"cmd/offhook/demo.go":                    "when the app was made: told",
	"cmd/offhook/listenprint.go":             "printed",
	"cmd/offhook/remotecall.go":              "since when a person wants to see calls",
	"cmd/offhook/remotewebhook.go":           "since when a person wants events again",
	"cmd/offhook/running.go":                 "when it was started: told",
	"transport/adminapi/console.go":          "told",
	"transport/console/rows.go":              "told",
	"transport/otlp/request.go":              "told",
	"transport/httpapi/web/expiry.go":        "when a certificate is over, which its issuer wrote into it",
}

func TestWhatIsWaitedForGoesByAClockThatNobodySets(t *testing.T) {
	numbers := []string{"Unix", "UnixMilli", "UnixMicro", "UnixNano"}
	found := map[string]bool{}
	for _, dir := range []string{"engine", "store", "transport", "provider", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, e fs.DirEntry, err error) error {
			name := filepath.ToSlash(strings.TrimPrefix(path, "../../"))
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(name, "provider/simulator/") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				call, is := n.(*ast.CallExpr)
				if !is || len(call.Args) > 0 { // time.UnixMilli(ms) is the other way
					return true
				}
				if f, is := call.Fun.(*ast.SelectorExpr); is && slices.Contains(numbers, f.Sel.Name) {
					found[name] = true
				}
				return true
			})
			return nil
		})
		require.NoError(t, err)
	}
	for name := range found {
		if walls[name] == "" {
			t.Errorf("%s makes a number of a time: what is waited for by it ends early, or never, when somebody sets the clock", name)
		}
	}
	for name := range walls {
		if !found[name] {
			t.Errorf("%s makes no number of a time any more", name)
		}
	}
}
