package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// wires lead from or to offhook, in memory, to doors that have names: the XSPs
// of one platform, the receivers of webhooks, offhook's own listener. Bytes take
// a moment; what else befalls them is the weather's.
type wires struct {
	reachable func(host string) bool // nil for always
	jitter    time.Duration          // bytes take up to this; zero for no time

	mu    sync.Mutex
	dice  *rand.Rand
	cut   bool
	doors map[string]*door
	bad   map[string]weather // by host
	open  map[*wire]struct{}
	port  int
	ended sync.WaitGroup // servers behind the doors
}

func lay(seed uint64) *wires {
	return &wires{dice: rand.New(rand.NewPCG(seed, 3)), doors: map[string]*door{}, bad: map[string]weather{}, open: map[*wire]struct{}{}}
}

// weather is what befalls the bytes of one host.
type weather struct {
	until time.Time
	out   time.Time     // what offhook's side sends arrives then at the earliest
	in    time.Time     // what is sent to it
	late  time.Duration // everything is so late
	fin   time.Duration // and the news that the other side has closed so much later
	reset int           // connections break after so many bytes, counted from when they are made; 0 for never
}

// strike lets a kind of partition befall a host for a while.
func (w *wires) strike(kind, host string, d time.Duration) {
	w.mu.Lock()
	now := time.Now()
	is := weather{until: now.Add(d)}
	var broken []*wire
	switch kind {
	case "drop":
		is.out, is.in = is.until, is.until
	case "one_way_out":
		is.out = is.until
	case "one_way_in":
		is.in = is.until
	case "delay":
		is.late = 5 * time.Second
	case "slow_close":
		is.fin = 20 * time.Second
	case "reset":
		for c := range w.open {
			if c.host == host {
				broken = append(broken, c)
			}
		}
		is.reset = 1 + w.dice.IntN(4000)
	}
	w.bad[host] = is
	w.mu.Unlock()
	for _, c := range broken {
		c.break_()
	}
}

// partitions are what strike knows.
var partitions = []string{"drop", "one_way_out", "one_way_in", "delay", "slow_close", "reset"}

// weather of a host now; w.mu is held.
func (w *wires) weather(host string) weather {
	is := w.bad[host]
	if !is.until.After(time.Now()) {
		return weather{}
	}
	return is
}

// clear lets the sun shine.
func (w *wires) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.bad)
}

// listen opens a door. The one of before, if any, is closed.
func (w *wires) listen(host string) *door {
	d := &door{dials: make(chan net.Conn), closed: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doors[host] = d
	return d
}

var errRefused = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)

// dial reaches "xsp1:80" and its like.
func (w *wires) dial(ctx context.Context, _, address string) (net.Conn, error) {
	return w.tapped(ctx, address, nil)
}

// tapped is dial, with somebody who sees what passes.
func (w *wires) tapped(ctx context.Context, address string, tap func(near *wire)) (net.Conn, error) {
	host, _, _ := strings.Cut(address, ":")
	w.mu.Lock()
	d, is := w.doors[host], w.weather(host)
	if d == nil {
		w.mu.Unlock()
		return nil, errors.New("dial: no such host")
	}
	if w.cut || w.reachable != nil && !w.reachable(host) {
		w.mu.Unlock()
		return nil, errRefused
	}
	w.port = w.port%40000 + 1
	near, far := w.pair(host, w.port)
	if tap != nil {
		tap(near)
	}
	budget := -1
	if is.reset > 0 {
		budget = is.reset
	}
	near.out.budget, near.in.budget = budget, budget
	w.open[near] = struct{}{}
	w.mu.Unlock()

	wait := max(time.Until(is.out), time.Until(is.in), is.late, 0)
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			_ = near.Close()
			return nil, ctx.Err()
		}
	}
	select {
	case d.dials <- far:
		return near, nil
	case <-d.closed:
		_ = near.Close()
		return nil, errRefused
	case <-ctx.Done():
		_ = near.Close()
		return nil, ctx.Err()
	}
}

// sever breaks every connection, and none can be made until mended.
func (w *wires) sever() {
	w.mu.Lock()
	w.cut = true
	var all []*wire
	for c := range w.open {
		all = append(all, c)
	}
	w.mu.Unlock()
	for _, c := range all {
		c.break_()
	}
}

func (w *wires) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// arrival is when bytes sent now in a direction arrive, and what else there is
// to know of them.
func (w *wires) arrival(host string, outward bool) (at time.Time, fin time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	is := w.weather(host)
	at = time.Now().Add(is.late)
	if w.jitter > 0 {
		at = at.Add(time.Duration(w.dice.Int64N(int64(w.jitter))))
	}
	if stuck := map[bool]time.Time{true: is.out, false: is.in}[outward]; stuck.After(at) {
		at = stuck
	}
	return at, is.fin
}

// pair makes the two ends of a connection; w.mu is held.
func (w *wires) pair(host string, port int) (near, far *wire) {
	out, in := newHalf(), newHalf()
	dialler, server := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 80}
	near = &wire{w: w, host: host, outward: true, out: out, in: in, local: dialler, remote: server}
	far = &wire{w: w, host: host, out: in, in: out, local: server, remote: dialler, other: near}
	near.other = far
	return near, far
}

