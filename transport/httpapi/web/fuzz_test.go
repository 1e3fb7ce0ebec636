package web

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

// A cursor of a list is what a Link gave, and nothing else.
func FuzzListCursor(f *testing.F) {
	for _, query := range []string{"after=MTphbGljZQ", "after=", "after=MTo", "limit=5&after=MTphbGljZQ", "after=%00", "after=MTphbGljZQ==", "after=a&after=b", "after=" + strings.Repeat("A", 5000)} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var args fasthttp.Args
		args.Parse(query)
		key, err := cursor(&args)
		if err != nil {
			require.Empty(t, key)
			return
		}
		if key != "" {
			require.Contains(t, string(args.Peek("after")), base64.RawURLEncoding.EncodeToString([]byte(cursorMark + key))[:2])
			raw, err := base64.RawURLEncoding.DecodeString(string(args.Peek("after")))
			require.NoError(t, err)
			require.Equal(t, cursorMark+key, string(raw))
		}
	})
}

// A token is one word or more that follows one scheme in one header.
func FuzzBearer(f *testing.F) {
	for _, header := range []string{"Bearer abc", "bearer  abc", "Basic abc", "Bearer", "Bearer ", "Bearer a b", "Bearer\tabc", "BEARER \x00"} {
		f.Add(header, "")
		f.Add(header, header)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		var ctx fasthttp.RequestCtx
		ctx.Request.Header.Add(fasthttp.HeaderAuthorization, one)
		if two != "" {
			ctx.Request.Header.Add(fasthttp.HeaderAuthorization, two)
		}
		token, ok := Bearer(&ctx)
		if !ok {
			return
		}
		require.Empty(t, two, "there are two")
		require.NotEmpty(t, token)
		require.True(t, strings.EqualFold(one[:7], "Bearer "))
		require.False(t, strings.HasPrefix(token, " "))
	})
}

// A value of a path is decoded once, and is an id as there may be one.
func FuzzParam(f *testing.F) {
	for _, raw := range []string{"alice@example.com", "a%40b", "%", "%zz", "%00", "%2e%2e%2f", "a+b", "%ff", "%25252e", "電話", strings.Repeat("x", 300), "%EF%BF%BD"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var ctx fasthttp.RequestCtx
		ctx.SetUserValue("id", raw)
		id, err := Param(&ctx, "id")
		if err != nil {
			return
		}
		require.NotEmpty(t, id)
		require.Empty(t, CheckText(id))
		again, err := url.PathUnescape(raw)
		require.NoError(t, err)
		require.Equal(t, again, id)
		path := Path(id)
		back, err := url.PathUnescape(path[1:])
		require.NoError(t, err)
		require.Equal(t, id, back)
		require.NotContains(t, path[1:], "/")
	})
}
