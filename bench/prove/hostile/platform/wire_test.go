package platform

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"offhook/provider/simulator"
)

// place is where a monster sits.
type place int

const (
	everywhere  place = iota // every request meets it
	onTheStream              // whoever opens a channel does; the rest of the platform is well
	onAnswers                // whoever opens a channel is well served; every other request meets it
)

// monster is what a hostile platform does with a request.
type monster func(c net.Conn, r *http.Request)

// wire leads to the platform, in memory. When the platform turns, every
// connection breaks.
type wire struct {
	sim   *simulator.Simulator
	door  *door
	ended sync.WaitGroup

	mu    sync.Mutex
	is    monster // nil is the good platform
	at    place
	conns map[net.Conn]struct{}
	dials int
	stray []string // addresses that are not the platform's
	most  int      // bytes that offhook took of one answer of a monster
}

func newWire(sim *simulator.Simulator) *wire {
	w := &wire{sim: sim, door: &door{dials: make(chan net.Conn), closed: make(chan struct{})}, conns: map[net.Conn]struct{}{}}
	w.ended.Go(func() { _ = sim.ServeXSP(0, w.door) })
	return w
}

// turn makes the platform another.
func (w *wire) turn(m monster, at place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.is, w.at, w.most = m, at, 0
	for c := range w.conns {
		_ = c.Close()
	}
	clear(w.conns)
}

func (w *wire) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dials
}

// taken is the most that was read of one answer.
func (w *wire) taken() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

func (w *wire) strayed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stray
}

func (w *wire) dial(_ context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	w.mu.Lock()
	defer w.mu.Unlock()
	if address != "xsp1:80" {
		w.stray = append(w.stray, address)
		return nil, errors.New("no such host")
	}
	w.dials++
	w.conns[near] = struct{}{}
	m, at := w.is, w.at
	w.ended.Go(func() { w.serve(far, m, at) })
	return &end{near, w}, nil
}

// serve reads the first request of a connection and decides who answers it.
func (w *wire) serve(c net.Conn, m monster, at place) {
	if m == nil {
		w.door.enter(c)
		return
	}
	defer c.Close()
	for {
		var head bytes.Buffer
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &head)))
		if err != nil {
			return
		}
		opens := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/channel")
		about := strings.Contains(r.URL.Path, "/channel") && !opens
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case at == onTheStream && about: // the channel the monster made is well, it says
			if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); err != nil {
				return
			}
		case at == onTheStream && !opens, at == onAnswers && opens:
			w.door.enter(&begun{Conn: c, first: io.MultiReader(&head, c)})
			return
		default:
			taken := &counted{Conn: c}
			m(taken, r)
			w.mu.Lock()
			w.most = max(w.most, taken.n)
			w.mu.Unlock()
			return
		}
	}
}

// end is offhook's end of a connection.
type end struct {
	net.Conn
	w *wire
}

func (e *end) Close() error {
	e.w.mu.Lock()
	delete(e.w.conns, e.Conn)
	e.w.mu.Unlock()
	return e.Conn.Close()
}

// counted counts what the other side took.
type counted struct {
	net.Conn
	n int
}

func (c *counted) Write(b []byte) (n int, err error) {
	n, err = c.Conn.Write(b)
	c.n += n
	return n, err
}

// begun is a connection of which something was read.
type begun struct {
	net.Conn
	first io.Reader
}

func (b *begun) Read(p []byte) (int, error) { return b.first.Read(p) }

// door is the good platform's listener.
type door struct {
	dials  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (d *door) enter(c net.Conn) {
	select {
	case d.dials <- c:
	case <-d.closed:
		_ = c.Close()
	}
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
