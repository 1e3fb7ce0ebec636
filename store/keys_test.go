package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
)

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.Map(rapid.SliceOf(rapid.SampledFrom([]byte{0, 1, 2, 'a', '/', 0xfe, 0xff})), func(b []byte) string { return string(b) }),
	)
}

func TestTextsInKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyText().Draw(t, "a"), anyText().Draw(t, "b")
		rest := []byte(anyText().Draw(t, "rest"))
		ka, kb := appendText(nil, a), appendText(nil, b)

		got, left, err := text(append(ka[:len(ka):len(ka)], rest...))
		require.NoError(t, err)
		require.Equal(t, a, got)
		require.True(t, bytes.Equal(rest, left))

		require.Equal(t, strings.Compare(a, b), bytes.Compare(ka, kb), "keys sort as the texts do")
		if a != b {
			require.False(t, bytes.HasPrefix(ka, kb), "%q begins with %q", ka, kb)
		}
	})
}

func TestStreamKeysAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := engine.StreamOf(anyText().Draw(t, "app"), anyText().Draw(t, "subscriber"), engine.StreamKind(rapid.Byte().Draw(t, "kind")))
		sequence := rapid.Uint64().Draw(t, "sequence")
		got, n, err := parseStreamKey(appendSequence(streamKey(nil, prefixWait, id), sequence), prefixWait)
		require.NoError(t, err)
		require.Equal(t, id, got)
		require.Equal(t, sequence, n)

		index := rapid.Uint64().Draw(t, "index")
		app, i, err := parseEventKey(eventKey(nil, id.App, index))
		require.NoError(t, err)
		require.Equal(t, id.App, app)
		require.Equal(t, index, i)

		sub, err := parseSubscriberKey(ofSubscriber(nil, prefixSub, engine.SlotOf(id.Subscriber), id.Subscriber), prefixSub)
		require.NoError(t, err)
		require.Equal(t, id.Subscriber, sub)

		owner, err := intentOwner(oldIntentKey(nil, 5, 7, id.App, id.Subscriber, "key")[oldLen:])
		require.NoError(t, err)
		require.Equal(t, id.Subscriber, owner)
	})
}

func TestAfter(t *testing.T) {
	require.Equal(t, []byte("b"), after([]byte("a")))
	require.Equal(t, []byte("b"), after([]byte("a\xff\xff")))
	require.Nil(t, after([]byte("\xff")), "there is nothing behind it")
	require.Nil(t, after(nil))
}

func FuzzKeys(f *testing.F) {
	id := engine.StreamOf("app", "alice", engine.StreamCalls)
	f.Add(appendSequence(streamKey(nil, prefixWait, id), 1))
	f.Add(eventKey(nil, "app", 1))
	f.Add(ofSubscriber(nil, prefixSub, 5, "alice"))
	f.Add([]byte("wait/\x00\x00\x00a\x00"))
	f.Fuzz(func(t *testing.T, k []byte) {
		if id, n, err := parseStreamKey(k, prefixWait); err == nil {
			again, m, err := parseStreamKey(appendSequence(ofStream(nil, prefixWait, 0, id.App, id.Subscriber, id.Kind), n), prefixWait)
			require.NoError(t, err)
			require.Equal(t, id, again)
			require.Equal(t, n, m)
		}
		if app, n, err := parseEventKey(k); err == nil {
			require.True(t, bytes.HasSuffix(eventKey(nil, app, n), k[len(prefixEv)+1:]))
		}
		_, _ = parseSubscriberKey(k, prefixSub)
		_, _ = intentOwner(k)
	})
}
