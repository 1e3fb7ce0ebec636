package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// Whose a conference is, and how it ended, is known after a restart, until it is old.
func TestConferencesAreKept(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	alice := storetest.Subscriber("alice")
	began := &engine.Conference{ID: 7 << 10, Origin: "app", ClientRef: "board", CreatedAt: 5}
	alice.Conference = began
	storetest.Put(t, s, []engine.Record{storetest.Of(alice), {Kind: engine.RecordConference, Subscriber: alice, Conference: began}}, nil)
	require.NoError(t, s.Close())

	s = openIn(t, fs)
	whose, c, err := s.Conference(began.ID)
	require.NoError(t, err)
	require.Equal(t, "alice", whose)
	require.Equal(t, began, c)
	sub, err := s.Load("alice")
	require.NoError(t, err)
	require.Equal(t, began, sub.Conference)
	_, c, err = s.Conference(8 << 10)
	require.NoError(t, err)
	require.Nil(t, c)
	whose, err = s.Owner(engine.CallID(began.ID))
	require.NoError(t, err)
	require.Empty(t, whose, "it is no call")
	require.NoError(t, s.Close())
}

func TestEndedConferencesAreForgotten(t *testing.T) {
	a := newAgeing(t)
	alice := storetest.Subscriber("alice")
	live, over := &engine.Conference{ID: 7 << 10, CreatedAt: a.now.Load()}, &engine.Conference{ID: 8 << 10, CreatedAt: a.now.Load(), ReleasedAt: a.now.Load()}
	for _, c := range []*engine.Conference{live, over} {
		storetest.Put(t, a.Store, []engine.Record{{Kind: engine.RecordConference, Subscriber: alice, Conference: c}}, nil)
	}
	a.days(6)
	require.NoError(t, a.Sweep())
	require.Equal(t, 2, a.rows(prefixConf))
	a.days(1.5)
	require.NoError(t, a.Sweep())
	require.Equal(t, 1, a.rows(prefixConf))
	_, c, err := a.Conference(live.ID)
	require.NoError(t, err)
	require.Equal(t, live, c)
}
