package main

import (
	"fmt"
	"net"
	"sync"
	"syscall"
)

// descriptors is how the file descriptors that the process may have are shared
// out. Everything that takes them has a bound, and together the bounds are less
// than there are: however many connect, the store opens its next file, and what
// is known is delivered.
type descriptors struct {
	limit    int
	files    int // of the store
	attempts int // of webhooks at a time; while names are looked up each has two
	kept     int // idle connections to receivers
	provider int // of requests to the platforms
	admin    int // connections of the admin listener
	contact  int // of the listeners for events that are POSTed, together
	demo     int // of the demo's phones and receiver
	api      int // connections of the public listener: what is left
}

const (
	leastDescriptors = 256
	demoDescriptors  = 512 // the least with the demo
	alwaysOpen       = 32  // streams, listeners, locks, certificates being read, probes
	keptOfDemo       = 64  // idle connections of one receiver
)

// openFiles is the limit of the process. The runtime has raised it as far as
// it may be (the hard limit).
func openFiles() (int, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(min(l.Cur, 1<<20)), nil // #nosec G115 -- bounded
}

// share shares out a limit.
func share(limit int) (descriptors, error) {
	if limit < leastDescriptors {
		return descriptors{}, fmt.Errorf("this process may have %d open files, and needs %d: raise the hard limit (ulimit -Hn; LimitNOFILE= in a systemd unit)", limit, leastDescriptors)
	}
	d := descriptors{
		limit:    limit,
		files:    between(80, limit/8, 1016),
		attempts: between(16, limit/16, 512),
		kept:     between(16, limit/16, 4096),
		provider: between(32, limit/8, 4096),
		admin:    between(16, limit/16, 1024),
		contact:  between(16, limit/16, 2048),
	}
	d.left()
	return d, nil
}

// withDemo takes what the demo needs from the public listener.
func (d descriptors) withDemo() (descriptors, error) {
	if d.limit < demoDescriptors {
		return d, fmt.Errorf("this process may have %d open files, and the demo needs %d: raise the hard limit (ulimit -Hn), or configure a network", d.limit, demoDescriptors)
	}
	d.demo = between(32, d.limit/16, 512) + d.attempts/4 + keptOfDemo
	d.left()
	return d, nil
}

func (d *descriptors) left() {
	d.api = min(d.limit-alwaysOpen-d.files-2*d.attempts-d.kept-d.provider-d.admin-d.contact-d.demo, 16384)
}

func between(least, n, most int) int { return min(max(n, least), most) }

// perAddress is how much of a listener one address may have: never all of it.
func (d descriptors) perAddress() int { return min(d.api-d.api/4, 1024) }

// streams is how many event streams fit, beside requests.
func (d descriptors) streams(wanted int) int { return min(wanted, d.api-d.api/4) }

// requests is how many requests go to one XSP at once, and acks is how many
// acknowledgements, if nobody says otherwise. Several XSPs share.
func (d descriptors) requests() int { return between(4, d.provider/4, 32) }
func (d descriptors) acks() int     { return between(4, d.provider/8, 16) }

// contacts is the share of one of n listeners.
func (d descriptors) contacts(n int) int { return max(d.contact/max(n, 1), 8) }

// phones is how many connections the demo's simulator has.
func (d descriptors) phones() int { return d.demo - d.attempts/4 - keptOfDemo }

// log is for the line that says what was chosen.
func (d descriptors) log() []any {
	return []any{
		"limit", d.limit, "api_connections", d.api, "admin_connections", d.admin, "contact_connections", d.contact,
		"deliveries_at_once", d.attempts, "store_files", d.files,
	}
}

// limited is a listener with so many connections at a time; the next waits in
// the backlog.
type limited struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func limit(ln net.Listener, conns int) *limited {
	return &limited{Listener: ln, room: make(chan struct{}, conns), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (b *limited) Accept() (net.Conn, error) {
	select {
	case b.room <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err
	}
	return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-b.room })}, nil
}

// Close implements net.Listener.
func (b *limited) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
