package eventlog

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStreamsAreBounded(t *testing.T) {
	d := newDesk(func(c *Config) { c.PerApp, c.InAll = 2, 3 })
	first := d.listen(t, Ask{App: "ours"})
	d.listen(t, Ask{App: "ours"})
	_, err := d.Open(Ask{App: "ours"})
	require.ErrorIs(t, err, ErrAppFull)
	d.listen(t, Ask{App: "theirs"})
	_, err = d.Open(Ask{App: "theirs"})
	require.ErrorIs(t, err, ErrFull)
	require.NoError(t, first.stream.CloseWithError(nil))
	require.NoError(t, first.stream.CloseWithError(nil), "closing twice is once")
	d.listen(t, Ask{App: "theirs"})
	_, err = d.Open(Ask{App: "ours"})
	require.ErrorIs(t, err, ErrFull)
}

func TestAnAppIsWokenByItsOwnEventsOnly(t *testing.T) {
	d := newDesk()
	c := d.listen(t, Ask{App: "ours"})
	d.happens("theirs", "bob")
	d.Logged("nobody")
	require.Empty(t, c.stream.wake)
	d.happens("ours", "alice")
	d.happens("ours", "alice")
	require.Len(t, c.stream.wake, 1)
}

// Logged runs on the journal's goroutine: it costs nothing where nobody
// listens, however many apps there are.
func TestTellingTheHubAllocatesNothing(t *testing.T) {
	d := newDesk(func(c *Config) { c.InAll = 20000 })
	names := crowd(t, d)
	i := 0
	require.Zero(t, testing.AllocsPerRun(10000, func() {
		d.Logged(names[i%len(names)])
		i++
	}))
}

// crowd is 10,000 apps, every tenth with a stream.
func crowd(t testing.TB, d *desk) (names []string) {
	for i := range 10000 {
		names = append(names, fmt.Sprintf("app-%05d", i))
		if i%10 != 0 {
			continue
		}
		s, err := d.Open(Ask{App: names[i]})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.CloseWithError(nil)) })
	}
	return names
}

func BenchmarkLogged(b *testing.B) {
	b.Run("10,000 apps, every tenth with a stream", func(b *testing.B) {
		d := newDesk(func(c *Config) { c.InAll = 20000 })
		names := crowd(b, d)
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			d.Logged(names[i%len(names)])
		}
	})
	b.Run("no streams", func(b *testing.B) {
		d := newDesk()
		for range b.N {
			d.Logged("ours")
		}
	})
}
