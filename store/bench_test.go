package store

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// The unit of work: one transition of one of 100,000 subscribers, told to one
// app with a webhook. That is a subscriber's record and the event with its two
// index rows, in one synced unit.
const benchSubscribers = 100_000

var benchWriters = []int{1, 128, 1024}

func benchSubscriber(i int) *engine.Subscriber {
	sub := storetest.Subscriber(fmt.Sprintf("user%06d@example.com", i))
	sub.Streams = []engine.Stream{{App: "e1c1eef6-8c12-4031-8cc9-ae667c839476", Linked: true, Calls: 17, Subscriber: 1}}
	sub.Calls = []engine.Call{{
		ID: engine.CallID(i+1)<<10 | engine.CallID(engine.SlotOf(sub.ID)), ProviderID: "callhalf-12345678901:0", TrackingID: "1234567:1",
		State: engine.StateActive, Direction: engine.Incoming, RemoteNumber: "+15129104114", RemoteName: "Zilkr LLC", CreatedAt: 1533331051226,
	}}
	sub.Source.Subscription = "0d2f6c0c-4cd2-4b7e-8a4e-0c6fbd4bd1f7"
	return sub
}

func benchEvent(sub *engine.Subscriber, sequence uint64, body []byte) engine.Notification {
	return engine.Notification{
		App: sub.Streams[0].App, Subscriber: sub.ID, Kind: engine.StreamCalls, Sequence: sequence,
		EventID: "evt_0123456789abcdefghjkmnpqrs", Call: sub.Calls[0].ID, State: engine.StateActive, Time: 1533331051226, Queue: true, Body: body,
	}
}

type benchDone chan error

func (d benchDone) Done(_ uint64, err error) { d <- err }

// each runs b.N transitions on as many writers and hands every one a
// subscriber no other writer has.
func each(b *testing.B, writers int, do func(writer, n int)) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for n := 0; left.Add(-1) >= 0; n++ {
				do(w, n)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
}

// pick spreads the writers' subscribers over the keyspace.
func pick(writers, writer, n int) int {
	per := benchSubscribers / writers
	return (writer*per + n*7919%per) % benchSubscribers
}

func BenchmarkSubmit(b *testing.B) {
	for _, writers := range benchWriters {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{SweepEvery: -1})
			require.NoError(b, err)
			subs, bodies := benchWork(b)
			for _, sub := range subs { // their calls began long ago
				s.journal.live[engine.Fold(sub.ID)] = struct{}{}
			}
			dones := make([]benchDone, writers)
			puts := make([][]engine.Record, writers)
			emits := make([][]engine.Notification, writers)
			for i := range dones {
				dones[i] = make(benchDone, 1)
				puts[i], emits[i] = make([]engine.Record, 1), make([]engine.Notification, 1)
			}
			each(b, writers, func(w, n int) {
				sub := subs[pick(writers, w, n)]
				sub.Streams[0].Calls++
				puts[w][0] = storetest.Of(sub)
				emits[w][0] = benchEvent(sub, sub.Streams[0].Calls, bodies[(w+n)%len(bodies)])
				s.Submit(0, 0, puts[w], emits[w], dones[w])
				if err := <-dones[w]; err != nil {
					panic(err)
				}
			})
			require.NoError(b, s.Close())
		})
	}
}

func benchWork(b *testing.B) (subs []*engine.Subscriber, bodies [][]byte) {
	subs = make([]*engine.Subscriber, benchSubscribers)
	for i := range subs {
		subs[i] = benchSubscriber(i)
	}
	bodies = make([][]byte, 4096)
	for i := range bodies { // does not compress, as what it stands for hardly does
		bodies[i] = make([]byte, 420)
		_, err := rand.Read(bodies[i])
		require.NoError(b, err)
	}
	return subs, bodies
}

type bareRow struct{ key, value []byte }

type bareUnit struct {
	rows [4]bareRow
	done chan error
}

// BenchmarkBare is the floor: one committer that takes what waits and commits
// it as one batch, with rows as large as ours that somebody else has made.
func BenchmarkBare(b *testing.B) {
	for _, writers := range benchWriters {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			s := &Store{opts: Options{MemTable: usualMem}.fill(), log: slog.New(slog.DiscardHandler)}
			db, err := pebble.Open(b.TempDir(), s.pebbleOptions(vfs.Default))
			require.NoError(b, err)
			subs, bodies := benchWork(b)
			in := make(chan *bareUnit, writers)
			stopped := make(chan struct{})
			go bareCommitter(db, in, stopped)
			units := make([]*bareUnit, writers)
			for i := range units {
				units[i] = &bareUnit{done: make(chan error, 1)}
			}
			var index atomic.Uint64
			each(b, writers, func(w, n int) {
				u, sub := units[w], subs[pick(writers, w, n)]
				sub.Streams[0].Calls++
				ev := benchEvent(sub, sub.Streams[0].Calls, bodies[(w+n)%len(bodies)])
				u.fill(sub, &ev, index.Add(1))
				in <- u
				if err := <-u.done; err != nil {
					panic(err)
				}
			})
			close(in)
			<-stopped
			require.NoError(b, db.Close())
		})
	}
}

func (u *bareUnit) fill(sub *engine.Subscriber, ev *engine.Notification, index uint64) {
	slot, folded := engine.SlotOf(sub.ID), engine.Fold(sub.ID)
	set := func(r *bareRow, key, value []byte) { r.key, r.value = key, value }
	r := &u.rows
	set(&r[0], ofSubscriber(r[0].key[:0], prefixSub, slot, folded), appendSubscriber(r[0].value[:0], sub))
	set(&r[1], eventKey(r[1].key[:0], ev.App, index), appendEvent(r[1].value[:0], ev))
	set(&r[2], appendSequence(ofStream(r[2].key[:0], prefixAt, slot, ev.App, folded, ev.Kind), ev.Sequence), appendNumber(r[2].value[:0], index))
	set(&r[3], appendSequence(ofStream(r[3].key[:0], prefixWait, slot, ev.App, folded, ev.Kind), ev.Sequence), appendNumber(r[3].value[:0], index))
}

func bareCommitter(db *pebble.DB, in <-chan *bareUnit, stopped chan<- struct{}) {
	defer close(stopped)
	var group []*bareUnit
	for u := range in {
		batch := db.NewBatch()
		for group = append(group[:0], u); ; {
			for _, r := range u.rows {
				if err := batch.Set(r.key, r.value, nil); err != nil {
					panic(err)
				}
			}
			select {
			case u = <-in:
			default:
				u = nil
			}
			if u == nil {
				break
			}
			group = append(group, u)
		}
		err := batch.Commit(pebble.Sync)
		for _, u := range group {
			u.done <- err
		}
		if err := batch.Close(); err != nil {
			panic(err)
		}
	}
}
