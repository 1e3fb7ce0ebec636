package tenant

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// DefaultContactListen is where the listener of an HTTP contact is unless told
// otherwise.
const DefaultContactListen = ":9443"

// ContactFault is a thing wrong with an HTTP contact: the setting, and what to
// do about it.
type ContactFault struct{ Setting, Why string }

// Fault is the first of Faults. It is empty when all is well.
func (c *Contact) Fault() (setting, why string) {
	if all := c.Faults(); len(all) > 0 {
		return all[0].Setting, all[0].Why
	}
	return "", ""
}

// Faults are all that is wrong, at most one for each setting.
func (c *Contact) Faults() (all []ContactFault) {
	found := func(setting, why string) { all = append(all, ContactFault{setting, why}) }
	if !address(c.Listen) {
		found("listen", "is no address to listen on; write host:port, as in 0.0.0.0:9443")
	}
	u, err := url.Parse(c.PublicURL)
	switch {
	case c.PublicURL == "":
		found("public_url", "is required: where the platform finds the listener, as in https://receiver.example.com/xsi")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(c.PublicURL) > 1024:
		found("public_url", "must be https://host[:port][/path]; a secret path is put behind it")
	}
	switch {
	case c.CertFile != "" && c.KeyFile == "":
		found("cert_file", "is given without key_file; HTTPS needs both, plain HTTP behind a proxy neither")
	case c.KeyFile != "" && c.CertFile == "":
		found("key_file", "is given without cert_file; HTTPS needs both, plain HTTP behind a proxy neither")
	}
	switch {
	case len(c.Allow) == 0:
		found("allow", "is required: the addresses of every XSP, as in 192.0.2.0/24; nobody else is listened to")
	case len(c.Prefixes()) < len(c.Allow):
		found("allow", "must be addresses or networks, as in 192.0.2.7 or 2001:db8::/32")
	}
	return all
}

func address(s string) bool {
	host, port, err := net.SplitHostPort(s)
	_, notNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && notNumber == nil && !strings.ContainsAny(host, " /")
}

// Prefixes are those of Allow; one that is none is left out.
func (c *Contact) Prefixes() (all []netip.Prefix) {
	for _, a := range c.Allow {
		if p, ok := prefix(a); ok {
			all = append(all, p)
		}
	}
	return all
}

// prefix reads a network, or one address.
func prefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}
