package busy

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

const short = 40 * time.Millisecond

func office(t *testing.T, phones int) *Office {
	t.Helper()
	o, err := Open(Config{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	require.NoError(t, o.Provision(context.Background(), 0, phones, 0, Everybody))
	require.NoError(t, o.Start(context.Background()))
	return o
}

func TestEachTransitionOfABusyPhoneIsOneEvent(t *testing.T) {
	o := office(t, 8)
	before := o.Store.Durable()
	phones := Phones(0, 8)
	r, err := o.Busy(context.Background(), phones, short)
	require.NoError(t, err)
	require.Positive(t, r.Count)
	require.Len(t, r.Took, r.Count)
	require.LessOrEqual(t, r.Count, total(phones))
	require.EqualValues(t, total(phones), o.Store.Durable()-before)

	r, err = o.Hot(context.Background(), phones[3], 32, short)
	require.NoError(t, err)
	require.Positive(t, r.Count)
	require.EqualValues(t, total(phones), o.Store.Durable()-before)
}

func TestWhatIsNotStoredIsFound(t *testing.T) {
	o := office(t, 1)
	p := NewPhone(0)
	_, err := o.Busy(context.Background(), []*Phone{p}, short)
	require.NoError(t, err)
	p.Steps++
	require.ErrorContains(t, check(o.Store, p), "are stored")
	require.ErrorContains(t, check(o.Store, NewPhone(1)), "not stored")
	require.ErrorContains(t, o.verify([]*Phone{p}, o.Store.Durable(), 0), "acknowledged")
}

func TestAPhoneGoesOnWhereItsCallIs(t *testing.T) {
	o, err := Open(Config{Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, o.Close()) }()
	require.NoError(t, o.Provision(context.Background(), 0, 3, 2, Everybody))
	require.NoError(t, o.Start(context.Background()))
	require.Len(t, o.Directory.Live(App(0)), 3)
	p := NewPhone(1)
	p.Steps = 2 // rang, was answered
	done := make(settled, 1)
	for range 3 {
		require.NoError(t, o.tell(p, done))
	}
	require.NoError(t, check(o.Store, p))
	require.Len(t, o.Directory.Live(App(0)), 2)
}

func TestATapeHasTheRowsThatTheStoreWrites(t *testing.T) {
	tape, err := Record(context.Background(), 3)
	require.NoError(t, err)
	prefixes := func(u unit) (list []string) {
		for _, r := range u {
			kind, _, _ := bytes.Cut(r.key, []byte("/"))
			list = append(list, string(kind))
		}
		return list
	}
	w := tape.Writer(1)
	require.ElementsMatch(t, []string{"sub", "live", "call", "ev", "at", "wait", "log"}, prefixes(w.next()), "it rings")
	for range Steps - 2 {
		require.ElementsMatch(t, []string{"sub", "ev", "at", "wait", "log"}, prefixes(w.next()))
	}
	require.ElementsMatch(t, []string{"sub", "live", "call", "past", "age", "ev", "at", "wait", "log"}, prefixes(w.next()), "it ends")
	whole, merged := 0, 0
	for range lapCalls * Steps {
		for _, r := range w.next() {
			if bytes.HasPrefix(r.key, []byte("sub/")) && r.merged {
				merged++
			} else if bytes.HasPrefix(r.key, []byte("sub/")) {
				whole++
			}
		}
	}
	require.Equal(t, lapCalls*Steps, whole+merged)
	require.Equal(t, lapCalls*Steps/16, whole, "now and then a record is written whole: rows do not grow without bound")
	rows, size := tape.Size()
	require.InDelta(t, 6, rows, 0.5)
	require.Greater(t, size, 800.0)
}

func TestRowsOfATapeAreNewEachTime(t *testing.T) {
	tape, err := Record(context.Background(), 2)
	require.NoError(t, err)
	seen := map[string]bool{}
	written := 0
	for n := range 5 { // more than were recorded
		w := tape.Writer(n)
		for range (tapeCalls + 3) * Steps {
			for _, r := range w.next() {
				switch r := string(r.key); {
				case bytes.HasPrefix([]byte(r), []byte("sub/")), bytes.HasPrefix([]byte(r), []byte("live/")), bytes.HasPrefix([]byte(r), []byte("call/")),
					bytes.HasPrefix([]byte(r), []byte("log/")): // written again, or behind what is there
				default:
					written++
					require.False(t, seen[r], "%q", r)
					seen[r] = true
				}
			}
		}
	}
	require.Len(t, seen, written)
}

func TestBareCommitsAreFoundAgain(t *testing.T) {
	tape, err := Record(context.Background(), 4)
	require.NoError(t, err)
	b, err := OpenBare(t.TempDir(), tape)
	require.NoError(t, err)
	defer func() { require.NoError(t, b.Close()) }()
	r, err := b.Busy(context.Background(), 8, short)
	require.NoError(t, err)
	require.Positive(t, r.Rate())
	r, err = b.One(context.Background(), short)
	require.NoError(t, err)
	require.Positive(t, r.Count)

	w := tape.Writer(0)
	w.next()
	w.next()
	require.ErrorContains(t, b.verify([]*Writer{{tape: tape, step: 1, unit: unit{{key: []byte("ev/nothing")}}}}), "found false")
}

// The floor holds a record of everybody, replaces them, and has as many bodies as
// there were transitions: rounds do not write over each other's.
func TestTheFloorHoldsWhatItAcknowledged(t *testing.T) {
	f, err := OpenFloor(t.TempDir(), 1500, 290, 300)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	counted := 0
	for range 2 {
		r, err := f.Round(context.Background(), 8, short)
		require.NoError(t, err)
		require.Positive(t, r.Rate())
		counted += r.Count
	}
	rows := func(prefix string) (n int) {
		it, err := f.db.NewIter(&pebble.IterOptions{LowerBound: []byte(prefix + "/"), UpperBound: []byte(prefix + "0")})
		require.NoError(t, err)
		for it.First(); it.Valid(); it.Next() {
			n++
		}
		require.NoError(t, it.Close())
		return n
	}
	require.Equal(t, 1500, rows("sub"))
	require.EqualValues(t, f.tape.index.Load(), rows("ev"))
	require.GreaterOrEqual(t, rows("ev"), counted)
	require.ErrorContains(t, f.holds(row{key: []byte("ev/nothing")}), "not found")
	require.ErrorContains(t, f.holds(row{key: recordKey(1), value: []byte("another")}), "not the one")
}

func TestARoundEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Closed(ctx, 2, time.Hour, func(int) func() error { return func() error { return nil } })
	require.ErrorIs(t, err, context.Canceled)
}

func TestAFailureEndsARound(t *testing.T) {
	_, err := Closed(context.Background(), 2, short, func(n int) func() error {
		return func() error {
			if n == 1 {
				return context.DeadlineExceeded
			}
			return nil
		}
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
