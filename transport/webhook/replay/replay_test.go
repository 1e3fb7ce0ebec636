package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/transport/webhook"
)

func TestARangeLeavesInOrderAndOnlyWhatWasQueuedForTheWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 1, "alice")
		h.one(engine.Notification{App: "app", Subscriber: "alice", Kind: engine.StreamSubscriber, Queue: true})
		h.one(engine.Notification{App: "app", Subscriber: "alice", Kind: engine.StreamCalls}) // 2: logged, and no webhook then
		h.tell("other", 3, "alice")
		h.tell("app", 2, "alice")
		r := h.open()
		task := h.start(r, calls)
		h.tell("app", 1, "alice") // after the task began
		task = h.ends(r, task)
		require.Equal(t, []string{"app/alice/1", "app/alice/3", "app/alice/4"}, h.events())
		require.Equal(t, Done, task.State)
		require.Equal(t, [4]uint64{3, 3, 3, 0}, [4]uint64{task.Total, task.Done, task.Delivered, task.Failed})
		require.Empty(t, task.Error)
		h.close(r)
	})
}

// The model: a task sends exactly the events a plain filter finds.
func TestATaskSendsWhatItsRangeSays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		length := rapid.SampledFrom([]int{0, 5, 100, 600}).Draw(rt, "length") // shorter and longer than a page
		log := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) engine.Notification {
			return engine.Notification{
				App:        rapid.SampledFrom([]string{"app", "app", "other"}).Draw(t, "app"),
				Subscriber: rapid.SampledFrom([]string{"Alice", "bob", "carol", "dave", "erin", "frank"}).Draw(t, "subscriber"),
				Kind:       engine.StreamKind(rapid.IntRange(1, 2).Draw(t, "kind")),
				Queue:      rapid.IntRange(0, 9).Draw(t, "queue") > 0,
				Time:       int64(rapid.IntRange(1, 500).Draw(t, "time")),
			}
		}), length, length).Draw(rt, "log")
		of := calls
		if rapid.Bool().Draw(rt, "one subscriber") {
			of.Subscriber = rapid.SampledFrom([]string{"alice", "BOB", "nobody"}).Draw(rt, "of")
			of.From = uint64(rapid.IntRange(0, 50).Draw(rt, "from"))
			if rapid.Bool().Draw(rt, "to an end") {
				of.To = of.From + uint64(rapid.SampledFrom([]int{0, 3, 40, 2 * maxNumbers}).Draw(rt, "to"))
			}
		}
		if rapid.Bool().Draw(rt, "from a time") {
			of.Since = int64(rapid.IntRange(0, 500).Draw(rt, "since"))
		}
		if rapid.Bool().Draw(rt, "to a time") {
			of.Until = of.Since + int64(rapid.IntRange(1, 500).Draw(rt, "until"))
		}
		synctest.Test(t, func(t *testing.T) { sendsWhatItsRangeSays(t, log, of) })
	})
}

func sendsWhatItsRangeSays(t *testing.T, log []engine.Notification, of Range) {
	h := newHouse(t)
	h.takes = time.Millisecond
	var want []string
	for _, n := range log {
		h.one(n)
		n.Sequence = h.numbers[n.Stream()]
		if n.App == "app" && n.Kind == engine.StreamCalls && n.Queue &&
			(of.Subscriber == "" || strings.EqualFold(of.Subscriber, n.Subscriber)) &&
			n.Sequence >= of.From && (of.To == 0 || n.Sequence <= of.To) &&
			n.Time >= of.Since && (of.Until == 0 || n.Time < of.Until) {
			want = append(want, fmt.Sprintf("app/%s/%d", engine.Fold(n.Subscriber), n.Sequence))
		}
	}
	r := h.open()
	task := h.ends(r, h.start(r, of))
	h.close(r)
	got := h.events()
	slices.Sort(got) // the house has looked at the order within streams
	slices.Sort(want)
	require.Equal(t, want, got)
	require.Equal(t, uint64(len(want)), task.Total)
	require.Equal(t, task.Total, task.Delivered)
	require.LessOrEqual(t, h.mostFly, 4)
}

func TestAFewNumbersOfOneStreamAreFoundWithoutReadingTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 500, "alice", "bob", "carol")
		r := h.open()
		task := h.ends(r, h.start(r, Range{App: "app", Kind: engine.StreamCalls, Subscriber: "ALICE", From: 490, To: 1000}))
		require.Equal(t, uint64(11), task.Delivered)
		require.Zero(t, h.pages)
		task = h.ends(r, h.start(r, Range{App: "app", Kind: engine.StreamCalls, Subscriber: "alice", From: 490}))
		require.Equal(t, uint64(11), task.Delivered)
		require.LessOrEqual(t, h.pages, 4, "the log before the first number is not read")
		h.close(r)
	})
}

