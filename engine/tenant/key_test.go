package tenant

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

var both = []Scope{ScopeRead, ScopeControl}

func newKey(t testing.TB) (Key, string) {
	t.Helper()
	k, text, err := NewKey(rand.Reader, both, time.UnixMilli(1533331051226))
	require.NoError(t, err)
	return k, text
}

func TestAKeyReadsBackAsItself(t *testing.T) {
	k, text := newKey(t)
	require.True(t, strings.HasPrefix(text, "ok_live_"))
	require.Len(t, text, keyLen)
	require.EqualValues(t, 1533331051226, k.CreatedAt)

	id, digest, ok := ParseKey(text)
	require.True(t, ok)
	require.Equal(t, k.ID, id)
	require.True(t, k.Matches(digest))

	other, otherText := newKey(t)
	require.NotEqual(t, k.ID, other.ID)
	_, otherDigest, _ := ParseKey(otherText)
	require.False(t, k.Matches(otherDigest), "another key is not this one")
}

// The smallest and the largest numbers have the same width as all others.
func TestKeysHaveOneWidth(t *testing.T) {
	for _, fill := range []byte{0x00, 0xff} {
		_, text, err := NewKey(bytes.NewReader(bytes.Repeat([]byte{fill}, 40)), both, time.Now())
		require.NoError(t, err)
		_, _, ok := ParseKey(text)
		require.True(t, ok, text)
	}
}

func TestEveryTypoIsCaught(t *testing.T) {
	_, text := newKey(t)
	for i := range text {
		for _, c := range []byte{'0', 'A', 'z', '-', ' ', 0, 0xff} {
			if text[i] == c {
				continue
			}
			typo := text[:i] + string(rune(c)) + text[i+1:]
			_, _, ok := ParseKey(typo)
			require.False(t, ok, "position %d", i)
		}
		_, _, ok := ParseKey(text[:i])
		require.False(t, ok, "cut at %d", i)
		if i > 0 && text[i] != text[i-1] {
			swapped := []byte(text)
			swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
			_, _, ok = ParseKey(string(swapped))
			require.False(t, ok, "swapped at %d", i)
		}
	}
	_, _, ok := ParseKey(text + "0")
	require.False(t, ok)
}

func TestAKeyNeedsAScopeAndRandomness(t *testing.T) {
	_, _, err := NewKey(rand.Reader, nil, time.Now())
	require.Error(t, err)
	_, _, err = NewKey(rand.Reader, []Scope{"calls:everything"}, time.Now())
	require.ErrorContains(t, err, "calls:everything")

	broken := errors.New("no entropy")
	_, _, err = NewKey(iotest.ErrReader(broken), both, time.Now())
	require.ErrorIs(t, err, broken)
}

func FuzzParseKey(f *testing.F) {
	_, text := newKey(f)
	f.Add(text)
	f.Add("")
	f.Add("ok_live_")
	f.Add(strings.Repeat("0", keyLen))
	f.Add("ok_live_" + strings.Repeat("é", 30))
	f.Fuzz(func(t *testing.T, s string) {
		id, _, ok := ParseKey(s)
		if ok && (len(id) != idLen || !strings.Contains(s, id)) {
			t.Errorf("id %q of %q", id, s)
		}
	})
}
