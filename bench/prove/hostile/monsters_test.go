package hostile

import (
	"fmt"
	"io"
	"strings"
)

// monster is one hostile request.
type monster struct {
	name    string
	send    func(w io.Writer, as client) error // all of it; an error is that nobody reads any more
	want    []int                              // the statuses it may be answered with; cut is none at all
	most    int                                // answers there may be; zero means 1
	endless bool                               // it is not read to its end
	open    bool                               // the connection may live on: the request was read to its end
}

// cut is a connection that was ended without a word.
const cut = 0

// client is who sends: a path that takes a body, and the head that lets it in.
type client struct {
	method, path, auth string
}

func (c client) head(more ...string) string {
	return c.method + " " + c.path + " HTTP/1.1\r\nHost: x\r\n" + c.auth + "Content-Type: application/json\r\n" + strings.Join(more, "")
}

// text is a monster that is one piece of text.
func text(s func(as client) string) func(io.Writer, client) error {
	return func(w io.Writer, as client) error {
		_, err := io.WriteString(w, s(as))
		return err
	}
}

func raw(s string) func(io.Writer, client) error { return text(func(client) string { return s }) }

// bare is a request with these lines in its head.
func bare(lines string) func(io.Writer, client) error {
	return text(func(as client) string { return as.head(lines, "\r\n") })
}

// body is a request with this body and its right length.
func body(s string) func(io.Writer, client) error {
	return text(func(as client) string { return as.head(fmt.Sprintf("Content-Length: %d\r\n\r\n", len(s))) + s })
}

