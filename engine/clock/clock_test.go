package clock

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// wall is a clock on a wall: it can be set, and time passes meanwhile.
type wall struct{ shows, gone int64 }

func (w *wall) pass(d time.Duration) { w.shows += d.Milliseconds(); w.gone += d.Milliseconds() }
func (w *wall) set(by time.Duration) { w.shows += by.Milliseconds() }
func (w *wall) clock() *Clock {
	return New(func() int64 { return w.shows }, func() int64 { return w.gone })
}

const (
	week   = 7 * 24 * time.Hour
	year   = 365 * 24 * time.Hour
	summer = 1_750_000_000_000
)

func TestWhoeverSetsTheClockMakesNothingOlder(t *testing.T) {
	for name, by := range map[string]time.Duration{
		"seconds ahead": 5 * time.Second, "seconds back": -5 * time.Second, "an hour ahead": time.Hour, "an hour back": -time.Hour,
		"years ahead": 10 * year, "years back": -10 * year, "to the epoch": -summer * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			w := &wall{shows: summer}
			c := w.clock()
			w.pass(time.Minute)
			call := c.Now()
			w.pass(time.Minute)
			w.set(by)
			require.Equal(t, w.shows, c.Now(), "people see what the clock shows")
			require.EqualValues(t, 60_000, c.Since(call))
			require.LessOrEqual(t, c.Cutoff(2*time.Minute), call, "it is kept")
			second := c.Now()
			w.pass(30 * time.Minute)
			require.EqualValues(t, 31*60_000, c.Since(call))
			require.EqualValues(t, 30*60_000, c.Since(second))
			require.Greater(t, c.Cutoff(29*time.Minute), second, "what is old is old after all")
			require.LessOrEqual(t, c.Cutoff(30*time.Minute), second)
		})
	}
}

// What was written before the process began is as old as the clock said then,
// and gets no older when the clock is put right.
func TestAProcessBelievesTheClockItFinds(t *testing.T) {
	w := &wall{shows: summer}
	c := w.clock()
	require.EqualValues(t, week.Milliseconds(), c.Since(summer-week.Milliseconds()))
	w.pass(time.Minute)
	w.set(year)
	require.EqualValues(t, (week + time.Minute).Milliseconds(), c.Since(summer-week.Milliseconds()))
	require.Equal(t, summer+60_000-week.Milliseconds(), c.Cutoff(week))
	require.Zero(t, c.Since(summer+10*year.Milliseconds()), "the clock never showed that")
}

// However often the clock is set: no age is ever overstated, and what is cut off
// is old.
func TestNoAgeIsOverstated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &wall{shows: summer}
		c := w.clock()
		var shown, when []int64
		often := rapid.SampledFrom([]int{0, 0, 0, maxEras}).Draw(t, "often")
		for range rapid.IntRange(1, 100).Draw(t, "times") {
			for range often / 40 {
				w.set(time.Hour)
				c.Now()
			}
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				w.set(time.Duration(rapid.SampledFrom([]int64{-1, 1}).Draw(t, "way")) * rapid.SampledFrom([]time.Duration{
					setBy * time.Millisecond, time.Minute, time.Hour, year,
				}).Draw(t, "by"))
			case 1:
				w.pass(rapid.SampledFrom([]time.Duration{time.Millisecond, 5 * time.Second, time.Minute, time.Hour, week}).Draw(t, "pass"))
			default:
				shown, when = append(shown, c.Now()), append(when, w.gone)
			}
		}
		age := rapid.SampledFrom([]time.Duration{time.Minute, time.Hour, week}).Draw(t, "age")
		cutoff := c.Cutoff(age)
		for i, at := range shown {
			if since := c.Since(at); since > w.gone-when[i]+setBy || since < 0 {
				t.Fatalf("%d ms, and it is %d ms ago", since, w.gone-when[i])
			}
			if at < cutoff && w.gone-when[i] < age.Milliseconds() {
				t.Fatalf("cut off as older than %s, and it is %d ms ago", age, w.gone-when[i])
			}
		}
	})
}

// A clock that is adjusted a little at a time is not a clock that is set; and
// the little is not lost when it has become much.
func TestAdjustmentsAddUp(t *testing.T) {
	w := &wall{shows: summer}
	c := w.clock()
	_, before := c.Look()
	for range 5 {
		w.pass(time.Hour)
		w.set(300 * time.Millisecond)
		c.Now()
	}
	_, after := c.Look()
	require.InDelta(t, 1200, after-before, 300)
}

func TestAClockThatNobodySets(t *testing.T) {
	var now int64
	c := New(func() int64 { return now }, nil)
	now = year.Milliseconds()
	require.EqualValues(t, year.Milliseconds(), c.Since(0))
	require.EqualValues(t, (year - week).Milliseconds(), c.Cutoff(week))
	require.InDelta(t, time.Now().UnixMilli(), New(nil, nil).Now(), 60_000)
	require.Less(t, New(nil, nil).Since(math.MaxInt64/2), int64(1000))
}

func TestManyLookAtOnce(t *testing.T) {
	var mu sync.Mutex
	w := &wall{shows: summer}
	read := func(of *int64) func() int64 {
		return func() int64 { mu.Lock(); defer mu.Unlock(); return *of }
	}
	c := New(read(&w.shows), read(&w.gone))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				c.Since(c.Now())
				c.Cutoff(week)
			}
		})
	}
	for i := range 40 {
		mu.Lock()
		w.set([]time.Duration{time.Hour, -time.Hour}[i%2])
		mu.Unlock()
	}
	all.Wait()
	require.Equal(t, w.shows, c.Now())
	require.LessOrEqual(t, len(c.eras), maxEras)
}
