package oci

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A number of a table is digits behind a plus, or there is none.
func FuzzNumber(f *testing.F) {
	for _, n := range []string{"+1-2015550100", "2015550101", "1 (201) 555.0101", "", "+", "0044", "+39-0612345", "1001", "１２３４５６７", "++1"} {
		f.Add(n, "1", "1")
		f.Add(n, "39", "")
		f.Add(n, "", "44")
	}
	f.Fuzz(func(t *testing.T, number, country, home string) {
		if strings.Trim(home, "0123456789") != "" {
			return // a setting, checked elsewhere
		}
		if got, ok := e164(number, country, home); ok {
			digits, plus := strings.CutPrefix(got, "+")
			require.True(t, plus)
			require.NotEmpty(t, digits)
			require.Empty(t, strings.Trim(digits, "0123456789"))
			require.LessOrEqual(t, len(digits), 15)
		}
		require.LessOrEqual(t, len(department(number)), len(number))
	})
}
