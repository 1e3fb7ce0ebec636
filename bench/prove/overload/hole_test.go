package overload

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"offhook/bench/prove/rig"
)

// hole stands before a ledger. While it is dark it takes connections and what
// they bring, and never answers.
type hole struct {
	*httptest.Server
	behind    http.Handler
	dark      atomic.Pointer[chan struct{}] // closed when it is over
	swallowed atomic.Int64
}

// before puts a hole before a ledger: webhooks of the ledger's URL go there.
func before(t *testing.T, l *rig.Ledger) *hole {
	h := &hole{behind: l.Config.Handler}
	h.Server = httptest.NewServer(h)
	l.URL = h.URL
	t.Cleanup(h.Close)
	return h
}

func (h *hole) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	over := h.dark.Load()
	if over == nil {
		h.behind.ServeHTTP(w, r)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	h.swallowed.Add(1)
	select {
	case <-*over:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler) // the connection ends without an answer
}

func (h *hole) darken() { over := make(chan struct{}); h.dark.Store(&over) }

// lighten cuts off whoever hangs, as a receiver does that is started anew.
func (h *hole) lighten() { close(*h.dark.Swap(nil)) }