// wire is one end of a connection.
type wire struct {
	w             *wires
	host          string
	outward       bool  // the end that dialled
	out, in       *half // what this end writes, and reads
	local, remote net.Addr
	other         *wire
	tap           func([]byte) // sees what is written before it leaves; nil for nobody
	back          func([]byte) // sees what the other end writes
	dialled       string       // the number that a platform was asked to dial here last
}

func (c *wire) LocalAddr() net.Addr  { return c.local }
func (c *wire) RemoteAddr() net.Addr { return c.remote }

func (c *wire) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *wire) SetReadDeadline(t time.Time) error  { c.in.deadline(&c.in.readBy, t); return nil }
func (c *wire) SetWriteDeadline(t time.Time) error { c.out.deadline(&c.out.writeBy, t); return nil }

func (c *wire) Read(b []byte) (int, error) { return c.in.read(b) }

func (c *wire) Write(b []byte) (int, error) {
	if c.tap != nil {
		c.tap(b)
	}
	if c.other.back != nil {
		c.other.back(b)
	}
	at, _ := c.w.arrival(c.host, c.outward)
	n, err := c.out.write(b, at)
	if errors.Is(err, syscall.ECONNRESET) {
		c.break_()
	}
	return n, err
}

// Close says goodbye: what was written before arrives.
func (c *wire) Close() error {
	at, fin := c.w.arrival(c.host, c.outward)
	c.out.end(at.Add(fin))
	c.in.leave()
	c.forget()
	return nil
}

// break_ resets the connection, both ways at once.
func (c *wire) break_() {
	c.out.reset()
	c.in.reset()
	c.forget()
}

func (c *wire) forget() {
	near := c
	if !c.outward {
		near = c.other
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	delete(c.w.open, near)
}

// window is how many bytes may be under way in one direction.
const window = 64 << 10

// half is one direction of a connection.
type half struct {
	mu      sync.Mutex
	changed chan struct{} // closed, and another made, when anything below changes
	queue   []parcel
	queued  int
	endAt   time.Time // the writer has closed, and that is known then; zero for not
	left    bool      // the reader has closed
	broken  bool
	budget  int // bytes until it breaks; -1 for never
	readBy  time.Time
	writeBy time.Time
}

// parcel is bytes under way.
type parcel struct {
	at    time.Time
	bytes []byte
}

func newHalf() *half { return &half{changed: make(chan struct{}), budget: -1} }

// change wakes who waits; h.mu is held.
func (h *half) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *half) deadline(which *time.Time, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*which = t
	h.change()
}

func (h *half) end(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.endAt.IsZero() {
		h.endAt = at
		h.change()
	}
}

func (h *half) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left, h.queue, h.queued = true, nil, 0
	h.change()
}

func (h *half) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broken, h.queue, h.queued = true, nil, 0
	h.change()
}

// wait lets go of h.mu until something changes or a moment comes.
func (h *half) wait(until ...time.Time) {
	changed := h.changed
	var first time.Time
	for _, t := range until {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	h.mu.Unlock()
	defer h.mu.Lock()
	if first.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(first))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}

func past(t time.Time) bool { return !t.IsZero() && !t.After(time.Now()) }

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, syscall.ECONNRESET
		case h.left:
			return 0, net.ErrClosed
		case past(h.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(h.queue) > 0 && past(h.queue[0].at):
			p := &h.queue[0]
			n := copy(b, p.bytes)
			if p.bytes = p.bytes[n:]; len(p.bytes) == 0 {
				h.queue = h.queue[1:]
			}
			h.queued -= n
			h.change()
			return n, nil
		case len(h.queue) > 0:
			h.wait(h.queue[0].at, h.readBy)
		case past(h.endAt):
			return 0, io.EOF
		default:
			h.wait(h.endAt, h.readBy)
		}
	}
}

func (h *half) write(b []byte, at time.Time) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		room := window - h.queued
		switch {
		case h.broken:
			return n, syscall.ECONNRESET
		case !h.endAt.IsZero():
			return n, net.ErrClosed
		case h.left:
			return n, syscall.EPIPE
		case past(h.writeBy):
			return n, os.ErrDeadlineExceeded
		case len(b) == 0:
			return n, nil
		case h.budget == 0:
			return n, syscall.ECONNRESET
		case room == 0:
			h.wait(h.writeBy)
			continue
		}
		k := min(room, len(b))
		if h.budget > 0 {
			k = min(k, h.budget)
			h.budget -= k
		}
		if last := len(h.queue) - 1; last >= 0 && h.queue[last].at.After(at) {
			at = h.queue[last].at
		}
		h.queue = append(h.queue, parcel{at, append([]byte(nil), b[:k]...)})
		h.queued += k
		b, n = b[k:], n+k
		h.change()
	}
}

// door is a listener in memory.
type door struct {
	dials  chan net.Conn
	closed chan struct{}
	once   sync.Once
	tap    func([]byte) // of what is written by who accepts; nil for nobody
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.dials:
		c.(*wire).tap = d.tap
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error   { d.once.Do(func() { close(d.closed) }); return nil }
func (d *door) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 80} }
