package console

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/engine/actor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is who has which calls, and the board that shows it.
type house struct {
	mu    sync.Mutex
	of    map[string]actor.Shown
	board *Board
}

func newHouse(config Config) *house {
	h := &house{of: map[string]actor.Shown{}}
	config.Calls = h
	h.board = NewBoard(config)
	return h
}

func (h *house) Board(part int) (all []actor.Shown) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range h.of {
		if int(id[len(id)-1]) == part {
			all = append(all, s)
		}
	}
	return all
}

func (h *house) ShownOf(id string) (actor.Shown, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.of[id]
	return s, ok
}

// set gives a subscriber a call in a state; none at all for StateReleased.
func (h *house) set(id string, state engine.State) {
	h.mu.Lock()
	if state == engine.StateReleased {
		delete(h.of, id)
	} else {
		h.of[id] = actor.Shown{
			Profile: &engine.Profile{ID: strings.ToUpper(id), Name: "Name of " + id, Network: "net-1"}, Apps: []string{"app-1", "app-2"},
			Calls: []engine.Call{{ID: engine.CallID(len(id)), State: state}},
		}
	}
	h.mu.Unlock()
	h.board.Changed(id)
}

// screen is what a client makes of its feed: the state of each subscriber's call.
type screen struct {
	reader *Reader
	lines  *bufio.Scanner
	shows  map[string]string
	rows   int // told in all
}

func (h *house) watch(t *testing.T) *screen {
	r, err := h.board.Open(func() {})
	require.NoError(t, err)
	s := &screen{reader: r, lines: bufio.NewScanner(r), shows: map[string]string{}}
	s.lines.Buffer(nil, 1<<20)
	return s
}

// next reads one event and returns its name.
func (s *screen) next(t *testing.T) (name string) {
	for s.lines.Scan() {
		line := s.lines.Text()
		if n, ok := strings.CutPrefix(line, "event: "); ok {
			name = n
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var doc struct {
			At   int64
			Rows []struct {
				Key     string
				ID      string   `json:"subscriber_id"`
				Apps    []string `json:"apps"`
				Network string   `json:"network_id"`
				Calls   []struct{ State string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(data), &doc), data)
		require.NotZero(t, doc.At)
		for _, r := range doc.Rows {
			s.rows++
			if len(r.Calls) == 0 {
				delete(s.shows, r.Key)
				continue
			}
			require.Equal(t, strings.ToUpper(r.Key), r.ID)
			require.Equal(t, []string{"app-1", "app-2"}, r.Apps)
			require.Equal(t, "net-1", r.Network)
			s.shows[r.Key] = r.Calls[0].State
		}
		return name
	}
	return ""
}

func (s *screen) until(t *testing.T, event string) {
	for {
		switch s.next(t) {
		case event:
			return
		case "":
			t.Fatalf("the feed ended without %s", event)
		}
	}
}

func TestAFeedTellsAllThereIsAndThenWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(Config{})
		h.set("alice", engine.StateRinging)
		h.set("bob", engine.StateActive)
		s := h.watch(t)
		defer s.reader.Close()
		require.Equal(t, "begin", s.next(t))
		s.until(t, "complete")
		require.Equal(t, map[string]string{"alice": "ringing", "bob": "active"}, s.shows)

		h.set("alice", engine.StateActive)
		h.set("bob", engine.StateReleased)
		require.Equal(t, "rows", s.next(t))
		require.Equal(t, map[string]string{"alice": "active"}, s.shows)
		require.Equal(t, "beat", s.next(t), "a quiet feed shows that it lives")
	})
}

func TestAReaderIsToldTheLatestOfEachAndNotWhatWasInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(Config{})
		s := h.watch(t)
		defer s.reader.Close()
		s.until(t, "complete")
		for range 1000 {
			for i := range 10 {
				id := strings.Repeat("x", i+1)
				h.set(id, engine.StateActive)
				h.set(id, engine.StateHeld)
			}
		}
		require.Equal(t, "rows", s.next(t))
		require.Equal(t, 10, s.rows)
		for _, state := range s.shows {
			require.Equal(t, "held", state)
		}
	})
}

func TestWhoeverReadsTooSlowlyIsToldTheWholeBoardAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(Config{Most: 100})
		s := h.watch(t)
		defer s.reader.Close()
		s.until(t, "complete")
		for i := range 500 {
			h.set(fmt.Sprintf("user-%03d", i), engine.StateActive)
		}
		require.LessOrEqual(t, len(s.reader.dirty), 100, "what is remembered for a reader is bounded")
		require.Equal(t, "begin", s.next(t))
		s.until(t, "complete")
		require.Len(t, s.shows, 500)
	})
}

func TestChangesWhileTheBoardIsToldAreNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(Config{})
		for i := range 2000 {
			h.set(fmt.Sprintf("user-%04d", i), engine.StateRinging)
		}
		s := h.watch(t)
		defer s.reader.Close()
		require.Equal(t, "begin", s.next(t))
		require.Equal(t, "rows", s.next(t))
		for i := range 2000 {
			h.set(fmt.Sprintf("user-%04d", i), engine.StateHeld)
		}
		h.set("user-0007", engine.StateReleased)
		s.until(t, "beat")
		require.Len(t, s.shows, 1999)
		for id, state := range s.shows {
			require.Equal(t, "held", state, id)
		}
	})
}

func TestReadersAreBoundedAndEndWithTheBoard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(Config{Readers: 2})
		a, b := h.watch(t), h.watch(t)
		_, err := h.board.Open(func() {})
		require.ErrorIs(t, err, ErrFull)
		require.NoError(t, b.reader.Close())
		require.NoError(t, b.reader.Close(), "closing twice is closing once")
		b = h.watch(t)

		ended := make(chan error)
		go func() {
			_, err := io.Copy(io.Discard, a.reader)
			ended <- err
		}()
		time.Sleep(time.Minute)
		h.board.Close()
		require.NoError(t, <-ended)
		_, err = h.board.Open(func() {})
		require.ErrorIs(t, err, ErrEnding)
		require.NoError(t, a.reader.Close())
		require.NoError(t, b.reader.Close())
		require.Zero(t, h.board.open.Load())
	})
}
