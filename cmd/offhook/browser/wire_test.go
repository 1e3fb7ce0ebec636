package browser

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire is the way from the browser to a listener, which can be cut, or go dead.
type wire struct {
	to string
	ln net.Listener
	wg sync.WaitGroup

	mu    sync.Mutex
	as    condition
	conns map[net.Conn]bool
}

type condition int

const (
	whole condition = iota
	cut             // connections break
	dead            // connections are taken, and nothing comes back
)

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{to: to, ln: ln, conns: map[net.Conn]bool{}}
	w.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		w.set(cut)
		w.wg.Wait()
	})
	return w
}

func (w *wire) addr() string { return w.ln.Addr().String() }

// set breaks what there is, unless all is well.
func (w *wire) set(as condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.as = as
	for c := range w.conns {
		_ = c.Close()
	}
}

// keep notes a connection, and says how the wire is.
func (w *wire) keep(c net.Conn) condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns[c] = true
	return w.as
}

func (w *wire) drop(c net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
	_ = c.Close()
}

func (w *wire) carry(c net.Conn) {
	defer w.drop(c)
	switch w.keep(c) {
	case cut:
		return
	case dead:
		_, _ = io.Copy(io.Discard, c)
		return
	}
	up, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer w.drop(up)
	if w.keep(up) != whole {
		return
	}
	w.wg.Go(func() {
		_, _ = io.Copy(c, up)
		_ = c.Close()
	})
	_, _ = io.Copy(up, c)
}

// broken lets connections of a window break, as the story has it.
func (w *window) broken() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
}
