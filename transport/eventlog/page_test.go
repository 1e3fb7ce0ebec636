package eventlog

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
)

// numbers are those of the events of a page.
func (p Page) numbers(t *testing.T) (all []uint64) {
	t.Helper()
	var items []struct{ N uint64 }
	require.NoError(t, json.Unmarshal(p.Body, &items), "%s", p.Body)
	for _, it := range items {
		all = append(all, it.N)
	}
	return all
}

func (d *desk) page(t *testing.T, q Query) Page {
	t.Helper()
	p, err := d.Page(q)
	require.NoError(t, err)
	return p
}

func TestPages(t *testing.T) {
	d := newDesk()
	p := d.page(t, Query{App: "ours", Limit: 10})
	require.Equal(t, Page{Body: []byte("[]")}, p)
	for range 5 {
		d.happens("ours", "alice") // 1, 3, 5, 7, 9
		d.happens("theirs", "bob")
	}
	p = d.page(t, Query{App: "ours", Limit: 2})
	require.Equal(t, []uint64{1, 3}, p.numbers(t))
	require.True(t, p.More)
	p = d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: p.Last}})
	require.Equal(t, []uint64{5, 7}, p.numbers(t))
	p = d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: p.Last}})
	require.Equal(t, []uint64{9}, p.numbers(t))
	require.False(t, p.More)

	// From here on: nothing yet, then what has come.
	end := p.Last
	p = d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: end}})
	require.Equal(t, Page{Body: []byte("[]"), Last: end}, p)
	d.happens("ours", "alice")
	require.Equal(t, []uint64{11}, d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: end}}).numbers(t))

	d.book.fail(errDisk)
	_, err := d.Page(Query{App: "ours", Limit: 2})
	require.ErrorIs(t, err, errDisk)
}

// A page that fits exactly has nothing behind it.
func TestTheLastPageHasNoNext(t *testing.T) {
	d := newDesk()
	for range 2 * pageStep {
		d.happens("ours", "alice")
	}
	for _, q := range []Query{{App: "ours", Limit: 2 * pageStep}, {App: "ours", Subscriber: "alice", Limit: 2 * pageStep}} {
		p := d.page(t, q)
		require.Len(t, p.numbers(t), 2*pageStep)
		require.False(t, p.More, "subscriber %q", q.Subscriber)
		q.Limit--
		require.True(t, d.page(t, q).More, "subscriber %q", q.Subscriber)
	}
}

func TestAPageOfOneSubscriber(t *testing.T) {
	d := newDesk()
	for range 10 {
		d.happens("ours", "alice") // odd
		d.happens("ours", "Bob")   // even
	}
	p := d.page(t, Query{App: "ours", Subscriber: "BOB", Limit: 3})
	require.Equal(t, []uint64{2, 4, 6}, p.numbers(t))
	require.True(t, p.More)
	p = d.page(t, Query{App: "ours", Subscriber: "bob", Limit: 100, Resume: true, After: Place{Behind: p.Last}})
	require.Equal(t, []uint64{8, 10, 12, 14, 16, 18, 20}, p.numbers(t))
	require.False(t, p.More)
}

// Whoever asks for one subscriber among many does not make us read the whole
// log at once, and comes to the end all the same.
func TestOneRequestReadsABoundedPartOfTheLog(t *testing.T) {
	d := newDesk()
	rare := d.happens("ours", "rare")
	for range 3*pageScan - 2 {
		d.book.log("ours", "alice")
	}
	last := d.book.log("ours", "rare")
	var found []uint64
	q := Query{App: "ours", Subscriber: "rare", Limit: 100}
	pages := 0
	for {
		d.book.reads = 0
		p := d.page(t, q)
		require.LessOrEqual(t, d.book.reads, pageScan/pageStep)
		require.LessOrEqual(t, d.book.most, pageStep)
		found = append(found, p.numbers(t)...)
		pages++
		if !p.More {
			break
		}
		q.Resume, q.After.Behind = true, p.Last
	}
	require.Equal(t, []uint64{rare.Index, last.Index}, found)
	require.InDelta(t, 3, pages, 1)
}

// Some bodies are long. A page of them is short, and so is a piece of a stream.
func TestLongBodiesDoNotMakeLongPages(t *testing.T) {
	d := newDesk()
	d.book.padding = 200 << 10
	const events = 100
	for range events {
		d.happens("ours", "alice")
	}
	for _, subscriber := range []string{"", "alice"} {
		q := Query{App: "ours", Subscriber: subscriber, Limit: 1000}
		var all []uint64
		for more := true; more; q.Resume = true {
			p := d.page(t, q)
			require.Less(t, len(p.Body), maxPage+d.book.padding+100)
			all = append(all, p.numbers(t)...)
			more, q.After.Behind = p.More, p.Last
		}
		require.Len(t, all, events)
		require.EqualValues(t, events, all[events-1])
	}
	most := 0
	c := d.listen(t, Ask{App: "ours", Resume: true})
	c.stream.ask.Extend = func() { most = max(most, len(c.stream.out)) }
	for n := range events {
		require.Contains(t, c.next().Data, fmt.Sprintf(`"n":%d,`, n+1))
	}
	require.Less(t, most, maxBuffer+d.book.padding+100)
}

