package tenant

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// A text is a secret in one form alone: what is taken comes out as it went in.
func FuzzSecrets(f *testing.F) {
	for _, text := range []string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA\nAAAA", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 64)), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsk_" + base64.StdEncoding.EncodeToString(make([]byte, 64)), "whpk_" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if key, ok := ParseSecret(text); ok {
			require.GreaterOrEqual(t, len(key), minSecret)
			require.LessOrEqual(t, len(key), maxSecret)
			same, _ := ParseSecret(secretPrefix + base64.StdEncoding.EncodeToString(key))
			require.Equal(t, key, same)
		}
		if key, ok := ParseSigningKey(text); ok {
			require.Equal(t, text, signingPrefix+base64.StdEncoding.EncodeToString(key))
			public, ok := PublicKey(text)
			require.True(t, ok)
			_, ok = ParsePublicKey(public)
			require.True(t, ok)
		}
	})
}

// Of a contact that has no fault every address in its list counts.
func FuzzContact(f *testing.F) {
	f.Add("0.0.0.0:8443", "https://xsi.example.com", "10.0.0.0/8")
	f.Add(":8443", "http://xsi.example.com/", "10.0.0.1")
	f.Add("x", "ftp://x", "::1/0")
	f.Add("[::1]:0", "https://user@host", "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, listen, url, allow string) {
		c := &Contact{Listen: listen, PublicURL: url, Allow: []string{allow}}
		setting, why := c.Fault()
		require.Equal(t, setting == "", why == "")
		if why == "" {
			require.Len(t, c.Prefixes(), 1)
		}
	})
}
