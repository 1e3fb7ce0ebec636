package hookapi

import (
	"slices"
	"strings"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const (
	maxHeaders     = 20
	maxHeaderName  = 64
	maxHeaderValue = 1024

	masked = "•••" // stands for a value that is not shown
)

// reserved are headers that belong to HTTP, to the connection or to us.
var reserved = []string{
	"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "te", "trailer", "connection", "keep-alive",
	"upgrade", "expect", "user-agent", "accept-encoding", "date", "forwarded", "via", "range",
}

var reservedPrefixes = []string{"webhook-", "proxy-", "x-forwarded-", "sec-"}

// viewHeaders hides what looks like a secret.
func viewHeaders(list []tenant.Header) map[string]string {
	v := make(map[string]string, len(list))
	for _, h := range list {
		if v[h.Name] = h.Value; secretive(h) {
			v[h.Name] = masked
		}
	}
	return v
}

func secretive(h tenant.Header) bool {
	name := strings.ToLower(h.Name)
	for _, word := range []string{"auth", "key", "token", "secret", "passw", "cookie", "credential", "signature", "session"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	scheme, _, _ := strings.Cut(strings.ToLower(h.Value), " ")
	return scheme == "bearer" || scheme == "basic"
}

// readHeaders reads {name: value}. A value may be the mask: who shows a webhook
// and sends it back changed does not know better.
func readHeaders(doc web.Object) ([]tenant.Header, error) {
	names := doc.Names()
	if len(names) > maxHeaders {
		return nil, problem.Invalid("headers", "must not be more than 20")
	}
	var list []tenant.Header
	for _, name := range names {
		if wrong := checkHeaderName(name); wrong != "" {
			return nil, problem.Invalid("headers", wrong)
		}
		if slices.ContainsFunc(list, func(h tenant.Header) bool { return strings.EqualFold(h.Name, name) }) {
			return nil, problem.Invalid("headers."+name, "is there twice")
		}
		value, err := doc.Long(name, maxHeaderValue)
		if err != nil {
			return nil, err
		}
		if doc.Null(name) || value != masked && !headerValue(value) {
			return nil, problem.Invalid("headers."+name, "must be printable ASCII, without spaces around it")
		}
		list = append(list, tenant.Header{Name: name, Value: value})
	}
	slices.SortFunc(list, func(a, b tenant.Header) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return list, nil
}

// unmask puts the values back that were not shown.
func unmask(list, was []tenant.Header) ([]tenant.Header, error) {
	list = slices.Clone(list)
	for i, h := range list {
		if h.Value != masked {
			continue
		}
		j := slices.IndexFunc(was, func(w tenant.Header) bool { return strings.EqualFold(w.Name, h.Name) })
		if j < 0 {
			return nil, problem.Invalid("headers."+h.Name, "must have a value")
		}
		list[i].Value = was[j].Value
	}
	return list, nil
}

func checkHeaderName(name string) string {
	if name == "" || len(name) > maxHeaderName {
		return "must have names of 1 to 64 characters"
	}
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) { // RFC 9110 §5.6.2
			return "must have names that HTTP allows"
		}
	}
	lower := strings.ToLower(name)
	if slices.Contains(reserved, lower) || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) {
		return "must not have a name that belongs to HTTP or to offhook"
	}
	return ""
}

func headerValue(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && s[0] != ' ' && s[len(s)-1] != ' '
}
