package actor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/bench/prove/report"
	"offhook/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	net1  = "net-1"
	alice = "alice@example.com"
	app1  = "app-1"
)

// desk is one directory with everything around it, in virtual time.
type desk struct {
	*Directory
	t        *testing.T
	disk     *memory
	outbox   *outbox
	platform *platform
	receipts *receipts
	failed   chan error
	seq      uint32
}

// atDesk runs a story in a bubble of virtual time, with alice provisioned to app-1.
func atDesk(t *testing.T, story func(h *desk), options ...func(*Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := &desk{t: t, disk: newMemory(), outbox: &outbox{}, platform: &platform{}, receipts: &receipts{}, failed: make(chan error, 1)}
		defer h.disk.close()
		h.open(options...)
		defer func() { h.Close() }()
		h.provision(alice)
		synctest.Wait() // parked again
		story(h)
	})
}

func (h *desk) open(options ...func(*Config)) {
	cfg := Config{
		Journal: h.disk, Store: h.disk, Networks: h.platform, Outbox: h.outbox,
		Failed: func(err error) { h.failed <- err },
		Kept:   -1, // what is forgotten comes back as the store has it
	}
	for _, o := range options {
		o(&cfg)
	}
	h.Directory = New(cfg)
	require.NoError(h.t, h.Start(context.Background()))
}

func (h *desk) provision(id string) {
	created, err := h.PutProfile(context.Background(), engine.Profile{ID: id, Number: "+15125550100", Name: "Alice", Network: net1})
	require.Nil(h.t, err)
	require.True(h.t, created)
	require.Nil(h.t, h.Link(context.Background(), app1, id))
}

// tell has the provider tell of alice's call c1.
func (h *desk) tell(kind engine.EventKind, status engine.Status) { h.tellOf("c1", kind, status) }

func (h *desk) tellOf(call string, kind engine.EventKind, status engine.Status) {
	h.seq++
	h.Deliver(net1, alice, &engine.Event{
		ID: fmt.Sprint("event-", h.seq), Subscription: "s", Sequence: h.seq, Kind: kind,
		Facts: []engine.Fact{{
			ProviderID: call, TrackingID: "t-" + call, Status: status, Personality: engine.Terminator, RemoteNumber: "+15125550199",
		}},
	}, h.receipts)
}

// snapshotOfNothing has the provider send all of alice's calls, exact: none.
func (h *desk) snapshotOfNothing() {
	h.seq++
	h.Deliver(net1, alice, &engine.Event{ID: fmt.Sprint("event-", h.seq), Subscription: "s", Sequence: h.seq, Kind: engine.EventSnapshot}, h.receipts)
}

func (h *desk) only() CallView {
	h.t.Helper()
	synctest.Wait()
	calls := h.Live(app1)
	require.Len(h.t, calls, 1)
	return calls[0]
}

func (h *desk) states() []string {
	synctest.Wait()
	states, numbers := h.disk.stream(app1, alice)
	for i, n := range numbers {
		require.EqualValues(h.t, i+1, n, "numbers without a gap")
	}
	return states
}

func (h *desk) do(v engine.Verb, call engine.CallID) engine.Reply {
	return h.DoCall(context.Background(), engine.Command{Verb: v, App: app1, Call: call})
}

func (h *desk) inMemory() int {
	synctest.Wait()
	n := 0
	for i := range h.shards {
		h.shards[i].mu.Lock()
		n += len(h.shards[i].entries)
		h.shards[i].mu.Unlock()
	}
	return n
}

func TestIncomingCallIsFollowedToItsEnd(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		c := h.only()
		require.Equal(t, engine.StateRinging, c.Call.State)
		require.Equal(t, alice, c.Profile.ID)
		h.tell(engine.EventAnswered, engine.StatusActive)
		synctest.Wait()
		require.Equal(t, engine.StateActive, h.do(engine.VerbGet, c.Call.ID).Call.State)
		h.tell(engine.EventReleased, engine.StatusReleased)
		require.Equal(t, []string{"ringing", "active", "released"}, h.states())
		require.Empty(t, h.Live(app1))
		require.Equal(t, 3, h.receipts.count())
		require.Equal(t, 3, h.outbox.count())
	})
}

func TestNothingLeavesBeforeItIsDurable(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		c := h.only()
		synctest.Wait()
		settled, ready := h.receipts.count(), h.outbox.count()

		unblock := h.disk.block()
		h.tell(engine.EventAnswered, engine.StatusActive)
		held := make(chan engine.Reply, 1)
		refused := make(chan engine.Reply, 1)
		go func() { held <- h.do(engine.VerbHold, c.Call.ID) }()
		synctest.Wait()
		// A refusal reveals the state it saw, so it waits too.
		go func() { refused <- h.do(engine.VerbResume, c.Call.ID) }()
		synctest.Wait()

		require.Equal(t, settled, h.receipts.count(), "no receipt before the disk")
		require.Equal(t, ready, h.outbox.count(), "no webhook before the disk")
		require.NotContains(t, h.platform.verbs(), "hold", "no ask before the disk")
		require.Equal(t, engine.StateRinging, h.only().Call.State, "no read before the disk")
		require.Empty(t, held)
		require.Empty(t, refused)

		unblock()
		synctest.Wait()
		require.Equal(t, settled+1, h.receipts.count())
		require.Contains(t, h.platform.verbs(), "hold")
		require.Equal(t, engine.CodeCommandPending, (<-refused).Err.Code)
		h.tell(engine.EventHeld, engine.StatusHeld)
		require.Nil(t, (<-held).Err)
		require.Equal(t, engine.StateHeld, h.only().Call.State, "a read right after a hold shows held")
	})
}

func TestFailedJournalEndsOwnership(t *testing.T) {
	atDesk(t, func(h *desk) {
		unblock := h.disk.block()
		h.tell(engine.EventReceived, engine.StatusAlerting)
		reply := make(chan engine.Reply, 1)
		go func() {
			reply <- h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1})
		}()
		synctest.Wait()
		h.disk.mu.Lock()
		h.disk.failing = errDisk
		h.disk.mu.Unlock()
		unblock()
		require.ErrorIs(t, <-h.failed, errDisk)
		require.Equal(t, engine.CodeBusy, (<-reply).Err.Code)
		require.Zero(t, h.receipts.count(), "an event nobody stored is not acknowledged")
		require.Equal(t, engine.CodeBusy, h.Link(context.Background(), app1, alice).Code)
	})
}

func TestFullCommandQueueIsRefused(t *testing.T) {
	atDesk(t, func(h *desk) {
		release := make(chan struct{})
		h.disk.loading = release
		replies := make(chan engine.Reply, 10)
		for range 5 {
			go func() { replies <- h.Do(context.Background(), alice, engine.Command{Verb: engine.VerbList, App: app1}) }()
		}
		synctest.Wait()
		require.Len(t, replies, 3, "two may wait")
		for range 3 {
			require.Equal(t, engine.CodeBusy, (<-replies).Err.Code)
		}
		close(release)
		for range 2 {
			require.Nil(t, (<-replies).Err)
		}
	}, func(c *Config) { c.Commands = 2 })
}

func TestOverflowingFactsBecomeADurableMark(t *testing.T) {
	atDesk(t, func(h *desk) {
		release := make(chan struct{})
		h.disk.loading = release
		unblock := h.disk.block()
		for range 5 {
			h.tell(engine.EventReceived, engine.StatusAlerting)
		}
		synctest.Wait()
		require.Zero(t, h.receipts.count(), "the mark is not durable")
		unblock()
		synctest.Wait()
		require.Equal(t, 5, h.receipts.count(), "the mark makes up for the facts")
		require.True(t, h.disk.marked(alice))
		close(release)
		synctest.Wait()
		require.Contains(t, h.platform.verbs(), "snapshot")
		require.True(t, h.disk.marked(alice), "until compared")
		h.snapshotOfNothing()
		synctest.Wait()
		require.False(t, h.disk.marked(alice))
	}, func(c *Config) { c.Facts = 4 })
}

