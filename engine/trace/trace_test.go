package trace

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestATraceparentIsReadToTheLetter(t *testing.T) {
	c, ok := Parse([]byte(parent))
	require.True(t, ok)
	require.True(t, c.Sampled)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", c.String())
	require.Equal(t, parent, c.Parent())
	c, ok = Parse([]byte("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what the future brings"))
	require.True(t, ok, "a later version is read as far as this one goes")
	require.False(t, c.Sampled)
	for name, text := range map[string]string{
		"empty":               "",
		"short":               parent[:54],
		"capitals":            strings.ToUpper(parent),
		"no hexadecimals":     strings.Replace(parent, "0af7", "0xf7", 1),
		"version ff":          "ff" + parent[2:],
		"more after 00":       parent + "-01",
		"glued to a later":    "01" + parent[2:] + "x",
		"no trace id":         "00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"no span id":          "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
		"other separators":    strings.ReplaceAll(parent, "-", "_"),
		"a line end":          parent + "\r\nX: y",
		"longer than anybody": "01" + parent[2:] + "-" + strings.Repeat("x", 300),
	} {
		_, ok := Parse([]byte(text))
		require.False(t, ok, name)
	}
}

func TestARequestWithoutATraceBeginsOne(t *testing.T) {
	var none *Tracer
	c, above := none.Accept(nil)
	require.True(t, c.Set())
	require.False(t, c.Sampled, "nobody records it")
	require.Zero(t, above)
	c, above = none.Accept([]byte(parent))
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", c.String())
	require.NotEqual(t, above, c.Span, "it is a span of its own")
	require.True(t, c.Sampled)

	recorded := 0
	half := &Tracer{Ratio: .5, Export: func(Span) { recorded++ }}
	for range 1000 {
		c, _ := half.Accept(nil)
		half.Record(Span{Context: c, Start: time.Now()})
	}
	require.InDelta(t, 500, recorded, 120)
}

func TestContextsCarryIt(t *testing.T) {
	require.False(t, From(context.Background()).Set())
	c := New(true)
	require.Equal(t, c, From(With(context.Background(), c)))
	require.False(t, Context{}.Child().Set(), "none stays none")
	require.Equal(t, c.ID, c.Child().ID)
	require.Empty(t, Context{}.String())
}

func TestTheMemoryIsBounded(t *testing.T) {
	m := NewMemory(10)
	require.False(t, m.Of("app", "sub", 1, 1).Set())
	for i := range uint64(25) {
		m.Put("app", "sub", 1, i, New(false))
	}
	known := 0
	for i := range uint64(25) {
		if m.Of("app", "sub", 1, i).Set() {
			known++
			require.GreaterOrEqual(t, i, uint64(15), "the oldest make room")
		}
	}
	require.Equal(t, 10, known)
	require.Len(t, m.of, 10)
	require.False(t, m.Of("another", "sub", 1, 24).Set())
	(*Memory)(nil).Put("app", "sub", 1, 1, New(false))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(parent))
	f.Add([]byte("cc" + parent[2:] + "-x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, ok := Parse(text)
		if !ok {
			return
		}
		again, ok := Parse([]byte(c.Parent()))
		if !ok || again != c {
			t.Fatalf("%q is read as %v, written as %s", text, c, c.Parent())
		}
	})
}

func BenchmarkOf(b *testing.B) {
	m := NewMemory(0)
	m.Put("app", "subscriber@example.com", 1, 7, New(false))
	b.ReportAllocs()
	for b.Loop() {
		m.Of("app", "subscriber@example.com", 1, 8)
	}
}
