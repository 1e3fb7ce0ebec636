package store

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was sealed opens in its own place; one changed byte, or another row, and
// it does not.
func FuzzSealed(f *testing.F) {
	f.Add([]byte("row"), []byte("a record"), uint(3), []byte{sealed1, 0, 0})
	f.Add([]byte(""), []byte(""), uint(0), []byte(nil))
	f.Add([]byte("row"), bytes.Repeat([]byte("x"), 500), uint(40), bytes.Repeat([]byte{sealed1}, 60))
	s, err := newSealer([][]byte{sealingKey(1)})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, row, record []byte, at uint, rubbish []byte) {
		stored := s.seal(row, record)
		back, err := s.open(row, stored)
		require.NoError(t, err)
		require.True(t, bytes.Equal(record, back))
		_, err = s.open(append(bytes.Clone(row), 'x'), stored)
		require.Error(t, err, "in another's place")
		changed := bytes.Clone(stored)
		i := 1 + int(at%uint(len(changed)-1)) // #nosec G115 -- an index
		changed[i] ^= 1
		_, err = s.open(row, changed)
		require.Error(t, err, "changed")
		if opened, err := s.open(row, rubbish); err == nil {
			require.Equal(t, rubbish, opened, "only what was never sealed is as it is")
			require.False(t, sealed(rubbish))
		}
	})
}
