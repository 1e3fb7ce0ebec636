package hookapi_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/transport/hookapi"
	"offhook/transport/webhook"
)

func TestWebhookURLs(t *testing.T) {
	for _, good := range []string{
		"https://example.com", "https://example.com:8443/a/b?c=d&e=%20", "https://192.0.2.1/", "https://[2001:db8::1]:443/", "https://xn--bcher-kva.example/",
	} {
		require.Empty(t, hookapi.URLs{}.Check("app", good), good)
	}
	for _, bad := range []string{
		"", "example.com", "//example.com", "/path", "https:example.com", "https://", "https:///path", "http://example.com", "ftp://example.com", "HTTPS",
		"https://user@example.com", "https://user:pass@example.com", "https://@example.com", "https://example.com/#top", "https://example.com/#",
		"https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://example.com:http/", "https://exa mple.com",
		"https://example.com/\r\nX: y", "https://bücher.example/", "https://example.com\\@evil.example/", "https://%65xample.com/", "javascript:alert(1)",
		"https://[::1", "https://[fe80::1%25eth0]/", " https://example.com",
	} {
		require.NotEmpty(t, hookapi.URLs{}.Check("app", bad), bad)
		wrong := hookapi.URLs{AllowHTTP: true}.Check("app", bad)
		require.Equal(t, strings.HasPrefix(bad, "http:"), wrong == "", bad)
	}
}

// What can be told without DNS is told at once.
func TestURLsTheGuardKnows(t *testing.T) {
	urls := hookapi.URLs{Guard: &webhook.Guard{}}
	require.Empty(t, urls.Check("app", "https://example.com/"))
	for bad, why := range map[string]string{
		"https://127.0.0.1/": "loopback", "https://10.1.2.3/": "private", "https://[::1]/": "loopback", "https://169.254.169.254/latest": "metadata",
		"https://[::ffff:10.0.0.1]/": "private", "https://0x7f.1/": "number", "https://2130706433/": "number", "https://example.com:22/": "port 22",
		"https://[64:ff9b::a00:1]/": "embeds",
	} {
		require.Contains(t, urls.Check("app", bad), why, bad)
	}
}