// chunks is a request with what follows Transfer-Encoding: chunked.
func chunks(s string) func(io.Writer, client) error {
	return text(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n") + s })
}

// endless begins with what it is told, and goes on until nobody reads.
func endless(begin func(as client) string, piece string) func(io.Writer, client) error {
	return func(w io.Writer, as client) error {
		if _, err := io.WriteString(w, begin(as)); err != nil {
			return err
		}
		block := strings.Repeat(piece, max(1, 32<<10/len(piece)))
		for sent := 0; sent < 32*mega; sent += len(block) {
			if _, err := io.WriteString(w, block); err != nil {
				return err
			}
		}
		return nil
	}
}

// framing is what is wrong with where a request ends, or says that it does.
var framing = []monster{
	{name: "a head without end", send: endless(func(as client) string { return as.head() }, "X-Filler: "+strings.Repeat("x", 500)+"\r\n"), want: []int{431}, endless: true},
	{name: "100,000 headers", send: endless(func(as client) string { return as.head() }, "A: b\r\n"), want: []int{431}, endless: true},
	{name: "one header without end", send: endless(func(as client) string { return as.head("X-Filler: ") }, "x"), want: []int{431}, endless: true},
	{name: "a request line without end", send: endless(func(client) string { return "GET /" }, "x"), want: []int{431}, endless: true},
	{name: "a method without end", send: endless(func(client) string { return "" }, "X"), want: []int{431}, endless: true},
	{name: "line ends without end", send: endless(func(client) string { return "" }, "\r\n"), want: []int{431, 400, cut}, endless: true},
	{name: "a body over the bound", send: endless(func(as client) string { return as.head("Content-Length: 67108864\r\n\r\n") }, "x"), want: []int{413}, endless: true},
	{name: "a body as long as a disk", send: bare("Content-Length: 9223372036854775807\r\n"), want: []int{413, 400}},
	{name: "chunks without end", send: endless(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n") }, "400\r\n"+strings.Repeat("x", 1024)+"\r\n"), want: []int{413}, endless: true},
	{name: "chunks of one byte without end", send: endless(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n") }, "1\r\nx\r\n"), want: []int{413}, endless: true},
	{name: "a body that never comes", send: bare("Content-Length: 100\r\n"), want: []int{400, 408, cut}},
	{name: "half of a body", send: text(func(as client) string { return as.head("Content-Length: 100\r\n\r\n{}") }), want: []int{400, 408, cut}},
	{name: "half of a chunk", send: chunks("5\r\nhe"), want: []int{400, 408, cut}},
	{name: "more of a body than it says", send: text(func(as client) string {
		return as.head("Content-Length: 2\r\n\r\n{}") + strings.Repeat("x", 5000) + "\r\n\r\n"
	}), want: []int{400, 422}, most: 2},
	{name: "a chunk as long as a disk", send: chunks("7FFFFFFFFFFFFFFF\r\n" + strings.Repeat("x", 5000)), want: []int{413, 400}},
	{name: "a chunk longer than any number", send: chunks(strings.Repeat("F", 40) + "\r\n"), want: []int{413, 400}},
	{name: "a chunk size without end", send: endless(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n") }, "0"), want: []int{400, 413}, endless: true},
	{name: "a chunk extension without end", send: endless(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n1;") }, "x"), want: []int{400, 413}, endless: true},
	{name: "trailers without end", send: endless(func(as client) string { return as.head("Transfer-Encoding: chunked\r\n\r\n0\r\n") }, "A: b\r\n"), want: []int{400, 413, 431}, endless: true},
	{name: "a chunk size that is negative", send: chunks("-5\r\nhello\r\n0\r\n\r\n"), want: []int{400}},
	{name: "a chunk size in C", send: chunks("0x5\r\nhello\r\n0\r\n\r\n"), want: []int{400}},
	{name: "a chunk that is longer than it says", send: chunks("2\r\nhello\r\n0\r\n\r\n"), want: []int{400}},
	{name: "not a chunk at all", send: chunks("hello\r\n\r\n"), want: []int{400}},
	// Chunks count (RFC 9112 §6.3), and the connection ends there.
	{name: "a length and chunks", send: text(func(as client) string {
		return as.head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") + "0\r\n\r\n" + smuggled
	}), want: []int{400}},
	{name: "chunks and a length", send: text(func(as client) string {
		return as.head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n") + "0\r\n\r\n" + smuggled
	}), want: []int{400}},
	{name: "two lengths", send: text(func(as client) string {
		return as.head("Content-Length: 0\r\nContent-Length: 40\r\n\r\n") + smuggled
	}), want: []int{400}},
	{name: "two lengths in one", send: text(func(as client) string { return as.head("Content-Length: 0, 40\r\n\r\n") + smuggled }), want: []int{400}},
	{name: "a length with a sign", send: text(func(as client) string { return as.head("Content-Length: +0\r\n\r\n") + smuggled }), want: []int{400}},
	{name: "a negative length", send: bare("Content-Length: -1\r\n"), want: []int{400}},
	{name: "a length in hex", send: text(func(as client) string { return as.head("Content-Length: 0x0\r\n\r\n") + smuggled }), want: []int{400}},
	{name: "a length longer than any number", send: bare("Content-Length: 99999999999999999999999\r\n"), want: []int{400, 413}},
	{name: "a length with a space before its colon", send: text(func(as client) string { return as.head("Content-Length : 0\r\n\r\n") + smuggled }), want: []int{400}},
	{name: "chunked with a space before its colon", send: text(func(as client) string { return as.head("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n") + smuggled }), want: []int{400}},
	{name: "chunked, or something like it", send: text(func(as client) string { return as.head("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") + smuggled }), want: []int{400, 501}},
	{name: "chunked and then not", send: text(func(as client) string {
		return as.head("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n") + smuggled
	}), want: []int{400, 501}},
	{name: "chunked twice", send: text(func(as client) string {
		return as.head("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n") + smuggled
	}), want: []int{400, 501}},
	// A fold is a blank in the value before it (RFC 9112 §5.2), and no header of its own.
	{name: "a folded header", send: bare("X-Folded: a\r\n b\r\n"), want: []int{400}, open: true},
	{name: "chunked behind a fold", send: text(func(as client) string {
		return as.head("X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") + smuggled
	}), want: []int{400}, most: 2},
	{name: "a header without a colon", send: bare("nonsense\r\n"), want: []int{400}},
	{name: "a header without a name", send: bare(": nobody\r\n"), want: []int{400}},
	{name: "a NUL in a header", send: bare("X-Nul: a\x00b\r\n"), want: []int{400}},
	{name: "a NUL in a header's name", send: bare("X-N\x00l: ab\r\n"), want: []int{400}},
	{name: "a bare CR in a header", send: bare("X-Cr: a\rTransfer-Encoding: chunked\r\n"), want: []int{400}},
	{name: "a space in front of the first header", send: raw("GET / HTTP/1.1\r\n Host: x\r\n\r\n"), want: []int{400}},
	{name: "no host", send: raw("GET / HTTP/1.1\r\n\r\n"), want: []int{400}},
	{name: "two hosts", send: bare("Host: y\r\n"), want: []int{400}},
	{name: "HTTP/2 from the start", send: raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"), want: []int{400, 505}},
	{name: "HTTP/0.9", send: raw("GET /\r\n\r\n"), want: []int{400}},
	{name: "HTTP of the far future", send: raw("GET /nowhere HTTP/9.9\r\nHost: x\r\n\r\n"), want: []int{400, 404, 405, 505}, open: true},
	{name: "no protocol at all", send: raw("GET / NOISE\r\nHost: x\r\n\r\n"), want: []int{400, 505}},
	{name: "a TLS hello", send: raw("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), want: []int{400}},
	{name: "SSH", send: raw("SSH-2.0-OpenSSH_9.7\r\n\r\n"), want: []int{400}},
	{name: "a line of NULs", send: raw(strings.Repeat("\x00", 4000) + "\r\n\r\n"), want: []int{400}},
}

// smuggled is a second request that hides behind the end of the first.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

// content is what is wrong inside of a request that ends where it should.
var content = []monster{
	{name: "a document nested 100,000 deep", send: body(strings.Repeat("[", 100_000)), want: []int{400}, open: true},
	{name: "objects nested 20,000 deep", send: body(strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)), want: []int{400}, open: true},
	{name: "a number of 200,000 digits", send: body(`{"subscriber_id":` + strings.Repeat("9", 200_000) + `}`), want: []int{400, 422}, open: true},
	{name: "a number of a megabyte", send: body(`{"subscriber_id":` + strings.Repeat("9", mega) + `}`), want: []int{413}},
	{name: "an exponent", send: body(`{"subscriber_id":1e999999999}`), want: []int{400, 422}, open: true},
	{name: "a name of 200,000 bytes", send: body(`{"subscriber_id":"` + strings.Repeat("a", 200_000) + `"}`), want: []int{400, 422}, open: true},
	{name: "a member twice", send: body(`{"subscriber_id":"a","subscriber_id":"b"}`), want: []int{400}, open: true},
	{name: "a member twice, once in disguise", send: body(`{"subscriber_id":"a","subscriber\u005fid":"b"}`), want: []int{400}, open: true},
	{name: "10,000 members", send: body("{" + strings.Repeat(`"x":1,`, 9999) + `"x":1}`), want: []int{400}, open: true},
	{name: "not UTF-8", send: body("{\"subscriber_id\":\"\xff\xfe\"}"), want: []int{400}, open: true},
	{name: "UTF-16", send: body("\xff\xfe{\x00}\x00"), want: []int{400}, open: true},
	{name: "half a surrogate pair", send: body(`{"subscriber_id":"\ud800"}`), want: []int{400, 422}, open: true},
	{name: "a NUL in a name", send: body(`{"subscriber_id":"a\u0000b"}`), want: []int{400, 422}, open: true},
	{name: "XML", send: body(`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`), want: []int{400}, open: true},
	{name: "an array", send: body(`[{}]`), want: []int{400}, open: true},
	{name: "null", send: body(`null`), want: []int{400}, open: true},
	{name: "two documents", send: body(`{} {}`), want: []int{400}, open: true},
	{name: "half a document", send: body(`{"subscriber_id":"a`), want: []int{400}, open: true},
	{name: "nothing", send: bare("Content-Length: 0\r\n"), want: []int{400}, open: true},
	{name: "a gzip bomb", send: text(func(as client) string {
		return as.head("Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n") + "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00"
	}), want: []int{415}, open: true},
	{name: "a form", send: text(func(as client) string {
		return strings.Replace(as.head("Content-Length: 3\r\n\r\n"), "application/json", "application/x-www-form-urlencoded", 1) + "a=b"
	}), want: []int{415}, open: true},
	{name: "files", send: text(func(as client) string {
		return strings.Replace(as.head("Content-Length: 38\r\n\r\n"), "application/json", "multipart/form-data; boundary=x", 1) + "--x\r\nContent-Disposition: form-data\r\n\r\n"
	}), want: []int{415}, open: true},
}

// people is what is wrong with whom, what and how a request asks.
var people = []monster{
	{name: "no key", send: raw("GET /apps/x/calls HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{401, 404}, open: true},
	{name: "a key of 7,000 bytes", send: raw("GET /apps/x/calls HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + strings.Repeat("k", 7000) + "\r\n\r\n"), want: []int{401, 404}, open: true},
	{name: "500 keys", send: raw("GET /apps/x/calls HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("Authorization: B\r\n", 300) + "\r\n"), want: []int{401, 404}, open: true},
	{name: "a path of 7,000 bytes", send: raw("GET /" + strings.Repeat("a/", 3500) + " HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{404, 405}, open: true},
	{name: "a path that climbs", send: raw("GET /apps/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{404, 405}, open: true},
	{name: "a path with a NUL", send: raw("GET /apps/%00/calls HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{401, 404, 405}, open: true},
	{name: "a query of 7,000 bytes", send: raw("GET /apps/x/calls?" + strings.Repeat("limit=1&", 870) + " HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{401, 404, 405}, open: true},
	{name: "somebody else's address", send: raw("GET http://169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{400, 404, 405}, open: true},
	{name: "a tunnel", send: raw("CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n"), want: []int{400, 404, 405}, open: true},
	{name: "a method nobody has", send: raw("BREW /apps/x/calls HTTP/1.1\r\nHost: x\r\n\r\n"), want: []int{400, 405, 404}, open: true},
	{name: "TRACE", send: raw("TRACE / HTTP/1.1\r\nHost: x\r\nCookie: secret\r\n\r\n"), want: []int{404, 405}, open: true},
	{name: "a WebSocket", send: raw("GET /apps HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"), want: []int{404, 405}, open: true},
	{name: "HTTP/2 by upgrade", send: raw("GET /apps HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"), want: []int{404, 405}, open: true},
	{name: "ten thousand requests at once", send: raw(strings.Repeat("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 10_000)), want: []int{404, 405, cut}, most: 10_000, open: true},
}
