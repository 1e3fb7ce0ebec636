package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
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
	for _, old := range r.Retired {
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
		if v = printable([]byte(v)); len(v) >= minKnown {
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
	text := printable(body[:min(len(body), excerptWindow)])
	known := slices.Clone(r.known)
	for _, e := range events {
		var p people
		_ = json.Unmarshal(e.Body, &p) // ours, and JSON; without names there is nothing to hide
		for _, name := range []string{p.Subscriber, p.Remote} {
			if name = printable([]byte(name)); len(name) >= minKnown {
				ascii := strconv.QuoteToASCII(name) // \u00fc, as many write JSON
				known = append(known, name, ascii[1:len(ascii)-1])
			}
		}
	}
	hide := make([]bool, len(text))
	for _, v := range known {
		hideKnown(hide, text, v)
	}
	for _, p := range patterns {
		for _, at := range p.FindAllStringSubmatchIndex(text, -1) {
			from, to := at[0], at[1]
			for i := 2; i < len(at); i += 2 { // the group that matched, if there are groups
				if at[i] >= 0 {
					from, to = at[i], at[i+1]
				}
			}
			mark(hide, from, to)
		}
	}
	hideTokens(hide, text)
	return show(hide, text)
}

// patterns find what looks like something to hide: all of a match, or the
// group in it.
var patterns = []*regexp.Regexp{
	// A value that is called a secret, quoted or not, also as JSON within JSON.
	regexp.MustCompile(`(?i)(?:passw|passphrase|pwd|secret|token|api[-_ ]?key|private[-_ ]?key|access[-_ ]?key|auth|cookie|session|credential|signature)` +
		`[-\w]{0,32}\\*["']? ?[:=] ?(?:"((?:[^"\\]|\\.)*)|\\+"([^"\\]*)|'([^']*)|([^"',;&<}\]]+))`),
	regexp.MustCompile(`(?i)\b(?:bearer|basic|digest|token|key) +([^ "',;<>]{4,})`),
	regexp.MustCompile(`://([^/ @"'<>]+)@`), // credentials in a URL
	// A phone number, however it is spaced: seven digits and more. Addresses,
	// dates and large numbers look the same, and are no loss.
	regexp.MustCompile(`\+?\p{Nd}(?:[-./()\x{2010}-\x{2015} ]{0,3}\p{Nd}){6,}`),
}

// token is what keys, digests, ids and base 64 are made of.
var token = regexp.MustCompile(`[A-Za-z0-9_+/=~%-]{16,}`)

// hideTokens hides long words no language has.
func hideTokens(hide []bool, text string) {
	for _, at := range token.FindAllStringIndex(text, -1) {
		if word := text[at[0]:at[1]]; len(word) >= 32 || strings.ContainsAny(word, "0123456789") {
			mark(hide, at[0], at[1])
		}
	}
}

// hideKnown hides a value wherever it is, and its beginning where the text ends.
func hideKnown(hide []bool, text, v string) {
	for from := 0; ; {
		i := strings.Index(text[from:], v)
		if i < 0 {
			break
		}
		mark(hide, from+i, from+i+len(v))
		from += i + 1
	}
	for n := min(len(v)-1, len(text)); n >= minKnown; n-- {
		if strings.HasSuffix(text, v[:n]) {
			mark(hide, len(text)-n, len(text))
			break
		}
	}
}

func mark(hide []bool, from, to int) {
	for i := from; i < to; i++ {
		hide[i] = true
	}
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

// printable is text as one line that can be shown anywhere: no controls, no
// marks that turn its direction, no bytes that are not UTF-8.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !strconv.IsPrint(r):
			return '?'
		}
		return r
	}, string(b))
}

func afterPrefix(key string) string { return key[strings.IndexByte(key, '_')+1:] }
