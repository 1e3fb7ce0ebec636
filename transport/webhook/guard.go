package webhook

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// Guard decides where a webhook may go. Apps choose their URLs, so without it
// they could make this process talk to whatever it can reach.
//
// The decision that counts is made on the address a socket is about to connect
// to, after DNS: a name that answers differently the second time gains nothing.
// The zero Guard allows https to public addresses on ports 443 and 8443.
type Guard struct {
	AllowHTTP    bool // http:// as well, and port 80
	AllowPrivate bool // loopback, RFC 1918, CGNAT and unique local addresses, on any port
	AllowPorts   []uint16

	// Exempt lists exact addresses one app may deliver to, over http and
	// whatever else is set: the built-in demo receiver, for the demo app only.
	Exempt map[netip.AddrPort]string
}

// ErrBlocked says that the guard refuses a destination.
var ErrBlocked = errors.New("destination not allowed")

// blockedError is ErrBlocked and why.
type blockedError struct{ why string }

func (e *blockedError) Error() string        { return ErrBlocked.Error() + ": " + e.why }
func (e *blockedError) Is(target error) bool { return target == ErrBlocked }

func blocked(format string, args ...any) error {
	return &blockedError{fmt.Sprintf(format, args...)}
}

// blockedReason is the guard's own words within a dialler's error, which
// names addresses too.
func blockedReason(err error) string {
	var b *blockedError
	if errors.As(err, &b) {
		return b.Error()
	}
	return ErrBlocked.Error()
}

// CheckURL says whether a webhook URL can be accepted: what is wrong with it
// can be told before anything is sent. Names are judged again when dialled.
func (g *Guard) CheckURL(app, raw string) (*url.URL, error) {
	if len(raw) > 2048 {
		return nil, blocked("the URL is longer than 2048 bytes")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, blocked("not a URL") // the parser's words would repeat it, credentials and all
	}
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http" && g.AllowHTTP:
		return nil, blocked("the scheme is neither https nor http")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, blocked("the scheme is not https")
	case host == "" || u.Opaque != "":
		return nil, blocked("the URL has no host")
	case u.User != nil:
		return nil, blocked("the URL carries credentials")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return nil, blocked("the URL has a fragment")
	case !plainHost(host):
		return nil, blocked("the host is not a plain name or address; write international names in their xn-- form")
	}
	port, err := portOf(u)
	if err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(host)
	isAddr := err == nil
	if isAddr && g.exempt(app, netip.AddrPortFrom(addr.Unmap(), port)) {
		return u, nil
	}
	if u.Scheme == "http" && !g.AllowHTTP {
		return nil, blocked("the scheme is not https")
	}
	if isAddr {
		return u, g.CheckAddr(app, netip.AddrPortFrom(addr, port))
	}
	if numeric(host) {
		// 0x7f.1, 0177.0.0.1 and 2130706433 are loopback to some resolvers.
		return nil, blocked("the host is a number but not an address in its usual form")
	}
	if !g.allowPort(port) {
		return nil, blocked("port %d is not allowed", port)
	}
	return u, nil
}

// CheckAddr says whether a socket may connect there.
func (g *Guard) CheckAddr(app string, to netip.AddrPort) error {
	if to.Addr().Zone() != "" {
		return blocked("the address has a zone")
	}
	addr := to.Addr().Unmap()
	if g.exempt(app, netip.AddrPortFrom(addr, to.Port())) {
		return nil
	}
	if !g.allowPort(to.Port()) {
		return blocked("port %d is not allowed", to.Port())
	}
	for _, r := range never {
		if r.prefix.Contains(addr) {
			return blocked("%s", r.what)
		}
	}
	for _, r := range private {
		if r.prefix.Contains(addr) {
			if g.AllowPrivate {
				return nil
			}
			return blocked("%s", r.what)
		}
	}
	if addr.Is6() && !globalUnicast6.Contains(addr) {
		return blocked("not a global unicast address")
	}
	return nil
}

// control is the Control of a net.Dialer: it sees each address the dialler is
// about to try, after DNS.
func (g *Guard) control(app string) func(network, address string, _ syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		if network != "tcp4" && network != "tcp6" {
			return blocked("not TCP")
		}
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return blocked("not an address")
		}
		return g.CheckAddr(app, to)
	}
}

func (g *Guard) exempt(app string, to netip.AddrPort) bool {
	owner, ok := g.Exempt[to]
	return ok && owner == app
}

func (g *Guard) allowPort(port uint16) bool {
	switch port {
	case 443, 8443:
		return true
	case 80:
		return g.AllowHTTP
	case 0:
		return false
	}
	if g.AllowPrivate {
		return true
	}
	for _, p := range g.AllowPorts {
		if p == port {
			return true
		}
	}
	return false
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, blocked("the port is missing")
		}
		if u.Scheme == "http" {
			return 80, nil
		}
		return 443, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return 0, blocked("the port is not a number from 1 to 65535")
	}
	return uint16(port), nil
}

// plainHost reports whether a host is made of what names and addresses are
// made of. Everything else (spaces, percent signs and so zones, other scripts)
// means something different to different readers.
func plainHost(host string) bool {
	if len(host) > 253 {
		return false
	}
	for i := 0; i < len(host); i++ {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == ':':
		default:
			return false
		}
	}
	return true
}

// numeric reports whether a host's last label is a number, in any base.
func numeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	label := host[strings.LastIndexByte(host, '.')+1:]
	if label == "" || net.ParseIP(host) != nil {
		return true
	}
	if len(label) > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X') {
		return true
	}
	for i := 0; i < len(label); i++ {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}
