package tenant

import (
	"slices"
	"strings"
)

// Bounds of the headers a receiver may ask for.
const (
	MaxHeaders     = 16
	maxHeaderName  = 64
	maxHeaderValue = 1024
	maxHeaderBytes = 4 << 10 // of all, as they are sent
)

// reserved are headers that belong to HTTP, to the connection or to offhook.
// Authorization is not among them: a gateway before a receiver may want it.
var reserved = []string{
	"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "date", "expect", "forwarded",
	"host", "keep-alive", "range", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
}

var reservedPrefixes = []string{"proxy-", "sec-", "webhook-", "x-forwarded-"}

// CheckHeader says what is wrong with a header a receiver asks for; "" if
// nothing is. It never repeats the value, which may be a credential.
func CheckHeader(name, value string) string {
	switch {
	case name == "" || len(name) > maxHeaderName:
		return "must have a name of 1 to 64 characters"
	case strings.ContainsFunc(name, notToken):
		return "must have a name that HTTP allows"
	case isReserved(name):
		return "must not have a name that belongs to HTTP or to offhook"
	case value == "" || len(value) > maxHeaderValue:
		return "must have a value of 1 to 1024 characters"
	case strings.ContainsFunc(value, notFieldValue) || strings.Trim(value, " \t") != value:
		return "must have a value of printable ASCII, without spaces around it"
	}
	return ""
}

// CheckHeaders says what is wrong with the headers of a receiver taken
// together, or with one of them; "" if nothing is.
func CheckHeaders(list []Header) string {
	if len(list) > MaxHeaders {
		return "must not be more than 16"
	}
	size := 0
	for i, h := range list {
		if wrong := CheckHeader(h.Name, h.Value); wrong != "" {
			return wrong
		}
		if slices.ContainsFunc(list[:i], func(other Header) bool { return strings.EqualFold(other.Name, h.Name) }) {
			return "must not name a header twice"
		}
		size += len(h.Name) + len(": ") + len(h.Value) + len("\r\n")
	}
	if size > maxHeaderBytes {
		return "must not be longer than 4096 bytes in all"
	}
	return ""
}

func isReserved(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(reserved, name) || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// notToken is RFC 9110 §5.6.2.
func notToken(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

// notFieldValue is RFC 9110 §5.5 without obs-text: bytes above ASCII mean
// something different to different readers.
func notFieldValue(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }
