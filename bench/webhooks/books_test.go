package webhooks

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/busy"
)

func TestBooksOfAnOrderedStream(t *testing.T) {
	for _, tt := range []struct {
		name         string
		came         []uint32
		got, repeats int
		fine         bool
	}{
		{"in order", []uint32{1, 2, 3}, 3, 0, true},
		{"a repeat is counted, and no fault", []uint32{1, 2, 2, 1, 3}, 3, 2, true},
		{"one is skipped", []uint32{1, 3}, 1, 0, false},
		{"two change places", []uint32{2, 1}, 1, 0, false},
		{"it does not begin at 1", []uint32{7}, 0, 0, false},
		{"there is no number 0", []uint32{0}, 0, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBooks(2, true)
			for i, n := range tt.came {
				b.take(1, n, int64(i))
			}
			p := b.turn()
			require.Equal(t, tt.got, p.Got)
			require.Equal(t, tt.repeats, p.Repeats)
			require.Len(t, p.Arrivals, tt.got)
			if tt.fine {
				require.NoError(t, p.check())
			} else {
				require.ErrorIs(t, p.check(), errDisorder)
			}
			require.Empty(t, b.turn().Arrivals, "told once")
		})
	}
}

func TestBooksOfTheBareClientKnowNoOrder(t *testing.T) {
	b := newBooks(1, false)
	for _, n := range []uint32{200, 3, 1, 3, 2} {
		b.take(0, n, 1)
	}
	p := b.turn()
	require.NoError(t, p.check())
	require.Equal(t, 4, p.Got)
	require.Equal(t, 1, p.Repeats)
}

func TestComplaintsAreBounded(t *testing.T) {
	b := newBooks(1, true)
	for range 1000 {
		b.take(5, 1, 0) // nobody's stream
	}
	p := b.turn()
	require.Len(t, p.Wrong, maxComplaints)
	require.Equal(t, 1000, p.Wrongs)
}

func TestAGoalIsReachedOnce(t *testing.T) {
	b := newBooks(1, true)
	reached := b.until(2)
	b.take(0, 1, 0)
	b.take(0, 1, 0) // a repeat does not count
	select {
	case <-reached:
		require.Fail(t, "too early")
	default:
	}
	b.take(0, 2, 0)
	<-reached
	<-b.until(2)
	<-b.until(1)
}

func TestNumbersAreReadOutOfABody(t *testing.T) {
	p := newPhone(busy.App(0), 4711)
	require.NoError(t, p.provision(1))
	for want := uint32(1); want <= 12; want++ {
		require.NoError(t, p.next(1))
		stream, sequence, err := busy.Numbers(p.out.Emit[0].AppendBody(nil))
		require.NoError(t, err)
		require.Equal(t, 4711, stream)
		require.Equal(t, want, sequence)
	}
	for _, body := range []string{"", "{}", `{"subscriber_id":"alice","sequence_number":"1"}`, `{"subscriber_id":"bench-","sequence_number":"1"}`} {
		_, _, err := busy.Numbers([]byte(body))
		require.Error(t, err, body)
	}
}
