package store

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// read follows a list of attempts from page to page.
func readAttempts(t *testing.T, s *Store, q engine.AttemptQuery) (all []engine.Attempt, pages int) {
	t.Helper()
	for more := true; more; {
		n := 0
		var err error
		q.Behind, more, err = s.AttemptsOf(q, func(a engine.Attempt) error {
			n++
			all = append(all, a)
			return nil
		})
		require.NoError(t, err)
		require.LessOrEqual(t, n, q.Limit)
		pages++
	}
	return all, pages
}

func TestAttemptsAreListedNewestFirst(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	alice, bob := storetest.Subscriber("Alice"), storetest.Subscriber("bob")
	provisioned := storetest.Told("app", alice, 1)
	provisioned.Kind = engine.StreamSubscriber
	storetest.Put(t, s, nil, []engine.Notification{
		storetest.Told("app", alice, 1), storetest.Told("app", bob, 1), provisioned, storetest.Told("app", alice, 2),
		storetest.Told("other", alice, 1), storetest.Told("app", bob, 2),
	})
	subscribed := storetest.Stream("app", alice)
	subscribed.Kind = engine.StreamSubscriber
	var wanted, ofAlice, failed []engine.Attempt // oldest first
	try := func(stream engine.StreamID, sequence, index uint64, number uint32, at int64, status int) {
		a := engine.Attempt{Stream: stream, Sequence: sequence, Index: index, Number: number, At: at, Status: status}
		s.Attempt(a)
		if stream.App != "app" || stream.Kind != engine.StreamCalls {
			return
		}
		wanted = append(wanted, a)
		if stream.Subscriber == "alice" {
			ofAlice = append(ofAlice, a)
		}
		if status != 200 {
			failed = append(failed, a)
		}
	}
	try(storetest.Stream("app", alice), 1, 1, 1, 100, 0)
	try(storetest.Stream("app", alice), 1, 1, 2, 200, 503)
	try(storetest.Stream("app", alice), 1, 1, 1, 200, 301) // in the same millisecond, by hand
	try(storetest.Stream("app", alice), 1, 1, 3, 300, 200)
	wanted[1], wanted[2] = wanted[2], wanted[1]
	ofAlice[1], ofAlice[2] = ofAlice[2], ofAlice[1]
	failed[1], failed[2] = failed[2], failed[1]
	try(storetest.Stream("app", bob), 1, 2, 1, 90, 200)
	try(subscribed, 1, 3, 1, 95, 200)
	try(storetest.Stream("app", alice), 2, 4, 1, 310, 200)
	try(storetest.Stream("other", alice), 1, 5, 1, 320, 200)
	try(storetest.Stream("app", bob), 2, 6, 1, 50, 500)
	for _, list := range [][]engine.Attempt{wanted, ofAlice, failed} {
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	calls := engine.AttemptQuery{App: "app", Kind: engine.StreamCalls}
	for range 2 {
		for limit := 1; limit < 9; limit++ {
			q := calls
			q.Limit = limit
			got, pages := readAttempts(t, s, q)
			require.Equal(t, wanted, got)
			require.GreaterOrEqual(t, pages*limit, len(wanted))
			q.Failed = true
			got, _ = readAttempts(t, s, q)
			require.Equal(t, failed, got)
			q.Failed, q.Subscriber = false, "alice"
			got, _ = readAttempts(t, s, q)
			require.Equal(t, ofAlice, got)
			q.Sequence = 2
			got, _ = readAttempts(t, s, q)
			require.Equal(t, ofAlice[:1], got)
			q.Sequence = 1
			got, _ = readAttempts(t, s, q)
			require.Equal(t, ofAlice[1:], got)
			q.Sequence = 3
			got, _ = readAttempts(t, s, q)
			require.Empty(t, got)
			q.Kind, q.Sequence = engine.StreamSubscriber, 0
			got, _ = readAttempts(t, s, q)
			require.Len(t, got, 1)
		}
		require.NoError(t, s.Close())
		s = openIn(t, fs)
	}
	nobody, _ := readAttempts(t, s, engine.AttemptQuery{App: "ap", Kind: engine.StreamCalls, Limit: 5})
	require.Empty(t, nobody, "the list of an app is its own")
	require.NoError(t, s.Close())
}

// One failure among many successes: each request looks at a part.
func TestAListOfAttemptsDoesABoundedAmountOfWork(t *testing.T) {
	s := openIn(t, vfs.NewMem(), func(o *Options) { o.MemTable = 64 << 20 })
	defer func() { require.NoError(t, s.Close()) }()
	alice := storetest.Subscriber("alice")
	stream := storetest.Stream("app", alice)
	const n = 3 * attemptScan
	var emit []engine.Notification
	for i := range uint64(n) {
		emit = append(emit, storetest.Told("app", alice, i+1))
	}
	storetest.Put(t, s, nil, emit)
	for i := range uint64(n) {
		a := engine.Attempt{Stream: stream, Sequence: i + 1, Index: i + 1, Number: 1, At: int64(i), Status: 200}
		if i == 0 {
			a.Status = 0
		}
		s.Attempt(a)
		if i%1000 == 0 {
			require.NoError(t, s.lazy.flush())
		}
	}
	for _, subscriber := range []string{"", "alice"} {
		got, pages := readAttempts(t, s, engine.AttemptQuery{App: "app", Kind: engine.StreamCalls, Subscriber: subscriber, Failed: true, Limit: 10})
		require.Len(t, got, 1)
		require.EqualValues(t, 1, got[0].Sequence)
		require.GreaterOrEqual(t, pages, 3)
		require.Less(t, pages, 10)
	}
}
