package tenant

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func text64(prefix string, n int) string {
	return prefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xa5}, n))
}

func TestASecretIsWhatStandardWebhooksWants(t *testing.T) {
	s, err := NewSecret(rand.Reader)
	require.NoError(t, err)
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
	require.NoError(t, err)
	require.Len(t, raw, 32)
	require.True(t, CheckSecret(s))
	other, err := NewSecret(rand.Reader)
	require.NoError(t, err)
	require.NotEqual(t, s, other)
}

func TestSecretsOfTheWrongShape(t *testing.T) {
	good := text64("whsec_", 32)
	for text, ok := range map[string]bool{
		good: true, text64("whsec_", 24): true, text64("whsec_", 64): true, text64("whsec_", 25): true,

		"": false, "whsec_": false, text64("whsec_", 23): false, text64("whsec_", 65): false, text64("whsec_", 1<<20): false,
		text64("", 32): false, text64("WHSEC_", 32): false, text64("whsk_", 64): false, text64("whpk_", 32): false, text64(" whsec_", 32): false,
		good + "\n": false, good[:20] + "\r\n" + good[20:]: false, good + " ": false, good + "=": false,
		strings.TrimRight(good, "="): false, good[:len(good)-2]: false, "whsec_" + strings.Repeat("*", 44): false,
		"whsec_" + base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb, 0xff}, 16)): false,
	} {
		require.Equal(t, ok, CheckSecret(text), "%.80q", text)
	}
}

func TestASigningKeySigns(t *testing.T) {
	text, err := NewSigningKey(rand.Reader)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, "whsk_"))
	require.True(t, CheckSigningKey(text))
	key, ok := ParseSigningKey(text)
	require.True(t, ok)

	publicText, ok := PublicKey(text)
	require.True(t, ok)
	public, ok := ParsePublicKey(publicText)
	require.True(t, ok)
	require.True(t, ed25519.Verify(public, []byte("x"), ed25519.Sign(key, []byte("x"))))
}

func TestSigningKeysOfTheWrongShape(t *testing.T) {
	good, err := NewSigningKey(rand.Reader)
	require.NoError(t, err)
	other, err := NewSigningKey(rand.Reader)
	require.NoError(t, err)
	key, _ := ParseSigningKey(good)
	stranger, _ := ParseSigningKey(other)
	mixed := append(bytes.Clone(key[:32]), stranger[32:]...)
	for name, text := range map[string]string{
		"empty": "", "only the prefix": "whsk_", "the seed alone": "whsk_" + base64.StdEncoding.EncodeToString(key[:32]),
		"a byte less": "whsk_" + base64.StdEncoding.EncodeToString(key[:63]), "a byte more": "whsk_" + base64.StdEncoding.EncodeToString(append(bytes.Clone(key), 0)),
		"halves of two": "whsk_" + base64.StdEncoding.EncodeToString(mixed), "no prefix": good[5:], "a secret": text64("whsec_", 64),
		"a public key": text64("whpk_", 32), "a line end": good + "\n", "not base 64": "whsk_" + strings.Repeat("*", 88),
	} {
		require.False(t, CheckSigningKey(text), name)
		_, ok := PublicKey(text)
		require.False(t, ok, name)
	}
	for _, text := range []string{"", "whpk_", text64("whpk_", 31), text64("whpk_", 33), text64("whsec_", 32), good} {
		_, ok := ParsePublicKey(text)
		require.False(t, ok, "%.12q", text)
	}
}

func TestSecretsNeedRandomness(t *testing.T) {
	broken := errors.New("no entropy")
	_, err := NewSecret(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	_, err = NewSigningKey(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
}
