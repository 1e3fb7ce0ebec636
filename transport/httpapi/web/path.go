package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

// MaxText is how many bytes an id, a number or a name may have.
const MaxText = 256

// Param is a value of the path. The router hands it over as it was sent; it
// is decoded here, once, and nowhere else. What decodes to no possible id is
// not found.
func Param(ctx *fasthttp.RequestCtx, name string) (string, error) {
	raw, _ := ctx.UserValue(name).(string)
	s, err := url.PathUnescape(raw) // a plus is a plus
	if err != nil || s == "" || CheckText(s) != "" {
		return "", problem.NotFound()
	}
	return s, nil
}

// Path joins segments to a path, each of them escaped.
func Path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// CheckText says what is wrong with an id, a number or a name; nothing if it
// is empty.
func CheckText(s string) string {
	if len(s) > MaxText {
		return "must not have more than 256 bytes"
	}
	if !utf8.ValidString(s) {
		return "must be UTF-8"
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return "must not contain control characters"
		case r == utf8.RuneError: // what is left of half a surrogate pair, or of somebody else's bad bytes
			return "must not contain U+FFFD"
		}
	}
	return ""
}
