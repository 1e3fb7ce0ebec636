package xsicontact

import (
	"bytes"
	"net"
	"net/netip"
	"time"

	"github.com/valyala/fasthttp"
)

// allowListener accepts connections of those who may connect, and breaks the
// others before anything is read, a TLS hello included.
type allowListener struct {
	net.Listener
	config Config

	// Of the one goroutine that accepts:
	refused int       // since it was last said
	said    time.Time // when that was
}

// sayEvery is how often refused peers are logged: an XSP that is missing in
// the list shows, a flood does not fill the disk.
const sayEvery = time.Minute

func (l *allowListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(c.RemoteAddr())
		if allowed(l.config.Allow, from) {
			return c, nil
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset: nothing is left of it here
		}
		_ = c.Close()
		l.refuse(from)
	}
}

func (l *allowListener) refuse(from netip.Addr) {
	l.config.Metrics.Refused("source")
	l.refused++
	if now := time.Now(); now.Sub(l.said) >= sayEvery {
		l.config.Log.Warn("http contact: refused, not in the allow-list", "from", from, "refused", l.refused)
		l.refused, l.said = 0, now
	}
}

func addressOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(tcp.IP)
	return addr.Unmap()
}

func allowed(list []netip.Prefix, from netip.Addr) bool {
	for _, p := range list {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

// forwarded is whom the proxy that connects to us took the request from: the
// last address in the header. Those before it are hearsay.
func forwarded(ctx *fasthttp.RequestCtx) (netip.Addr, bool) {
	values := ctx.Request.Header.PeekAll(fasthttp.HeaderXForwardedFor)
	if len(values) == 0 {
		return netip.Addr{}, false
	}
	last := values[len(values)-1]
	last = bytes.TrimSpace(last[bytes.LastIndexByte(last, ',')+1:])
	addr, err := netip.ParseAddr(string(last))
	return addr.Unmap(), err == nil
}
