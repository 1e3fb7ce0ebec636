package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// However a number is written: what may be dialled is digits of a length that
// there is, means the same when it is asked for once more, and is no emergency.
func FuzzDialing(f *testing.F) {
	for _, number := range []string{
		"+15125550123", "tel:+44 (20) 7946-0123", "00442079460123", "5125550123", "1-512-555-0123", "1001", "911", "9911", "112", "+112", "0112", "118118",
		"+1 900 555 0123", "0900123456", "(911)", "９１１", "+\u00a0911", "tel:", "+", "", "00000000000", "+999999999999999", "1900", "tel:tel:+15125550123",
	} {
		for _, country := range []string{"", "1", "44", "39"} {
			f.Add(number, country)
		}
	}
	f.Fuzz(func(t *testing.T, number, country string) {
		if strings.Trim(country, "0123456789") != "" || len(country) > 3 || strings.HasPrefix(country, "0") {
			return // an operator's setting, checked elsewhere
		}
		d := &Dialing{CountryCode: country}
		dialled, refused := d.Check(number)
		if refused != nil {
			require.Empty(t, dialled)
			return
		}
		digits := strings.TrimPrefix(dialled, "+")
		require.Empty(t, strings.Trim(digits, "0123456789"), dialled)
		require.LessOrEqual(t, len(digits), maxE164)
		require.NotContains(t, []string{"000", "110", "112", "119", "911", "999", "9911", "9112", "0000"}, digits)
		again, refused := d.Check(dialled)
		require.Nil(t, refused, dialled)
		require.Equal(t, dialled, again)
		require.True(t, d.Same(number, dialled))
	})
}
