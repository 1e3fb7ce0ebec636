package actor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

const (
	benchSubscribers = 100_000
	benchCallers     = 64
)

// atOnce is a journal whose records are durable as soon as it has them, and a
// store where every subscriber is linked to one app and has no calls.
type atOnce struct{ Store }

func (atOnce) Submit(_ uint32, _ uint64, _ []engine.Record, _ []engine.Notification, done Completion) {
	go done.Done(0, nil) // not here: the caller holds a lock that Done wants
}

func (atOnce) Mark(_ uint32, _ uint64, _ string, done Completion) { go done.Done(0, nil) }

func (atOnce) Load(id string) (*engine.Subscriber, error) {
	return &engine.Subscriber{
		Profile: engine.Profile{ID: id, Number: "+15125550100", Network: "n", ProviderUser: id},
		Streams: []engine.Stream{{App: "app", Linked: true}},
	}, nil
}

func (atOnce) UserOf(_, user string) (string, error)                      { return user, nil }
func (atOnce) Unsettled(func(subscriber string, marked bool) error) error { return nil }

// BenchmarkInbox is the budget of design §9: a request to one of 100,000
// subscribers with a live call and its answer, 64 callers, beside as many
// goroutines that wait at a channel for ever and only answer. The two take
// turns; ratio is how many times as long ours takes.
func BenchmarkInbox(b *testing.B) {
	ours := crowd(b)
	bare, end := goroutines()
	defer end()
	const turn = 200_000
	var took [2]time.Duration
	rounds := 0
	for b.Loop() {
		for j := range 2 {
			which := (j + rounds) % 2
			ask := []func(int){ours, bare}[which]
			began := time.Now()
			askAll(turn, ask)
			took[which] += time.Since(began)
		}
		rounds++
	}
	each := float64(rounds * turn)
	b.ReportMetric(float64(took[0].Nanoseconds())/each, "ns/ask")
	b.ReportMetric(float64(took[1].Nanoseconds())/each, "ns/bare")
	b.ReportMetric(float64(took[0])/float64(took[1]), "ratio")
	b.ReportMetric(0, "ns/op") // of both, which means nothing
}

// BenchmarkInboxAlone is ours alone: for profiles, and what it leaves to the collector.
func BenchmarkInboxAlone(b *testing.B) {
	ask := crowd(b)
	b.ReportAllocs()
	b.ResetTimer()
	askAll(b.N, ask)
}

func BenchmarkInboxBare(b *testing.B) {
	bare, end := goroutines()
	defer end()
	b.ReportAllocs()
	b.ResetTimer()
	askAll(b.N, bare)
}

// askAll has n asks made by 64 callers, each of subscribers picked at random.
func askAll(n int, ask func(subscriber int)) {
	var wg sync.WaitGroup
	for c := range benchCallers {
		wg.Go(func() {
			pick := rand.New(rand.NewPCG(uint64(c), uint64(n)))
			for range n / benchCallers {
				ask(pick.IntN(benchSubscribers))
			}
		})
	}
	wg.Wait()
}

// crowd is a directory of subscribers that all have a live call, and a request
// to read one of these.
func crowd(b *testing.B) (ask func(int)) {
	d := New(Config{Journal: atOnce{}, Store: atOnce{}, Networks: &platform{}, Outbox: &outbox{}})
	require.NoError(b, d.Start(b.Context()))
	b.Cleanup(d.Close)
	for i := range benchSubscribers {
		d.Deliver("n", fmt.Sprintf("user%06d@example.com", i), &engine.Event{Kind: engine.EventReceived, Facts: []engine.Fact{{
			ProviderID: fmt.Sprint("c", i), Status: engine.StatusAlerting, Personality: engine.Terminator, RemoteNumber: "+15125550142",
		}}}, nil)
	}
	require.Eventually(b, func() bool { return !d.busy() }, time.Minute, 10*time.Millisecond)
	live := d.Live("app")
	require.Len(b, live, benchSubscribers)
	ctx := context.Background()
	return func(i int) {
		// DoCall would read what is published and wake nobody.
		if r := d.Do(ctx, live[i].Profile.ID, engine.Command{Verb: engine.VerbGet, App: "app", Call: live[i].Call.ID}); r.Err != nil {
			panic(r.Err)
		}
	}
}

// goroutines wait at a channel of their own with room for one request.
func goroutines() (ask func(int), end func()) {
	doors := make([]chan chan uint64, benchSubscribers)
	var wg sync.WaitGroup
	for i := range doors {
		door := make(chan chan uint64, 1)
		doors[i] = door
		wg.Go(func() {
			n := uint64(0)
			for reply := range door {
				n++
				reply <- n
			}
		})
	}
	ask = func(i int) {
		reply := make(chan uint64, 1)
		doors[i] <- reply
		<-reply
	}
	return ask, func() {
		for _, door := range doors {
			close(door)
		}
		wg.Wait()
	}
}
