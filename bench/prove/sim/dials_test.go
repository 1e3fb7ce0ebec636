package sim

import (
	"bytes"
	"context"
	"net"
	"strconv"
)

// watched is how offhook reaches a platform: requests to dial, and what is
// answered to them, are counted where they pass. A number is asked for under
// one key only, so what was not refused is asked for once, whatever crashes.
func (w *world) watched(p *platform) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		return p.wires.tapped(ctx, address, func(near *wire) {
			near.tap = func(b []byte) { w.dialling(near, b) }
			near.back = func(b []byte) { w.dialled(near, b) }
		})
	}
}

// dialling sees what offhook writes to a platform.
func (w *world) dialling(c *wire, b []byte) {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	_, number, found := bytes.Cut(line, []byte("/calls/new?address="))
	if !found {
		return
	}
	number, _, _ = bytes.Cut(number, []byte(" "))
	w.mu.Lock()
	w.dials[string(number)]++
	n := w.dials[string(number)]
	c.dialled = string(number)
	w.mu.Unlock()
	if own := bytes.HasPrefix(number, []byte("%2B1303555")); own && n > 1 {
		w.violated("the platform is asked to dial for one key again")
	}
}

// dialled sees what a platform writes back: a refusal is as if it had not been
// asked.
func (w *world) dialled(c *wire, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.dialled == "" || len(b) < len("HTTP/1.1 200") {
		return
	}
	// What a platform answers with 500 it may have done.
	if status, _ := strconv.Atoi(string(b[len("HTTP/1.1 "):len("HTTP/1.1 200")])); status >= 300 && status < 500 || status == 503 {
		w.dials[c.dialled]--
	}
	c.dialled = ""
}
