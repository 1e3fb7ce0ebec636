package hookapi

import (
	"net/url"
	"strconv"
	"strings"
)

// MaxURL is how many bytes the URL of a webhook may have.
const MaxURL = 2048

// URLs are the URLs a webhook may have.
type URLs struct {
	AllowHTTP bool  // http:// too
	Guard     Guard // nil forbids nothing more
}

// Check says what is wrong with a webhook's URL. Where a name leads is checked
// each time it is dialled, since names change their minds.
func (u URLs) Check(app, text string) (wrong string) {
	if wrong := checkURL(text, u.AllowHTTP); wrong != "" || u.Guard == nil {
		return wrong
	}
	if _, err := u.Guard.CheckURL(app, text); err != nil {
		return err.Error()
	}
	return ""
}

func checkURL(text string, allowHTTP bool) string {
	if text == "" {
		return "is required"
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return "must be printable ASCII; write other characters percent-encoded, and host names in punycode"
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return "must be a URL"
	}
	switch {
	case u.Scheme != "https" && !(allowHTTP && u.Scheme == "http"):
		return "must be an https URL"
	case u.User != nil:
		return "must not contain a user or a password"
	case u.Opaque != "" || u.Hostname() == "" || strings.ContainsAny(u.Host, `\%`):
		return "must have a host"
	case u.Fragment != "" || strings.Contains(text, "#"):
		return "must not have a fragment"
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return "must have a port from 1 to 65535, or none"
		}
	}
	return ""
}

// hostOf is what a log may say of a URL: paths and queries of webhooks are
// often secrets.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Host
}
