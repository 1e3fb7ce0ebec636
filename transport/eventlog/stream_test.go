package eventlog

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/actor"
)

func TestASnapshotThenWhatHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.happens("ours", "alice") // before the snapshot, and so in it
		d.live = callsOf("alice", 2)
		c := d.listen(t, Ask{App: "ours"})
		c.wantsSnapshot(2)
		require.Equal(t, "2000", c.reader.Retry)
		d.happens("theirs", "bob")
		first := d.happens("ours", "alice")
		c.wants(first)
		go func() {
			time.Sleep(time.Second)
			d.happens("ours", "carol")
		}()
		got := c.next()
		require.Contains(t, got.Data, "carol")
	})
}

func TestGoingOnMissesNothingAndRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		var all []engine.StoredEvent
		for range 3 * readStep {
			all = append(all, d.happens("ours", "alice"))
			d.happens("theirs", "bob")
		}
		for _, behind := range []int{0, 1, readStep, len(all)} {
			ask := Ask{App: "ours", Resume: true}
			if behind > 0 {
				ask.After.Behind = all[behind-1].Index
			}
			c := d.listen(t, ask)
			for _, ev := range all[behind:] {
				c.wants(ev)
			}
			late := d.happens("ours", "alice")
			all = append(all, late)
			c.wants(late)
		}
		require.LessOrEqual(t, d.book.most, readStep, "read in steps")
	})
}

// Every reader gets every event once, whatever happens between its looking and
// its waiting.
func TestWritersAndReadersAtOnce(t *testing.T) {
	d := newDesk()
	const events = 5000
	var readers sync.WaitGroup
	for range 4 {
		c := d.listen(t, Ask{App: "ours", Resume: true})
		readers.Go(func() {
			for want := uint64(1); want <= events; want++ {
				ev, err := c.reader.Next()
				if place, ok := c.stream.cursors.Parse(ev.ID); err != nil || !ok || place.Behind != want {
					t.Errorf("event %d after %d: %v", place.Behind, want-1, err)
					return
				}
			}
		})
	}
	for range events {
		d.happens("ours", "alice")
	}
	readers.Wait()
}

func TestHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		c := d.listen(t, Ask{App: "ours"})
		c.wantsSnapshot(0)
		begin := time.Now()
		var beats []time.Duration
		c.reader.Beat = func() {
			if beats = append(beats, time.Since(begin)); len(beats) == 3 {
				d.happens("ours", "alice")
			}
		}
		c.next()
		require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second, 45 * time.Second}, beats)
		require.Equal(t, 3, c.reader.Comments)
	})
}

// A filtered reader's id moves along with what it skips: it could not go on
// behind its own last event once that is no longer kept.
func TestAHeartbeatMovesTheIDOverWhatWasSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.live = append(callsOf("Alice", 1), callsOf("bob", 2)...)
		c := d.listen(t, Ask{App: "ours", Subscriber: "ALICE"})
		c.wantsSnapshot(1)
		before := c.reader.LastID
		var last engine.StoredEvent
		for range 3 * readStep {
			last = d.happens("ours", "bob")
		}
		beats := 0
		c.reader.Beat = func() {
			switch beats++; beats {
			case 1:
				require.NotEqual(t, before, c.reader.LastID)
				place, ok := c.stream.cursors.Parse(c.reader.LastID)
				require.True(t, ok)
				require.Equal(t, Place{Behind: last.Index}, place)
				d.book.sweep(last.Index)
			case 2:
				d.happens("ours", "alice")
			}
		}
		ev := c.next()
		require.Contains(t, ev.Data, "alice")
		require.Equal(t, 2, beats)

		resumed := d.listen(t, Ask{App: "ours", Subscriber: "alice", Resume: true, After: Place{Behind: last.Index}})
		require.Equal(t, ev, resumed.next(), "no gap")
	})
}

func TestPastRetentionThereIsAGapAndASnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		for range 10 {
			d.happens("ours", "alice")
		}
		d.live = callsOf("alice", 3)
		d.book.sweep(5)
		const gap = `{"type":"gap","reason":"retention"}`
		for _, after := range []uint64{0, 4} {
			c := d.listen(t, Ask{App: "ours", Resume: true, After: Place{Behind: after}})
			ev := c.next()
			require.Equal(t, "gap", ev.Type)
			require.JSONEq(t, gap, ev.Data)
			require.Empty(t, ev.ID, "who is cut off here is told again")
			c.wantsSnapshot(3)
			c.wants(d.happens("ours", "alice"))
		}
		// Behind the last event that is gone, nothing was missed.
		c := d.listen(t, Ask{App: "ours", Resume: true, After: Place{Behind: 5}})
		require.Contains(t, c.next().Data, `"n":6,`)

		// A log that was put back to an earlier time knows nothing of later ones.
		c = d.listen(t, Ask{App: "ours", Resume: true, After: Place{Behind: 3, Lost: true}})
		require.JSONEq(t, `{"type":"gap","reason":"unknown"}`, c.next().Data)
		c.wantsSnapshot(3)
		c.wants(d.happens("ours", "alice"))
	})
}

func TestAReaderThatFallsBehindRetentionIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		c := d.listen(t, Ask{App: "ours"})
		c.wantsSnapshot(0)
		for range 2 * readStep {
			d.happens("ours", "alice")
		}
		for range readStep {
			require.Equal(t, "call.state", c.next().Type)
		}
		d.book.sweep(readStep + 10)
		require.Equal(t, "gap", c.next().Type)
		c.wantsSnapshot(0)
		c.wants(d.happens("ours", "alice"))
	})
}

func TestDrainEndsStreamsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		idle := d.listen(t, Ask{App: "ours"})
		idle.wantsSnapshot(0)
		busy := d.listen(t, Ask{App: "ours", Resume: true})
		for range 100 * readStep {
			d.happens("ours", "alice")
		}
		busy.next()
		begin := time.Now()
		go func() {
			time.Sleep(time.Second)
			d.Close()
			d.Close()
		}()
		for range 100 * readStep {
			idle.next()
		}
		idle.wantsEnd()
		require.Equal(t, time.Second, time.Since(begin))
		for range readStep - 1 { // what was read already is sent
			busy.next()
		}
		busy.wantsEnd()
		_, err := d.Open(Ask{App: "ours"})
		require.ErrorIs(t, err, ErrEnding)
	})
}

func TestADrainInTheMiddleOfASnapshotLeavesNothingHalf(t *testing.T) {
	d := newDesk()
	d.live = callsOf("alice", 10*snapshotStep)
	c := d.listen(t, Ask{App: "ours"})
	var once sync.Once
	c.stream.ask.Extend = func() {
		if c.stream.snapshot != nil {
			once.Do(d.Close)
		}
	}
	c.wantsEnd()
	require.Empty(t, c.reader.LastID)
}

func TestWhoMayReadNoLongerIsCutOffWithTheNextHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		d := newDesk(func(c *Config) { c.Metrics = NewMetrics(reg) })
		var revoked atomic.Bool
		alive := func() bool { return !revoked.Load() }
		begin := time.Now()
		idle := d.listen(t, Ask{App: "ours", Alive: alive})
		other := d.listen(t, Ask{App: "theirs"})
		idle.wantsSnapshot(0)
		other.wantsSnapshot(0)
		revoked.Store(true)
		idle.wantsEnd()
		require.Equal(t, 15*time.Second, time.Since(begin))
		require.NoError(t, idle.stream.CloseWithError(nil))

		// Also one that has always something to read.
		busy := d.listen(t, Ask{App: "ours", Resume: true, Alive: alive})
		n := 0
		for ; ; n++ {
			d.happens("ours", "alice")
			if _, err := busy.reader.Next(); err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		require.InDelta(t, 150, n, 2)
		require.NoError(t, busy.stream.CloseWithError(nil))
		d.happens("theirs", "bob")
		require.Contains(t, other.next().Data, "bob")
		require.EqualValues(t, 1, measured(t, reg, "offhook_event_streams"))
		require.EqualValues(t, 2, measured(t, reg, "offhook_event_streams_ended_total", "revoked"))
		require.EqualValues(t, n+1, measured(t, reg, "offhook_event_stream_events_total"))
	})
}

func TestWhyAStreamEndedIsCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	d := newDesk(func(c *Config) { c.Metrics = NewMetrics(reg) })
	for reason, err := range map[string]error{"left": nil, "slow": os.ErrDeadlineExceeded} {
		c := d.listen(t, Ask{App: "ours"})
		c.wantsSnapshot(0)
		require.NoError(t, c.stream.CloseWithError(err))
		require.EqualValues(t, 1, measured(t, reg, "offhook_event_streams_ended_total", reason))
	}
	c := d.listen(t, Ask{App: "ours", Resume: true})
	d.book.fail(errDisk)
	_, err := c.reader.Next()
	require.ErrorIs(t, err, errDisk)
	_, err = c.stream.Read(make([]byte, 10))
	require.ErrorIs(t, err, io.EOF, "it does not try again")
	require.NoError(t, c.stream.CloseWithError(errors.New("broken pipe")))
	require.EqualValues(t, 1, measured(t, reg, "offhook_event_streams_ended_total", "failed"))
	require.Zero(t, measured(t, reg, "offhook_event_streams"))
	require.Empty(t, d.apps, "nothing is left of any")
}

// The time to write is for one piece, so each has its own.
func TestEachPieceHasItsTime(t *testing.T) {
	d := newDesk()
	pieces := 0
	c := d.listen(t, Ask{App: "ours", Extend: func() { pieces++ }})
	c.wantsSnapshot(0)
	before := pieces
	for range 10 {
		c.wants(d.happens("ours", "alice"))
	}
	require.Equal(t, before+10, pieces)
}

func TestAStreamAtRestHoldsNoBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.live = callsOf("alice", 1000)
		c := d.listen(t, Ask{App: "ours"})
		got := make(chan struct{})
		go func() {
			defer close(got)
			c.wantsSnapshot(1000)
			c.next()
		}()
		synctest.Wait()
		require.Nil(t, c.stream.buf)
		require.Nil(t, c.stream.snapshot)
		d.happens("ours", "alice")
		<-got
	})
}

// What happens between the horizon and the list is in both, never in neither.
func TestTheHorizonIsReadBeforeTheCalls(t *testing.T) {
	d := newDesk()
	var missed engine.StoredEvent
	d.config.Live = func(string) []actor.CallView {
		missed = d.happens("ours", "alice")
		return callsOf("alice", 1)
	}
	c := d.listen(t, Ask{App: "ours"})
	c.wantsSnapshot(1)
	c.wants(missed)
}