func TestFactThatWaitsTooLongBecomesAMark(t *testing.T) {
	atDesk(t, func(h *desk) {
		release := make(chan struct{})
		h.disk.loading = release
		h.tell(engine.EventReceived, engine.StatusAlerting)
		time.Sleep(900 * time.Millisecond)
		require.Zero(t, h.receipts.count())
		time.Sleep(500 * time.Millisecond)
		require.Equal(t, 1, h.receipts.count())
		require.True(t, h.disk.marked(alice))
		close(release)
		synctest.Wait()
	})
}

func TestFactsAboutNobodyWeFollowAreSettled(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.Deliver(net1, "stranger@example.com", &engine.Event{Kind: engine.EventReceived}, h.receipts)
		synctest.Wait()
		require.Equal(t, 1, h.receipts.count())
	})
}

func TestFactsAboutNobodyAreNotSettledBeforeItIsDurableThatTheyAre(t *testing.T) {
	atDesk(t, func(h *desk) {
		unblock := h.disk.block()
		go func() { _ = h.Delete(context.Background(), alice) }()
		synctest.Wait() // visible, and not durable
		h.Deliver(net1, alice, &engine.Event{Kind: engine.EventReceived}, h.receipts)
		synctest.Wait()
		require.Zero(t, h.receipts.count(), "a crash could bring somebody back whom it was about")
		unblock()
		synctest.Wait()
		require.Equal(t, 1, h.receipts.count())
	})
}

func TestQuietSubscriberIsParkedAndGoesOnCounting(t *testing.T) {
	atDesk(t, func(h *desk) {
		require.Zero(t, h.inMemory(), "provisioned and idle: no memory")
		for _, call := range []string{"c1", "c2", "c3"} {
			h.tellOf(call, engine.EventReceived, engine.StatusAlerting)
			require.Equal(t, 1, h.inMemory(), "a live call stays in memory")
			h.tellOf(call, engine.EventReleased, engine.StatusReleased)
			require.Zero(t, h.inMemory())
		}
		require.Len(t, h.states(), 6)
		h.tellOf("c2", engine.EventUpdated, engine.StatusActive)
		require.Len(t, h.states(), 6, "a released call that is mentioned again stays released")
	})
}

func TestEndedCallIsKnownForTenMinutes(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		id := h.only().Call.ID
		h.tell(engine.EventReleased, engine.StatusReleased)
		synctest.Wait()
		time.Sleep(9 * time.Minute)
		require.Equal(t, engine.StateReleased, h.do(engine.VerbGet, id).Call.State)
		require.Nil(t, h.do(engine.VerbEnd, id).Err)
		hold := h.do(engine.VerbHold, id)
		require.Equal(t, engine.CodeWrongState, hold.Err.Code)
		require.Equal(t, engine.StateReleased, hold.Err.State)
		foreign := h.DoCall(context.Background(), engine.Command{Verb: engine.VerbGet, App: "app-2", Call: id})
		require.Equal(t, engine.CodeNotFound, foreign.Err.Code)
		time.Sleep(time.Minute)
		require.Equal(t, engine.CodeNotFound, h.do(engine.VerbGet, id).Err.Code)
	})
}

func originate(key string) engine.Command {
	return engine.Command{Verb: engine.VerbOriginate, App: app1, Originate: &engine.Originate{
		SubscriberNumber: "+15125550100", RemoteNumber: "+15125550199", Key: key,
	}}
}

func placedAs(id string) func(engine.Ask) engine.Outcome {
	return func(a engine.Ask) engine.Outcome {
		if a.Verb == engine.VerbOriginate {
			return engine.Outcome{Kind: engine.OutcomeAccepted, Fact: engine.Fact{ProviderID: id, TrackingID: "t-" + id}}
		}
		return engine.Outcome{Kind: engine.OutcomeAccepted, Snapshot: &engine.Snapshot{Coming: true}}
	}
}

