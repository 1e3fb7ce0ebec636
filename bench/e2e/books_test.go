package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// told is the webhook of a line's step, as offhook writes it.
func told(line, step int) hook {
	w, _ := readHook(fmt.Appendf(nil, `{"app_id":"a","subscriber_id":"%s%06d@example-telco.com","sequence_number":"%d","state":"%s","provider_call_id":"%s"}`,
		userPrefix, line, step+1, life[step%len(life)].becomes, appendCall(nil, line, step/len(life))))
	return w
}

func TestBooksTakeAStoryInOrder(t *testing.T) {
	b := &books{stories: true, last: make([]uint32, 2)}
	for step := range 12 {
		b.take(told(1, step), int64(step))
	}
	b.take(told(1, 3), 99)
	require.Zero(t, b.wrongs, "%q", b.wrong)
	require.Equal(t, 12, b.got)
	require.Equal(t, 1, b.repeats)
	require.Equal(t, []uint32{0, 12}, b.last)
	require.Equal(t, Arrival{Line: 1, Sequence: 12, At: 11}, b.arrivals[11])
}

func TestBooksComplain(t *testing.T) {
	for name, spoil := range map[string]func(w *hook){
		"a hole":            func(w *hook) { w.sequence = 3 },
		"another state":     func(w *hook) { w.state = []byte("held") },
		"another call":      func(w *hook) { w.call = appendCall(nil, 0, 7) },
		"nobody's line":     func(w *hook) { w.line = 5 },
		"a number too high": func(w *hook) { w.sequence = 1 << 40 },
	} {
		b := &books{stories: true, last: make([]uint32, 1)}
		b.take(told(0, 0), 1)
		w := told(0, 1)
		spoil(&w)
		b.take(w, 2)
		require.Equal(t, 1, b.wrongs, name)
		require.Equal(t, 1, b.got, name)
	}
	_, ok := readHook([]byte(`{"subscriber_id":"somebody"}`))
	require.False(t, ok)
}

func TestALineKnowsItsAcknowledgements(t *testing.T) {
	l := &line{id: 7}
	document := l.snapshot(nil, false, 1)
	for range 70 {
		document = l.next(document[:0], false, 1)
	}
	line, sequence, ok := eventOf([]byte("<eventID>" + string(appendEventID(nil, 7, 71)) + "</eventID>"))
	require.True(t, ok)
	require.Equal(t, 7, line)
	require.EqualValues(t, 71, sequence)
	for n := uint64(1); n <= 71; n++ {
		first, known := l.acknowledged(n)
		require.True(t, first && known, n)
	}
	require.Zero(t, l.open)
	first, known := l.acknowledged(5)
	require.True(t, known && !first)
	_, known = l.acknowledged(72)
	require.False(t, known)
	_, _, ok = eventOf([]byte("<eventID>957d0482-af45-4c5f-9b80-0a1f8a1e9b41</eventID>"))
	require.False(t, ok)
}
