package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"offhook/engine"
	"offhook/engine/tenant"
)

const (
	maxExcerpt = 1 << 10 // bytes of an answer that are shown
	// excerptWindow is how much of it is looked at, so that what begins within
	// the excerpt and must be hidden is recognised whole.
	excerptWindow = 4 << 10
	minKnown      = 4 // shorter values are no secrets, and hide every other word
	hidden        = "***"
)

// redactor makes excerpts of answers that can be shown. A receiver may echo
// the request, or be something else than its owner believes; what it says must
// not carry secrets or phone numbers to whoever reads a list of attempts. It
// rather hides too much.
type redactor struct {
	known []string // values of this receiver: secrets, its headers, what its URL carries
}

func newRedactor(u *url.URL, r tenant.Receiver) *redactor {
	var k redactor
	for _, s := range r.Secrets {
		k.knows(s, afterPrefix(s))
	}
	for _, old := range slices.Concat(r.Retired, r.RetiredKeys) {
		k.knows(old.Secret, afterPrefix(old.Secret))
	}
	k.knows(r.SigningKey, afterPrefix(r.SigningKey))
	for _, h := range r.Headers {
		k.knows(h.Value)
		k.knows(strings.Fields(h.Value)...)
		if scheme, credentials, ok := strings.Cut(h.Value, " "); ok && strings.EqualFold(scheme, "basic") {
			if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil {
				_, password, _ := strings.Cut(string(plain), ":")
				k.knows(string(plain), password)
			}
		}
	}
	k.knows(u.RawQuery)
	for _, values := range u.Query() {
		for _, v := range values {
			k.knows(v, url.QueryEscape(v))
		}
	}
	return &k
}

func (r *redactor) knows(values ...string) {
	for _, v := range values {
		if v = printable(v); len(v) >= minKnown {
			r.known = append(r.known, v)
		}
	}
}

// people are the names in an event, which a receiver may repeat.
type people struct {
	Subscriber string `json:"subscriber_name"`
	Remote     string `json:"remote_name"`
}

// excerpt is the beginning of a body, one line of printable text.
func (r *redactor) excerpt(body []byte, events []*engine.Notification) string {
	lines := readable(body[:min(len(body), excerptWindow)])
	text := strings.ReplaceAll(lines, "\n", " ")
	known := slices.Clone(r.known)
	for _, e := range events {
		var p people
		_ = json.Unmarshal(e.Body, &p) // ours, and JSON; without names there is nothing to hide
		for _, name := range []string{p.Subscriber, p.Remote} {
			if name = printable(name); len(name) >= minKnown {
				ascii := strconv.QuoteToASCII(name) // \u00fc, as many write JSON
				known = append(known, name, ascii[1:len(ascii)-1])
			}
		}
	}
	hide := make([]bool, len(text))
	for _, v := range known {
		hideKnown(hide, text, v)
	}
	hideNamed(hide, lines)
	hideCredentials(hide, text)
	hideNumbers(hide, text)
	hideTokens(hide, text)
	return show(hide, text)
}

// show writes what is not hidden, up to maxExcerpt.
func show(hide []bool, text string) string {
	var b strings.Builder
	for i, r := range text {
		next := hidden
		if !hide[i] {
			next = string(r)
		} else if i > 0 && hide[i-1] {
			continue
		}
		if i+utf8.RuneLen(r) > maxExcerpt || b.Len()+len(next) > maxExcerpt {
			break
		}
		b.WriteString(next)
	}
	return b.String()
}

// readable is text that can be shown anywhere: no controls, no marks that turn
// its direction, no bytes that are not UTF-8. Its lines are kept apart.
func readable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !strconv.IsPrint(r):
			return '?'
		}
		return r
	}, string(b))
}

// printable is readable text as one line.
func printable(s string) string { return strings.ReplaceAll(readable([]byte(s)), "\n", " ") }

func afterPrefix(key string) string { return key[strings.IndexByte(key, '_')+1:] }
