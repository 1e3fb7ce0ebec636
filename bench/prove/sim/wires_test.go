package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"offhook/provider/simulator"
)

// wires lead to the XSPs of one platform, in memory. One that is down refuses.
type wires struct {
	sim   *simulator.Simulator
	doors []*door
	ended sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]struct{}
}

func lay(sim *simulator.Simulator, xsps int) *wires {
	w := &wires{sim: sim, conns: map[net.Conn]struct{}{}}
	for i := range xsps {
		d := &door{dials: make(chan net.Conn), closed: make(chan struct{})}
		w.doors = append(w.doors, d)
		w.ended.Go(func() { _ = sim.ServeXSP(i, d) })
	}
	return w
}

var errRefused = errors.New("dial: connection refused")

// dial reaches "xsp1:80" and its like.
func (w *wires) dial(ctx context.Context, _, address string) (net.Conn, error) {
	var n int
	if _, err := fmt.Sscanf(strings.TrimPrefix(address, "xsp"), "%d", &n); err != nil || n < 1 || n > len(w.doors) {
		return nil, errors.New("dial: no such host")
	}
	if !w.sim.Reachable(n - 1) {
		return nil, errRefused
	}
	near, far := net.Pipe()
	w.mu.Lock()
	if w.cut {
		w.mu.Unlock()
		return nil, errRefused
	}
	w.conns[near] = struct{}{}
	w.mu.Unlock()
	select {
	case w.doors[n-1].dials <- far:
		return &wire{near, w}, nil
	case <-w.doors[n-1].closed:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sever breaks every connection, and none can be made until mended.
func (w *wires) sever() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

func (w *wires) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// wire is one connection.
type wire struct {
	net.Conn
	w *wires
}

func (c *wire) Close() error {
	c.w.mu.Lock()
	delete(c.w.conns, c.Conn)
	c.w.mu.Unlock()
	return c.Conn.Close()
}

// door is a listener in memory.
type door struct {
	dials  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.dials:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *door) Close() error   { d.once.Do(func() { close(d.closed) }); return nil }
func (d *door) Addr() net.Addr { return &net.UnixAddr{Name: "door", Net: "unix"} }
