package web

import (
	"context"
	"io"
	"time"
)

// A connection that is kept alive may bring the next request at any moment,
// also in that in which it is closed: that request gets no answer, and its
// sender does not know whether it was carried out. HTTP has no remedy but to
// say early that a connection ends, so while a server drains each answer says
// it (Connection: close), and connections stay open for that until they were
// idle for longer than a busy client is. Those are ended with care.
const (
	restLook = 20 * time.Millisecond // how often it is looked who rests
	lastTime = 5 * time.Millisecond  // for a request that is there and was not read yet
)

// rest waits until all connections are gone, or are busy: those end with their
// answer. Idle ones are told to go.
func (g *gate) rest(ctx context.Context) {
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	for began := time.Now(); ; {
		now, left, idle := time.Since(g.began), 0, 0
		for _, c := range g.all() {
			left++
			if c.unsaid.Load() > 0 {
				continue
			}
			idle++
			if now-time.Duration(c.said.Load()) >= g.config.Rest {
				c.goAway()
			}
		}
		// Of the busy ones some may have made up an answer that does not say
		// that it is the last, before anybody drained.
		if left == 0 || idle == 0 && time.Since(began) >= g.config.Rest {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// goAway has the goroutine that waits for a request end the connection. Nobody
// else can do it without taking a request from it that has just come.
func (c *conn) goAway() {
	c.farewell.Store(true)
	_ = c.Conn.SetReadDeadline(time.Now())
}

// lastLook reads what has come, or else says that nothing more will.
func (c *conn) lastLook(b []byte) (int, error) {
	if c.Conn.SetReadDeadline(time.Now().Add(lastTime)) == nil {
		if n, err := c.Conn.Read(b); n > 0 {
			return n, err
		}
	}
	return 0, io.EOF
}
