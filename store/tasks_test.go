package store

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func TestTasksOfAnAppAreItsOwnAndOutliveARestart(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	task := func(app, id string, done uint64) *engine.ReplayTask {
		return &engine.ReplayTask{ID: id, Range: engine.ReplayRange{App: app, Kind: engine.StreamCalls}, State: engine.ReplayRunning, Done: done}
	}
	require.NoError(t, s.PutTask(task("app", "b", 1), true))
	require.NoError(t, s.PutTask(task("app", "b", 2), false))
	require.NoError(t, s.PutTask(task("app", "a", 3), true))
	require.NoError(t, s.PutTask(task("app", "gone", 4), true))
	require.NoError(t, s.PutTask(task("app2", "a", 5), true))
	require.NoError(t, s.DeleteTask("app", "gone"))
	require.NoError(t, s.DeleteTask("app", "never there"))
	for range 2 {
		got, found, err := s.Task("app", "b")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, *task("app", "b", 2), got)
		for _, nobodys := range [][2]string{{"app", "gone"}, {"ap", "pa"}, {"app2", "b"}} {
			_, found, err = s.Task(nobodys[0], nobodys[1])
			require.NoError(t, err)
			require.False(t, found)
		}
		list := func(app string) (dones []uint64) {
			require.NoError(t, s.Tasks(app, func(t engine.ReplayTask) error {
				dones = append(dones, t.Done)
				return nil
			}))
			return dones
		}
		require.Equal(t, []uint64{3, 2}, list("app"))
		require.Equal(t, []uint64{5}, list("app2"))
		require.Equal(t, []uint64{3, 2, 5}, list(""))
		stop := errors.New("enough")
		require.ErrorIs(t, s.Tasks("", func(engine.ReplayTask) error { return stop }), stop)
		require.NoError(t, s.Close())
		s = openIn(t, fs)
	}
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.PutTask(task("app", "b", 1), true), ErrClosed)
	require.ErrorIs(t, s.DeleteTask("app", "b"), ErrClosed)
	_, _, err := s.Task("app", "b")
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, s.Tasks("", nil), ErrClosed)
}

func TestADurableTaskOutlivesAPowerCut(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openIn(t, fs)
	task := &engine.ReplayTask{ID: "a", Range: engine.ReplayRange{App: "app"}, State: engine.ReplayRunning, Done: 1}
	require.NoError(t, s.PutTask(task, true))
	cut := fs.CrashClone(vfs.CrashCloneCfg{})
	require.NoError(t, s.Close())
	s = openIn(t, cut)
	got, found, err := s.Task("app", "a")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, *task, got)
	require.NoError(t, s.Close())
}
