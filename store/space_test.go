package store

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/clock"
	"offhook/store/storetest"
)

func TestTheSmallerOfAMarkCounts(t *testing.T) {
	for _, c := range []struct {
		mark  Mark
		total uint64
		want  uint64
	}{
		{UsualMarks.Low, 1 << 40, 1 << 30},
		{UsualMarks.Low, 1000 << 20, 100 << 20},
		{Mark{Bytes: 5}, 1 << 40, 5},
		{Mark{Share: 0.5}, 1 << 40, 1 << 39},
		{Mark{}, 1 << 40, 0},
	} {
		require.Equal(t, c.want, c.mark.Of(c.total))
	}
}

func TestASizeIsReadable(t *testing.T) {
	for n, want := range map[Size]string{0: "0 B", 1000: "1000 B", 1 << 30: "1 GiB", 3 << 19: "1.5 MiB", 1 << 60: "1048576 TiB"} {
		require.Equal(t, want, n.String())
	}
}

// volume is a disk with a filler on it.
type volume struct {
	*vfs.MemFS
	total uint64
}

func newVolume(total, free uint64) volume {
	v := volume{vfs.NewMem(), total}
	v.left(free)
	return v
}

func (v volume) left(free uint64) {
	v.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: v.total, UsedBytes: v.total - free})
}

// Below the low mark the store says that it is short, below a quarter of it
// that there is no room at all, and above the high mark that all is well. One
// line says when it begins and one when it ends, however often it is looked.
func TestTheDiskIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		v := newVolume(1000<<20, 500<<20)
		s := openIn(t, v, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&out, nil)) })
		defer func() { require.NoError(t, s.Close()) }()
		for _, step := range []struct {
			free uint64
			want actor.Room
		}{
			{500, actor.RoomEnough}, {101, actor.RoomEnough}, {99, actor.RoomShort}, {110, actor.RoomShort}, {26, actor.RoomShort},
			{24, actor.RoomNone}, {3, actor.RoomNone}, {26, actor.RoomShort}, {124, actor.RoomShort}, {126, actor.RoomEnough}, {101, actor.RoomEnough},
		} {
			v.left(step.free << 20)
			time.Sleep(spaceEvery + time.Millisecond)
			synctest.Wait()
			require.Equal(t, step.want, s.Room(), "%d MiB free", step.free)
			require.Equal(t, step.want == actor.RoomEnough, s.Shortage() == "")
		}
		require.Equal(t, 1, strings.Count(out.String(), "the disk is nearly full"), out.String())
		require.Equal(t, 1, strings.Count(out.String(), "there is room on the disk again"))
		require.Contains(t, out.String(), `low="100 MiB"`)
	})
}

// Who writes much does not have to wait for the next look.
func TestTheDiskIsLookedAtWhenMuchWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVolume(100<<20, 50<<20) // so the low mark is 10 MiB, and a step 640 KiB
		s := openIn(t, v)
		defer func() { require.NoError(t, s.Close()) }()
		v.left(9 << 20)
		sub := storetest.Subscriber("alice")
		told := storetest.Told("app", sub, 1)
		for n := uint64(1); n <= 16; n++ {
			told.Sequence, told.Body = n, bytes.Repeat([]byte("x"), 64<<10)
			storetest.Put(t, s, nil, []engine.Notification{told})
		}
		synctest.Wait()
		require.Equal(t, actor.RoomShort, s.Room(), "without a second having passed")
	})
}

// A store that is opened on a full disk knows it before anybody asks.
func TestTheFirstLookIsBeforeTheFirstQuestion(t *testing.T) {
	s := openIn(t, newVolume(100<<20, 1<<20), func(o *Options) { o.MemTable = 1 << 20 })
	defer func() { require.NoError(t, s.Close()) }()
	require.Equal(t, actor.RoomNone, s.Room())
	require.Contains(t, s.Shortage(), "1 MiB free; nothing new is taken below 10 MiB, and until there are 12.5 MiB again")
}

// Without room for what is done first it says so, instead of waiting for ever.
func TestAFullDiskIsNotOpened(t *testing.T) {
	_, err := Open("data", Options{FS: newVolume(100<<20, 1<<20-1)})
	require.ErrorIs(t, err, ErrNoRoom)
	require.ErrorContains(t, err, "1024.0 KiB are free, and 1.6 MiB are needed; make room first")
}

func TestADiskThatCannotTellIsNotWatched(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	require.Equal(t, actor.RoomEnough, s.Room())
}

// Where there is no room at all, what can wait is not written: not that events
// were delivered, nor what is old away. When there is, it is made up for.
func TestWithoutRoomWhatCanWaitDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVolume(100<<20, 50<<20)
		s := openIn(t, v, func(o *Options) { o.Clock = clock.New(func() int64 { return 100 * day }, nil) })
		defer func() { require.NoError(t, s.Close()) }()
		sub := storetest.Subscriber("alice")
		stream := storetest.Stream("app", sub)
		storetest.Put(t, s, nil, []engine.Notification{storetest.Told("app", sub, 1), storetest.Told("app", sub, 2)})
		turn := func(free uint64) {
			v.left(free)
			time.Sleep(spaceEvery + time.Millisecond)
			synctest.Wait()
		}
		waiting := func() (n int) {
			for seq := uint64(0); ; n++ {
				ev, found, err := s.Next(stream, seq)
				require.NoError(t, err)
				if !found {
					return n
				}
				seq = ev.Sequence
			}
		}
		turn(1 << 20)
		s.Delivered(stream, 1)
		time.Sleep(2 * lazyPause)
		synctest.Wait()
		require.NoError(t, s.Sweep())
		require.Equal(t, 2, waiting(), "that it was delivered is not written")
		found, err := s.Expire(stream, 0, func(at int64) bool { return at < 200*day }, 100*day, "evt_gap")
		require.NoError(t, err)
		require.False(t, found, "nothing is given up either")

		turn(5 << 20)
		time.Sleep(2 * lazyPause)
		synctest.Wait()
		require.Equal(t, 1, waiting(), "now it is")
	})
}

// Rows that were just written are on disk twice until they are in a table, so
// a small disk holds few of them.
func TestASmallDiskHasASmallMemTable(t *testing.T) {
	for total, want := range map[uint64]uint64{0: 64 << 20, 16 << 20: 1 << 20, 1 << 30: 16 << 20, 1 << 40: 64 << 20} {
		require.Equal(t, want, (&space{total: total}).memTable())
	}
}
