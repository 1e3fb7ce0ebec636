package adminapi

import (
	"net/url"
	"strconv"
	"strings"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const maxURL = 2048

// hookView is a webhook as it is shown. The secret is, once, when it is made.
type hookView struct {
	URL    string `json:"url"`
	Secret string `json:"secret,omitempty"`
}

func viewHook(r tenant.Receiver, secret string) *hookView {
	if !r.Set() {
		return nil
	}
	return &hookView{URL: r.URL, Secret: secret}
}

// readHook applies a webhook member to what was there: {"url": …} sets it, null
// removes it, and if it is not there nothing changes. A secret is made, and
// returned to be shown, for a webhook that has none.
func (s *Server) readHook(doc web.Object, name string, was tenant.Receiver) (r tenant.Receiver, secret string, err error) {
	switch {
	case !doc.Has(name):
		return was, "", nil
	case doc.Null(name):
		return tenant.Receiver{}, "", nil
	}
	hook, err := doc.Object(name)
	if err != nil {
		return r, "", err
	}
	text, err := hook.Long("url", maxURL)
	if err != nil {
		return r, "", err
	}
	if wrong := checkURL(text, s.config.AllowHTTP); wrong != "" {
		return r, "", problem.Invalid(name+".url", wrong)
	}
	r = tenant.Receiver{URL: text, Secrets: was.Secrets}
	if len(r.Secrets) == 0 {
		if secret, err = tenant.NewSecret(s.config.Random); err != nil {
			return r, "", err
		}
		r.Secrets = []string{secret}
	}
	return r, secret, nil
}

// checkURL says what is wrong with a webhook's URL. Where it leads is checked
// each time it is dialled, since names change their minds.
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
