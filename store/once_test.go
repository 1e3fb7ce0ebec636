package store

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

var answered = engine.Once{
	App: "app", Key: "k\x00", Hash: [32]byte{1, 31: 2},
	Answer: &engine.Answer{Status: 201, Type: "application/json", Location: "/apps/app/conferences/1", Body: []byte(`{"secret":"whsec_c2VjcmV0"}`)},
}

func once(t *testing.T, s *Store, app, key string) *engine.Once {
	t.Helper()
	o, err := s.Once(app, key)
	require.NoError(t, err)
	return o
}

func TestARequestIsRememberedByItsKey(t *testing.T) {
	a := newAgeing(t)
	require.Nil(t, once(t, a.Store, "app", "k\x00"))
	claim := answered
	claim.Answer = nil
	require.NoError(t, a.PutOnce(&claim))
	claim.At = a.now.Load()
	require.Equal(t, &claim, once(t, a.Store, "app", "k\x00"))
	require.Nil(t, once(t, a.Store, "app", "k"))
	require.Nil(t, once(t, a.Store, "other", "k\x00"), "keys of another app are another's")

	a.days(0.9)
	require.NoError(t, a.PutOnce(&answered))
	want := answered
	want.At = a.now.Load()
	require.Equal(t, &want, once(t, a.Store, "app", "k\x00"))
	dropped := engine.Once{App: "app", Key: "free again"}
	require.NoError(t, a.PutOnce(&dropped))
	require.NoError(t, a.DropOnce("app", "free again"))
	require.Nil(t, once(t, a.Store, "app", "free again"))

	a.days(0.9)
	require.NoError(t, a.Sweep())
	require.NotNil(t, once(t, a.Store, "app", "k\x00"), "a day from its answer has not passed")
	a.days(0.2)
	require.NoError(t, a.Sweep())
	require.Zero(t, a.rows(prefixOnce)+a.rows(prefixAge))
}

func TestAnswersAreSealed(t *testing.T) {
	fs := vfs.NewMem()
	keys := func(all ...[]byte) func(*Options) {
		return func(o *Options) { o.Keys = func(bool) ([][]byte, error) { return all, nil } }
	}
	old, newer := bytes.Repeat([]byte{1}, SealKeyLen), bytes.Repeat([]byte{2}, SealKeyLen)
	s := openIn(t, fs, keys(old))
	require.NoError(t, s.PutOnce(&answered))
	raw := func() (value []byte) {
		_, err := s.get(pairKey(nil, prefixOnce, "app", "k\x00"), func(v []byte) error { value = bytes.Clone(v); return nil })
		require.NoError(t, err)
		return value
	}
	require.True(t, sealed(raw()))
	require.NotContains(t, string(raw()), "whsec_")
	require.NoError(t, s.Close())
	s = openIn(t, fs, keys(newer, old))
	require.NoError(t, s.Close())
	s = openIn(t, fs, keys(newer)) // the old key is gone, and not missed
	require.Equal(t, answered.Answer, once(t, s, "app", "k\x00").Answer)
	require.NoError(t, s.Sweep())
	require.NoError(t, s.Close())
}

// Whenever the power goes, what was said to be remembered is.
func TestPowerCutsForgetNoKey(t *testing.T) {
	mem := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- a test
	var stage atomic.Int64
	type cut struct {
		fs    *vfs.MemFS
		stage int64
	}
	var mu sync.Mutex
	var cuts []cut
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if stage.Load() > 0 && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			at := stage.Load()
			cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), at})
		}
		return nil
	}))
	s := openIn(t, fs)
	claim := answered
	claim.Answer = nil
	take := func() {
		mu.Lock()
		defer mu.Unlock()
		cuts = append(cuts, cut{mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}), stage.Load()})
	}
	stage.Store(1) // nothing is promised
	require.NoError(t, s.PutOnce(&claim))
	stage.Store(2) // claimed: it may be carried out
	take()
	require.NoError(t, s.PutOnce(&answered))
	stage.Store(3) // answered
	take()
	require.NoError(t, s.DropOnce("app", "k\x00"))
	stage.Store(4) // forgotten
	take()
	require.NoError(t, s.Close())
	stage.Store(0)
	seen := map[int64]int{}
	for _, c := range cuts {
		seen[c.stage]++
		again := openIn(t, c.fs)
		o := once(t, again, "app", "k\x00")
		switch c.stage {
		case 2:
			require.NotNil(t, o, "claimed, and free after a crash: it would be carried out twice")
		case 3:
			if o != nil {
				require.NotNil(t, o.Answer)
			}
		case 4:
			require.Nil(t, o)
		}
		require.NoError(t, again.Close())
	}
	require.Len(t, seen, 4)
}
