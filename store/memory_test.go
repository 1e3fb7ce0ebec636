package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

func TestAProviderRemembers(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	m, other := s.Memory("net"), s.Memory("net2")
	value := []byte("subscription 1")
	require.NoError(t, m.Put("user b", value))
	copy(value, "XXXX")
	require.NoError(t, m.Put("user a", []byte{}))
	require.NoError(t, m.Put("user c", []byte("gone")))
	require.NoError(t, m.Delete("user c"))
	require.NoError(t, m.Delete("never there"))
	require.NoError(t, other.Put("user b", []byte("another network's")))
	for range 2 {
		got, err := s.Memory("net").Get("user b")
		require.NoError(t, err)
		require.Equal(t, "subscription 1", string(got))
		got, err = s.Memory("net").Get("user c")
		require.NoError(t, err)
		require.Nil(t, got)
		got, err = s.Memory("net").Get("user a")
		require.NoError(t, err)
		require.NotNil(t, got, "remembered, with nothing in it")
		var targets []string
		require.NoError(t, s.Memory("net").Each(func(target string, _ []byte) error {
			targets = append(targets, target)
			return nil
		}))
		require.Equal(t, []string{"user a", "user b"}, targets)
		stop := errors.New("enough")
		require.ErrorIs(t, s.Memory("net").Each(func(string, []byte) error { return stop }), stop)
		require.NoError(t, s.Close())
		s = openIn(t, fs)
	}
	require.NoError(t, s.Close())
	_, err := s.Memory("net").Get("user b")
	require.ErrorIs(t, err, ErrClosed)
}
