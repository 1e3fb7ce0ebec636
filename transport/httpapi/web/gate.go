package web

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"offhook/transport/problem"
)

// gate counts connections, in all and by address, and turns away those over
// the bound. fasthttp has the same bounds, but says no in plain text.
type gate struct {
	config Config
	began  time.Time // what times of connections count from, whatever is done to the machine's clock
	refuse []byte    // the whole response to a connection over the bound

	mu    sync.Mutex
	conns map[*conn]struct{}
	from  map[netip.Addr]int
}

func newGate(config Config) *gate {
	doc := problem.New(problem.CodeRateLimited, "too many connections").Append(nil)
	head := fmt.Sprintf("HTTP/1.1 429 Too Many Requests\r\nContent-Type: %s\r\nContent-Length: %d\r\nRetry-After: 1\r\nConnection: close\r\n\r\n",
		problem.ContentType, len(doc))
	return &gate{
		config: config,
		began:  time.Now(),
		refuse: append([]byte(head), doc...),
		conns:  map[*conn]struct{}{},
		from:   map[netip.Addr]int{},
	}
}

func (g *gate) enter(c net.Conn) (*conn, bool) {
	addr := Address(c.RemoteAddr())
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.conns) >= g.config.MaxConns || addr.IsValid() && g.from[addr] >= g.config.MaxConnsPerAddress {
		return nil, false
	}
	in := &conn{Conn: c, gate: g, addr: addr}
	in.said.Store(int64(time.Since(g.began)))
	g.conns[in] = struct{}{}
	g.from[addr]++
	return in, true
}

func (g *gate) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
	if g.from[c.addr]--; g.from[c.addr] <= 0 {
		delete(g.from, c.addr)
	}
}

func (g *gate) all() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		all = append(all, c)
	}
	return all
}

func (g *gate) closeAll() {
	for _, c := range g.all() {
		_ = c.Close()
	}
}

// Address is the network address requests are counted by. The hosts of an
// IPv6 /64 are one: whoever has one of its addresses has all of them.
func Address(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(tcp.IP)
	addr = addr.Unmap()
	if addr.Is6() {
		prefix, err := addr.Prefix(64)
		if err == nil {
			addr = prefix.Addr()
		}
	}
	return addr
}

type listener struct {
	net.Listener
	gate  *gate
	plain bool // a refusal can be said in words

	once sync.Once
	err  error
}

// Close may be called more than once: by us, and by fasthttp when it drains.
func (l *listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// Accept never gives up for a passing reason. Out of file descriptors is one:
// fasthttp would take it as the end.
func (l *listener) Accept() (net.Conn, error) {
	var wait time.Duration
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			var passing interface{ Temporary() bool }
			if errors.Is(err, net.ErrClosed) || !errors.As(err, &passing) || !passing.Temporary() {
				return nil, err
			}
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			l.gate.config.Log.Warn("accept failed, trying again", "err", err, "wait", wait)
			<-time.After(wait)
			continue
		}
		wait = 0
		if in, ok := l.gate.enter(c); ok {
			return in, nil
		}
		l.gate.config.Metrics.Limited("connections")
		if l.plain { // in a fresh socket's buffer there is room: this does not wait
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write(l.gate.refuse)
		}
		_ = c.Close()
	}
}

// conn is a connection that counts.
type conn struct {
	net.Conn
	gate   *gate
	addr   netip.Addr
	linger atomic.Bool
	closed atomic.Bool
	unsaid atomic.Int64 // bytes read since something was last written
	said   atomic.Int64 // when that was, or it was accepted; ns since the gate began

	farewell atomic.Bool // it is idle, and to end
}

// errTooMuch ends a request that is longer than any that could be answered.
var errTooMuch = errors.New("web: too much of one request")

// wordy is how many times its bounds a request may be long on the wire: bodies
// in chunks of a byte are. What is beyond is no body, and is counted by nobody
// else: extensions of chunks have no bound in fasthttp.
const wordy = 8

// Read counts.
func (c *conn) Read(b []byte) (int, error) {
	g := &c.gate.config
	if !g.StreamBody && c.unsaid.Load() > int64(wordy*(g.MaxBody+g.MaxHeader)) {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b)
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && c.farewell.Load() {
		n, err = c.lastLook(b)
	}
	c.unsaid.Add(int64(n))
	return n, err
}

// Write begins to count anew: an answer is on its way.
func (c *conn) Write(b []byte) (int, error) {
	c.unsaid.Store(0)
	c.said.Store(int64(time.Since(c.gate.began)))
	return c.Conn.Write(b)
}

const (
	lingerTime  = time.Second // a quarter of it where nothing was being sent
	lingerBytes = 4 << 20
)

// Close may be called more than once, and by the goroutine that drains.
func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	defer c.gate.leave(c)
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && (c.linger.Load() || c.farewell.Load()) && half.CloseWrite() == nil {
		wait := lingerTime
		if !c.linger.Load() {
			wait /= 4
		}
		_ = c.Conn.SetReadDeadline(time.Now().Add(wait))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return c.Conn.Close()
}

// lingering makes a connection read on for a moment when it is closed. A
// client that is still sending would otherwise be reset, and may never see
// why it was refused.
func lingering(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if c, ok := c.(*conn); ok {
		c.linger.Store(true)
	}
}