// Whoever may not see a call is told so at once, however long its owner has to
// wait for the disk: nobody's id takes no longer.
func TestAStrangerIsNotMadeToWaitForTheDisk(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		call := h.only().Call.ID
		h.tell(engine.EventReleased, engine.StatusReleased)
		synctest.Wait()
		require.Empty(t, h.Live(app1))
		ask := func(v engine.Verb) engine.Reply {
			soon, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			return h.DoCall(soon, engine.Command{Verb: v, App: "stranger", Call: call})
		}
		for _, verb := range []engine.Verb{engine.VerbGet, engine.VerbHold, engine.VerbEnd} {
			require.Equal(t, engine.CodeNotFound, ask(verb).Err.Code, "nobody is in memory")
		}
		unblock := h.disk.block()
		defer unblock()
		h.tellOf("c2", engine.EventReceived, engine.StatusAlerting)
		synctest.Wait()
		for _, verb := range []engine.Verb{engine.VerbGet, engine.VerbHold, engine.VerbEnd} {
			require.Equal(t, engine.CodeNotFound, ask(verb).Err.Code)
		}
	})
}

func TestIdComesBeforeTheEvent(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.answer = placedAs("c9")
		r := h.Do(context.Background(), alice, originate(""))
		require.Nil(t, r.Err)
		require.Empty(t, h.states(), "the 201 is not written yet")
		require.Equal(t, r.Call.ID, h.only().Call.ID)
		h.Lift(r.Call.ID)
		require.Equal(t, []string{"ringing"}, h.states())
	})
}

func TestForgottenBarrierOpensByItself(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.answer = placedAs("c9")
		require.Nil(t, h.Do(context.Background(), alice, originate("")).Err)
		time.Sleep(4900 * time.Millisecond)
		require.Empty(t, h.states())
		time.Sleep(200 * time.Millisecond)
		require.Equal(t, []string{"ringing"}, h.states())
	})
}

// A 201 that waits for the disk can be written no sooner than the disk is done:
// the time it has for that begins then, or its event would leave beside it.
func TestASlowDiskDoesNotLetTheEventPassTheId(t *testing.T) {
	for name, lifted := range map[string]bool{"written": true, "never written": false} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(h *desk) {
				unblock := func() {}
				h.platform.answer = func(a engine.Ask) engine.Outcome {
					if a.Verb == engine.VerbOriginate {
						unblock = h.disk.block()
					}
					return placedAs("c9")(a)
				}
				var r engine.Reply
				var asking sync.WaitGroup
				asking.Go(func() { r = h.Do(context.Background(), alice, originate("")) })
				time.Sleep(10 * time.Second)
				h.tellOf("c9", engine.EventAnswered, engine.StatusActive)
				synctest.Wait()
				unblock()
				asking.Wait()
				require.Nil(t, r.Err)
				require.Empty(t, h.states(), "the 201 is not written yet")
				if lifted {
					h.Lift(r.Call.ID)
				} else {
					time.Sleep(4900 * time.Millisecond)
					require.Empty(t, h.states())
					time.Sleep(200 * time.Millisecond)
				}
				require.Equal(t, []string{"ringing", "active"}, h.states())
			})
		})
	}
}

func TestKeyDialsOnceWhateverHappens(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.platform.answer = func(a engine.Ask) engine.Outcome {
			time.Sleep(300 * time.Millisecond)
			return placedAs("c9")(a)
		}
		var wg sync.WaitGroup
		replies := make([]engine.Reply, 4)
		for i := range replies {
			wg.Go(func() { replies[i] = h.Do(context.Background(), alice, originate("k")) })
		}
		wg.Wait()
		for _, r := range replies {
			require.Nil(t, r.Err)
			require.Equal(t, replies[0].Call.ID, r.Call.ID)
		}
		time.Sleep(time.Hour) // the intent is only in the store by now
		again := h.Do(context.Background(), alice, originate("k"))
		require.Nil(t, again.Err)
		require.True(t, again.Replay)
		require.Equal(t, replies[0].Call.ID, again.Call.ID)
		dialled := 0
		for _, v := range h.platform.verbs() {
			if v == "originate" {
				dialled++
			}
		}
		require.Equal(t, 1, dialled)
	})
}

