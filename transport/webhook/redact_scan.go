package webhook

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What looks like something to hide, found in time that is linear in the text:
// who writes it may want to keep us busy. hide[i] says of text[i] that it is
// not to be shown. Regular expressions took ten times as long.

func mark(hide []bool, from, to int) {
	for i := from; i < to; i++ {
		hide[i] = true
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
			return
		}
	}
}

// secretNames begin the last part of the names that secrets have.
var secretNames = []string{
	"passw", "passphrase", "pwd", "secret", "token", "auth", "cookie", "session", "credential", "signature",
	"apikey", "api_key", "api-key", "api key", "accesskey", "access_key", "access-key", "access key",
	"privatekey", "private_key", "private-key", "private key",
}

// hideNamed hides the values of names like client_secret, in a header, a form,
// JSON, or JSON within JSON.
func hideNamed(hide []bool, text string) {
	lower := lowerASCII(text)
	for _, name := range secretNames {
		for from := 0; ; {
			i := strings.Index(lower[from:], name)
			if i < 0 {
				break
			}
			begin, end := valueBehind(text, from+i+len(name))
			mark(hide, begin, end)
			from = max(from+i+len(name), end)
		}
	}
}

// maxName bounds what is left of a name behind the part that tells.
const maxName = 32

// valueBehind is where the value of a name begins and ends that goes on at i.
// Both are the same if there is none.
func valueBehind(text string, i int) (begin, end int) {
	i = skip(text, i, "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", maxName)
	i = skip(text, i, `\`, 3)
	i = skip(text, i, `"'`, 1)
	i = skip(text, i, " \n", 2)
	assigned := skip(text, i, ":=", 1)
	if assigned == i {
		return i, i
	}
	begin = skip(text, assigned, " \n", 2)
	plain := skip(text, begin, `\`, 3)
	if plain == len(text) || text[plain] != '"' && text[plain] != '\'' {
		return begin, until(text, begin, "\n\"',;&<}]")
	}
	quote := text[plain]
	begin = plain + 1
	if text[plain-1] == '\\' {
		return begin, until(text, begin, string(quote)+`\`)
	}
	for end = begin; end < len(text) && text[end] != quote; end++ {
		if text[end] == '\\' {
			end++
		}
	}
	return begin, min(end, len(text))
}

// hideCredentials hides what follows the name of an authentication scheme,
// and what is before the @ of a URL.
func hideCredentials(hide []bool, text string) {
	lower := lowerASCII(text)
	for _, scheme := range []string{"bearer ", "basic ", "digest "} {
		for from := 0; ; {
			i := strings.Index(lower[from:], scheme)
			if i < 0 {
				break
			}
			from += i + len(scheme)
			end := until(text, from, ` "',;<>`)
			mark(hide, from, end)
			from = end
		}
	}
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			break
		}
		from += i + len("://")
		if end := until(text, from, ` /@"'<>`); end < len(text) && text[end] == '@' {
			mark(hide, from, end)
		}
	}
}

// minDigits make a phone number. Addresses, dates and large numbers look the
// same, and are no loss.
const minDigits = 7

// hideNumbers hides phone numbers, however they are spaced.
func hideNumbers(hide []bool, text string) {
	var begin, end, digits, gap int
	number := func() {
		if digits >= minDigits {
			mark(hide, begin, end)
		}
		digits, gap = 0, 0
	}
	for i, r := range text {
		switch {
		case unicode.Is(unicode.Nd, r):
			if digits == 0 {
				begin = i
				if i > 0 && text[i-1] == '+' {
					begin--
				}
			}
			digits, gap, end = digits+1, 0, i+utf8.RuneLen(r)
		case digits > 0 && gap < 3 && (strings.ContainsRune("-./() ", r) || r >= '\u2010' && r <= '\u2015'):
			gap++
		default:
			number()
		}
	}
	number()
}

// hideTokens hides keys, digests, ids, base 64: words no language has.
func hideTokens(hide []bool, text string) {
	digit, begin := false, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			c := text[i]
			if c >= '0' && c <= '9' {
				digit = true
				continue
			}
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_+/=~%-", c) >= 0 {
				continue
			}
		}
		if n := i - begin; n >= 32 || n >= 16 && digit {
			mark(hide, begin, i)
		}
		digit, begin = false, i+1
	}
}

// skip goes on over up to most bytes of a set.
func skip(text string, i int, set string, most int) int {
	for end := min(len(text), i+most); i < end && strings.IndexByte(set, text[i]) >= 0; i++ {
	}
	return i
}

// until is where the first byte of a set is, or the end.
func until(text string, i int, set string) int {
	if n := strings.IndexAny(text[i:], set); n >= 0 {
		return i + n
	}
	return len(text)
}

// lowerASCII keeps every byte where it is, which strings.ToLower does not.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
