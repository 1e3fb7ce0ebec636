package xsicontact

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// Behind a proxy the last address counts, whatever stands before it; what is no
// address is nobody.
func FuzzForwarded(f *testing.F) {
	for _, h := range []string{"192.0.2.1", "198.51.100.7, 192.0.2.1", "", ",", "192.0.2.1,", "::ffff:192.0.2.1", "[::1]", "192.0.2.1:80", "unknown", "fe80::1%eth0"} {
		f.Add("203.0.113.9", h)
		f.Add(h, "192.0.2.1")
	}
	f.Fuzz(func(t *testing.T, first, last string) {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.Add(fasthttp.HeaderXForwardedFor, first)
		ctx.Request.Header.Add(fasthttp.HeaderXForwardedFor, last)
		from, ok := forwarded(&ctx)
		if !ok {
			return
		}
		require.True(t, from.IsValid())
		require.False(t, from.Is4In6())
		var alone fasthttp.RequestCtx
		alone.Request.Header.Add(fasthttp.HeaderXForwardedFor, last)
		same, ok := forwarded(&alone)
		require.True(t, ok)
		require.Equal(t, same, from, "hearsay counts for nothing")
	})
}
