package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
)

// Whatever writes a row is run: one that is left out would not be missed in the
// table.
func TestEveryAttackIsAStep(t *testing.T) {
	all, err := report.Attackers("../..")
	require.NoError(t, err)
	require.Greater(t, len(all), 25)
	for _, a := range all {
		require.True(t, runs("./"+a.Package, a.Test), "%s in %s is in no step", a.Test, a.Package)
	}
}

// runs reports whether a step has a test of a package.
func runs(pkg, test string) bool {
	for _, s := range steps {
		chosen := true
		for i, arg := range s.args {
			below, all := strings.CutSuffix(arg, "/...")
			switch {
			case arg == "-run":
				chosen = regexp.MustCompile(s.args[i+1]).MatchString(test)
			case chosen && (arg == pkg || all && (pkg == below || strings.HasPrefix(pkg, below+"/"))):
				return true
			}
		}
	}
	return false
}
