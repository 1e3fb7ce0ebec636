package e2e

import (
	"net"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"
)

// channel is the answer that never ends. Who has something to tell writes it
// there and then, so that no goroutine more stands between an event and the wire.
type channel struct {
	mu   sync.Mutex
	conn net.Conn
	buf  []byte
	gone chan struct{} // closed when conn is given up; nil without one
}

const channelHead = "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\nTransfer-Encoding: chunked\r\nCache-Control: no-cache\r\n\r\n"

// open makes the connection of a request the channel.
func (c *channel) open(ctx *fasthttp.RequestCtx) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(conn net.Conn) {
		gone := make(chan struct{})
		c.mu.Lock()
		c.end()
		c.conn, c.gone = conn, gone
		first := []byte(channelHead)
		first = appendChunk(first, []byte(declaration+"\n<Channel "+xsi+"><channelId>"+channelID+"</channelId><expires>86400</expires></Channel>"))
		if _, err := conn.Write(first); err != nil {
			c.end()
		}
		c.mu.Unlock()
		<-gone
	})
}

// end gives the connection up; c.mu is held.
func (c *channel) end() {
	if c.conn != nil {
		close(c.gone)
		c.conn, c.gone = nil, nil
	}
}

func (c *channel) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end()
}

// write puts documents on the channel in one go, each as a chunk; ends says
// where each ends.
func (c *channel) write(documents []byte, ends ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return
	}
	c.buf = c.buf[:0]
	from := 0
	for _, end := range ends {
		c.buf = appendChunk(c.buf, documents[from:end])
		from = end
	}
	if _, err := c.conn.Write(c.buf); err != nil {
		c.end()
	}
}

func appendChunk(b, document []byte) []byte {
	b = strconv.AppendInt(b, int64(len(document)), 16)
	b = append(b, "\r\n"...)
	b = append(b, document...)
	return append(b, "\r\n"...)
}

// say puts one document on the channel.
func (c *channel) say(document []byte) { c.write(document, len(document)) }
