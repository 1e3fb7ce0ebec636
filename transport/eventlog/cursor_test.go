package eventlog

import (
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	testKey = [KeyLen]byte{7, 16: 9}
	testLog = &notebook{durable: maxIndex, eras: []era{{100, 1<<40 - 1}}}
)

const maxIndex = 1<<48 - 1

func TestACursorIsReadByItsAppAlone(t *testing.T) {
	all := newCursors(testKey, testLog)
	ours, theirs := all.of("ours"), all.of("theirs")
	other := newCursors([KeyLen]byte{8, 16: 9}, testLog).of("ours")
	seen := map[string]bool{}
	for _, index := range []uint64{0, 1, 2, 255, 256, 1 << 40, maxIndex} {
		text := string(ours.Append(nil, index))
		require.Len(t, text, cursorLen)
		require.False(t, strings.ContainsAny(text, "+/=&<> "), "fit for a URL, a header and a Link")
		got, ok := ours.Parse(text)
		require.True(t, ok)
		require.Equal(t, Place{Behind: index}, got)
		require.Equal(t, text, string(all.of("ours").Append(nil, index)), "the same place has the same cursor")
		for name, c := range map[string]Cursors{"another app": theirs, "another installation": other} {
			_, ok = c.Parse(text)
			require.False(t, ok, name)
		}
		require.False(t, seen[text])
		seen[text] = true
	}
}

// Neighbours have nothing in common: how far apart two places are cannot be
// seen, and so not how much others do.
func TestACursorTellsNothing(t *testing.T) {
	c := newCursors(testKey, testLog).of("ours")
	for index := range uint64(1000) {
		a, err := base64.RawURLEncoding.DecodeString(string(c.Append(nil, index)))
		require.NoError(t, err)
		b, err := base64.RawURLEncoding.DecodeString(string(c.Append(nil, index+1)))
		require.NoError(t, err)
		same := 0
		for i := range a {
			if a[i] == b[i] {
				same++
			}
		}
		require.Less(t, same, 6, "of 16 bytes")
	}
}

func TestWhatIsNoCursor(t *testing.T) {
	c := newCursors(testKey, testLog).of("ours")
	good := string(c.Append(nil, 42))
	bad := map[string]string{
		"nothing": "", "short": good[:21], "long": good + "A", "padded": good[:20] + "==", "line end": good[:21] + "\n",
		"line ends around less": "\n" + good[:20] + "\n", "not base 64": good[:21] + "!", "standard base 64": "+" + good[1:],
		"a number": "42", "zeroes": strings.Repeat("A", 22), "NUL": strings.Repeat("\x00", 22),
	}
	for i := range good {
		changed := []byte(good)
		if changed[i] = 'B'; good[i] == 'B' {
			changed[i] = 'C'
		}
		bad["changed at "+good[:i]] = string(changed)
	}
	for name, text := range bad {
		_, ok := c.Parse(text)
		require.False(t, ok, name)
		_, ok = c.Reveal(text)
		require.False(t, ok, name)
	}
}

// Those that were handed out before there were eras stay good.
func TestACursorOfBefore(t *testing.T) {
	c := newCursors(testKey, testLog).of("ours")
	for index, want := range map[uint64]Place{
		0: {}, 1: {Behind: 1}, 99: {Behind: 99},
		100: {Behind: 99, Lost: true}, // nobody had one yet that reached as far as the first start with eras
	} {
		got, ok := c.Parse(string(c.Hide(nil, index)))
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	require.Equal(t, "n_YgLHpDfpSn-mDVernLHg", string(c.Hide(nil, 42)), "as it was written then")
}

func TestWhatIsHiddenIsRevealed(t *testing.T) {
	all := newCursors(testKey, testLog)
	ours, theirs := all.of("ours"), all.of("theirs")
	for _, n := range []uint64{0, 1, math.MaxUint64} {
		text := string(ours.Hide(nil, n))
		got, ok := ours.Reveal(text)
		require.True(t, ok)
		require.Equal(t, n, got)
		_, ok = theirs.Reveal(text)
		require.False(t, ok)
	}
	_, ok := ours.Reveal(string(ours.Append(nil, 42)))
	require.False(t, ok, "a place in the log is something else")
}

func FuzzCursor(f *testing.F) {
	all := newCursors(testKey, testLog)
	ours, theirs := all.of("ours"), all.of("theirs")
	f.Add(string(ours.Append(nil, 42)))
	f.Add(string(theirs.Append(nil, 42)))
	f.Add(strings.Repeat("A", 22))
	f.Fuzz(func(t *testing.T, text string) {
		place, ok := ours.Parse(text)
		if ok && !place.Lost && string(ours.Append(nil, place.Behind)) != text {
			t.Fatalf("%q is read as the cursor of %d and is not it", text, place.Behind)
		}
		if _, both := theirs.Parse(text); ok && both {
			t.Fatalf("%q is a cursor of two apps", text)
		}
	})
}

func BenchmarkCursor(b *testing.B) {
	c := newCursors(testKey, testLog).of("ours")
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for i := range uint64(b.N) {
		buf = c.Append(buf[:0], i)
	}
}
