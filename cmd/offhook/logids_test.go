package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIdsInTheLogAreHashed(t *testing.T) {
	for _, format := range []string{formatText, formatJSON} {
		var out bytes.Buffer
		l := newLogs(&out, Log{Level: "info", Format: format})
		l.With("user", "2015550103@pbx.example").Info("transition", "sub", "+12015550103", "subscriber", "Ann@Example.com")
		require.NotContains(t, out.String(), "2015550103")
		require.Contains(t, out.String(), l.ids.of("2015550103@pbx.example"))
		require.Contains(t, out.String(), l.ids.of("+12015550103"))
		require.Contains(t, out.String(), l.ids.of("ann@example.COM"), "the same id in any case has one name")
		was := l.ids.of("+12015550103")
		require.NotEqual(t, was, newLogIDs().of("+12015550103"), "whoever lacks the key cannot try all numbers")
	}
}