func TestAPoisonEventIsTriedAFewTimesAndStallsItsOwnStreamOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 3, "alice", "bob", "carol", "dave", "erin")
		h.is(func(stream engine.StreamID, sequence uint64, _ int) (engine.Attempt, error) {
			if stream.Subscriber == "alice" && sequence == 2 {
				return status(500)
			}
			return status(200)
		})
		r := h.open()
		began := time.Now()
		task := h.start(r, calls)
		time.Sleep(time.Second)
		now, _ := r.Task("app", task.ID)
		require.Equal(t, uint64(13), now.Done, "all but alice's second and third")
		task = h.ends(r, task)
		require.Equal(t, Done, task.State)
		require.Equal(t, [4]uint64{15, 15, 14, 1}, [4]uint64{task.Total, task.Done, task.Delivered, task.Failed})
		require.Equal(t, 6, h.tries["app/alice/2"])
		require.Equal(t, 1, h.tries["app/alice/3"])
		took := time.Since(began)
		require.Greater(t, took, 53*time.Second/2)
		require.Less(t, took, 55*time.Second)
		h.close(r)
	})
}

func TestWhatWaitsOrIsNotKeptIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 4, "alice")
		h.is(func(_ engine.StreamID, sequence uint64, try int) (engine.Attempt, error) {
			switch {
			case sequence == 1:
				return engine.Attempt{}, webhook.ErrUnknownEvent
			case sequence == 4:
				return engine.Attempt{}, webhook.ErrWaiting
			case try < 4:
				return engine.Attempt{}, webhook.ErrBusy
			}
			return status(204)
		})
		r := h.open()
		task := h.ends(r, h.start(r, calls))
		require.Equal(t, [4]uint64{4, 4, 2, 0}, [4]uint64{task.Total, task.Done, task.Delivered, task.Failed})
		require.Equal(t, 4, h.tries["app/alice/2"], "too many at a time is no failure")
		h.close(r)
	})
}

func TestATaskWaitsForAPausedWebhookAndEndsWithOneThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 3, "alice", "bob")
		stopped := func(engine.StreamID, uint64, int) (engine.Attempt, error) {
			return engine.Attempt{}, webhook.ErrStopped
		}
		h.is(stopped)
		r := h.open()
		task := h.start(r, calls)
		time.Sleep(3 * time.Hour)
		now, _ := r.Task("app", task.ID)
		require.Equal(t, Running, now.State)
		require.Equal(t, noteStopped, now.Error)
		require.Zero(t, now.Done)
		require.Less(t, len(h.events()), 2*3*120, "it looks once a minute and stream")
		h.is(nil)
		task = h.ends(r, task)
		require.Equal(t, Done, task.State)
		require.Empty(t, task.Error)
		require.Equal(t, uint64(6), task.Delivered)

		h.is(stopped)
		task = h.start(r, Range{App: "app", Kind: engine.StreamCalls, Subscriber: "bob"})
		time.Sleep(time.Minute)
		h.webhook("app", false)
		task = h.ends(r, task)
		require.Equal(t, Canceled, task.State)
		require.Equal(t, reasonGone, task.Error)
		_, err := r.Start(calls)
		require.ErrorIs(t, err, ErrNoWebhook)
		h.close(r)
	})
}

func TestAReceiverThatWantsNoMoreEndsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.tell("app", 50, "alice", "bob")
		h.is(func(_ engine.StreamID, sequence uint64, _ int) (engine.Attempt, error) {
			if sequence == 20 {
				return status(410)
			}
			return status(200)
		})
		r := h.open()
		task := h.ends(r, h.start(r, calls))
		require.Equal(t, Canceled, task.State)
		require.Equal(t, reasonRefused, task.Error)
		require.Equal(t, task, h.onDisk(task))
		require.LessOrEqual(t, task.Delivered, uint64(39))
		h.close(r)
	})
}

func TestASilentReceiverHoldsOneAttemptAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.takes, h.rough = 10*time.Second, true
		h.tell("app", 5, "a", "b", "c", "d", "e", "f")
		h.is(func(engine.StreamID, uint64, int) (engine.Attempt, error) { return status(0) })
		r := h.open()
		for range 4 {
			h.start(r, calls)
		}
		time.Sleep(30 * time.Second)
		busy := 0
		for range 600 {
			time.Sleep(time.Second)
			h.mu.Lock()
			busy = max(busy, h.under)
			h.mu.Unlock()
		}
		require.Equal(t, 1, busy, "four tasks of the app, one attempt")
		h.is(nil)
		time.Sleep(time.Minute)
		h.mu.Lock()
		require.Greater(t, h.mostFly, 1)
		h.mu.Unlock()
		h.close(r)
	})
}