func TestAPageSaysWhatIsGone(t *testing.T) {
	d := newDesk()
	for range 10 {
		d.happens("ours", "alice")
	}
	d.book.sweep(5)
	p := d.page(t, Query{App: "ours", Limit: 2})
	require.Equal(t, GapNone, p.Gap, "who asks for what there is misses nothing")
	require.Equal(t, []uint64{6, 7}, p.numbers(t))
	p = d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: 4}})
	require.Equal(t, GapRetention, p.Gap)
	require.Equal(t, []uint64{6, 7}, p.numbers(t))
	p = d.page(t, Query{App: "ours", Limit: 2, Resume: true, After: Place{Behind: 5}})
	require.Equal(t, GapNone, p.Gap)
}

// after is where a reader of ours who has a cursor goes on.
func (d *desk) after(t *testing.T, cursor string) Query {
	t.Helper()
	place, ok := d.Cursors("ours").Parse(cursor)
	require.True(t, ok)
	return Query{App: "ours", Limit: 1000, Resume: true, After: place}
}

// The log is put back to its tenth event and grows past where it was: a cursor
// from the time that is lost stays one, and all that is new comes behind it.
func TestACursorOfALogThatIsLostStaysOne(t *testing.T) {
	d := newDesk()
	happen := func(n int) {
		for range n {
			d.happens("ours", "alice")
		}
	}
	cursor := func() string { return string(d.Cursors("ours").Append(nil, d.book.Durable())) }
	wants := func(cursor string, gap Gap, from, to uint64) string {
		t.Helper()
		p := d.page(t, d.after(t, cursor))
		require.Equal(t, gap, p.Gap)
		var want []uint64
		for n := from; n <= to; n++ {
			want = append(want, n)
		}
		require.Equal(t, want, p.numbers(t))
		return string(d.Cursors("ours").Append(nil, p.Last))
	}
	happen(5)
	early := cursor()
	happen(7)
	late := cursor()
	d.book.putBack(10, 1)
	wants(late, GapUnknown, 1, 0) // at once
	happen(1)
	wants(late, GapUnknown, 11, 11)
	happen(19)
	next := wants(late, GapUnknown, 11, 30) // and when the log has long passed it
	wants(next, GapNone, 1, 0)
	wants(early, GapNone, 6, 30)

	// Once more, and further: what the first time has handed out is lost too.
	d.book.putBack(8, 2)
	happen(50)
	wants(late, GapUnknown, 9, 58)
	wants(next, GapUnknown, 1, 58) // where the two parted nobody knows any more
	wants(early, GapNone, 6, 58)
	wants(string(d.Cursors("ours").Append(nil, 0)), GapNone, 1, 58)

	c := d.listen(t, Ask{App: "ours", Resume: true, After: d.after(t, late).After})
	require.Equal(t, `{"type":"gap","reason":"unknown"}`, c.next().Data)
	c.wantsSnapshot(0)
	c = d.listen(t, Ask{App: "ours", Resume: true, After: d.after(t, early).After})
	require.Contains(t, c.next().Data, `"n":6,`)
}

// sweeping is a log that is swept while a page is read.
type sweeping struct {
	*notebook
	at int // the read before which it is
}

func (s *sweeping) Events(app string, behind uint64, limit int, fn func(engine.StoredEvent) error) (uint64, error) {
	if s.at--; s.at == 0 {
		s.sweep(pageStep + 100)
	}
	return s.notebook.Events(app, behind, limit, fn)
}

func TestASweepInTheMiddleOfAPageIsToldWithTheNext(t *testing.T) {
	book := &notebook{}
	h := New(Config{Log: &sweeping{book, 2}})
	for range 2 * pageStep {
		book.log("ours", "alice")
	}
	q := Query{App: "ours", Subscriber: "alice", Limit: 2 * pageStep}
	p, err := h.Page(q)
	require.NoError(t, err)
	require.Len(t, p.numbers(t), pageStep)
	require.True(t, p.More)
	require.Equal(t, GapNone, p.Gap)
	q.Resume, q.After.Behind = true, p.Last
	p, err = h.Page(q)
	require.NoError(t, err)
	require.Equal(t, GapRetention, p.Gap)
	require.EqualValues(t, pageStep+101, p.numbers(t)[0])
	require.False(t, p.More)
}
