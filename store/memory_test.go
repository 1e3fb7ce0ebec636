package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
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

// Provisioning relies on it: who is written down before a subscriber is changed
// is there after a power cut that the change survived.
func TestWhatIsRememberedIsNotYoungerThanWhatWasSubmittedAfterIt(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openIn(t, fs)
	require.NoError(t, s.Memory("net").Put("user b", []byte("before")))
	done := storetest.NewDone()
	s.Submit(0, 0, []engine.Record{storetest.Of(storetest.Subscriber("b"))}, nil, done)
	done.Wait(t)
	cut := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, s.Close())
	s = openIn(t, cut)
	defer func() { require.NoError(t, s.Close()) }()
	got, err := s.Memory("net").Get("user b")
	require.NoError(t, err)
	require.Equal(t, "before", string(got))
}
