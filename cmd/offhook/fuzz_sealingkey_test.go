package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/store"
)

// A file of keys has keys of one length, not too many, and what is wrong with
// one that has not never says a key.
func FuzzSealingKeys(f *testing.F) {
	const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for _, text := range []string{key, key + "\n", "# old\n" + key + "\r\n" + key, "", "#", key[1:], strings.Repeat(key+"\n", 100), key + " " + key, "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseSealingKeys(text)
		if err != nil {
			require.Empty(t, keys)
			for _, line := range strings.Fields(text) {
				if len(line) >= 20 {
					require.NotContains(t, err.Error(), line)
				}
			}
			return
		}
		require.NotEmpty(t, keys)
		require.LessOrEqual(t, len(keys), maxSealingKeys)
		for _, k := range keys {
			require.Len(t, k, store.SealKeyLen)
		}
	})
}