func TestRestartComparesLiveCalls(t *testing.T) {
	atDesk(t, func(h *desk) {
		h.tell(engine.EventReceived, engine.StatusAlerting)
		id := h.only().Call.ID
		h.Close()
		h.open()
		require.Equal(t, id, h.only().Call.ID, "lists are right from the start")
		require.Equal(t, []string{alice, alice}, h.platform.followed)
		h.snapshotOfNothing()
		require.Equal(t, []string{"ringing", "released"}, h.states())
	})
}

func TestProviderUserBelongsToOneSubscriber(t *testing.T) {
	atDesk(t, func(h *desk) {
		_, err := h.PutProfile(context.Background(), engine.Profile{ID: "other", Network: net1, ProviderUser: "ALICE@example.com"})
		require.Equal(t, engine.CodeConflict, err.Code)
		require.Nil(t, h.Delete(context.Background(), alice))
		_, err = h.PutProfile(context.Background(), engine.Profile{ID: "other", Network: net1, ProviderUser: alice})
		require.Nil(t, err)
	})
}

// Many senders, a slow disk and subscribers that park all the time: each call
// arrives once, each number is used once.
func TestNoInputIsLostAndNoNumberUsedTwice(t *testing.T) {
	row := report.Attack(t, report.OneOwner, "many senders to subscribers that park all the time, on a slow disk", "inputs")
	for name, kept := range map[string]int{"all are forgotten": -1, "some are": shards, "none is": 0} {
		t.Run(name, func(t *testing.T) { manySenders(t, row, kept) })
	}
}

func manySenders(t *testing.T, row *report.Row, kept int) {
	synctest.Test(t, func(t *testing.T) {
		h := &desk{t: t, disk: newMemory(), outbox: &outbox{}, platform: &platform{}, receipts: &receipts{}, failed: make(chan error, 1)}
		h.open(func(c *Config) { c.Kept = kept })
		const people, rounds = 8, 60
		row.Add(people * rounds * 4)
		for p := range people {
			h.provision(fmt.Sprintf("user%d@example.com", p))
		}
		stop := make(chan struct{})
		var disk sync.WaitGroup
		disk.Go(func() {
			random := rand.New(rand.NewPCG(1, 2))
			for {
				unblock := h.disk.block()
				time.Sleep(time.Duration(random.IntN(5)) * time.Millisecond)
				unblock()
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(random.IntN(5)) * time.Millisecond):
				}
			}
		})
		var senders sync.WaitGroup
		var readers sync.WaitGroup
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(700 * time.Microsecond):
				}
				for i := range h.shards {
					h.shards[i].tidy() // whoever did nothing for a moment is packed
				}
				h.Live(app1)
			}
		})
		for p := range people {
			id := fmt.Sprintf("user%d@example.com", p)
			senders.Go(func() {
				random := rand.New(rand.NewPCG(3, uint64(p)))
				for i := range rounds {
					for k, s := range []engine.Status{engine.StatusAlerting, engine.StatusActive, engine.StatusReleased} {
						h.Deliver(net1, id, &engine.Event{
							ID: fmt.Sprint(id, i, k), Kind: engine.EventReceived,
							Facts: []engine.Fact{{ProviderID: fmt.Sprint("c", i), TrackingID: fmt.Sprint("t", i), Status: s, Personality: engine.Terminator}},
						}, h.receipts)
						time.Sleep(time.Duration(random.IntN(7)) * time.Millisecond)
					}
				}
			})
			senders.Go(func() {
				for range rounds {
					h.Do(context.Background(), id, engine.Command{Verb: engine.VerbList, App: app1})
					time.Sleep(3 * time.Millisecond)
				}
			})
		}
		senders.Wait()
		close(stop)
		disk.Wait()
		readers.Wait()
		synctest.Wait()
		require.Equal(t, people*rounds*3, h.receipts.count())
		for p := range people {
			states, numbers := h.disk.stream(app1, fmt.Sprintf("user%d@example.com", p))
			require.Len(t, states, rounds*3)
			for i, n := range numbers {
				require.EqualValues(t, i+1, n)
			}
		}
		if n := h.inMemory(); kept < 0 {
			require.Zero(t, n)
		}
		h.Close()
		h.disk.close()
	})
}
