package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/transport/problem"
)

func TestFlagsAndNumbersOfABody(t *testing.T) {
	doc, err := ParseObject([]byte(`{"yes":true,"no":false,"null":null,"n":42,"neg":-7,"half":1.5,"exp":1e3,"big":99999999999999999999,"s":"42","zero":0,"o":{"b":1}}`))
	require.NoError(t, err)
	require.Equal(t, []string{"yes", "no", "null", "n", "neg", "half", "exp", "big", "s", "zero", "o"}, doc.Names())
	for name, want := range map[string]bool{"yes": true, "no": false, "null": false, "absent": false} {
		got, err := doc.Bool(name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	for name, want := range map[string]int64{"n": 42, "neg": -7, "zero": 0, "null": 5, "absent": 5} {
		got, err := doc.Whole(name, 5, -10, 42)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	for name, want := range map[string]uint64{"n": 42, "s": 42, "null": 0, "absent": 0} {
		got, err := doc.Sequence(name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	inner, err := doc.Object("o")
	require.NoError(t, err)
	_, err = inner.Bool("b")
	require.Equal(t, "o.b", problem.From(err).Field)
	for _, name := range []string{"n", "s", "o"} {
		_, err = doc.Bool(name)
		require.Equal(t, name, problem.From(err).Field)
	}
	for _, name := range []string{"yes", "half", "exp", "big", "s", "o"} {
		_, err = doc.Whole(name, 0, -10, 42)
		require.Equal(t, name, problem.From(err).Field)
	}
	_, err = doc.Whole("n", 0, 0, 41)
	require.Error(t, err)
	for _, name := range []string{"yes", "half", "exp", "big", "neg", "zero", "o"} {
		_, err = doc.Sequence(name)
		require.Equal(t, name, problem.From(err).Field)
	}
}
