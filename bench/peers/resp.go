package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// largest is the most of one reply that is read.
const largest = 16 << 20

// conn speaks RESP2, the protocol of Redis: as much of it as is needed here.
type conn struct {
	c   net.Conn
	in  *bufio.Reader
	out []byte
}

func newConn(c net.Conn) *conn { return &conn{c: c, in: bufio.NewReader(c)} }

// refused is an error that the server answered with.
type refused string

func (r refused) Error() string { return "redis answered: " + string(r) }

// appendCommand adds a command to a buffer, as it is sent.
func appendCommand(b []byte, args ...string) []byte {
	b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
		b = append(append(b, a...), "\r\n"...)
	}
	return b
}

// do sends one command and reads its reply.
func (c *conn) do(args ...string) (any, error) {
	c.out = appendCommand(c.out[:0], args...)
	if _, err := c.c.Write(c.out); err != nil {
		return nil, err
	}
	return c.reply()
}

// reply is a string, an int64, a []any, or nil. An error that the server
// answers with is an error here, also within an array.
func (c *conn) reply() (any, error) {
	v, err := readReply(c.in)
	if err != nil {
		return nil, err
	}
	return v, inside(v)
}

// inside finds an error that an array holds.
func inside(v any) error {
	switch v := v.(type) {
	case refused:
		return v
	case []any:
		for _, e := range v {
			if err := inside(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func readReply(in *bufio.Reader) (any, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return nil, unexpected(err)
	}
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return nil, fmt.Errorf("%q is no reply of redis", line)
	}
	kind, text := line[0], string(line[1:len(line)-2])
	switch kind {
	case '+':
		return text, nil
	case '-':
		return refused(text), nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || (kind != ':' && (n < -1 || n > largest)) {
		return nil, fmt.Errorf("%q is no reply of redis", line)
	}
	switch {
	case kind == ':':
		return n, nil
	case kind == '$' && n >= 0:
		return readBulk(in, int(n))
	case kind == '*' && n >= 0:
		return readArray(in, int(n))
	case kind == '$' || kind == '*':
		return nil, nil
	}
	return nil, fmt.Errorf("%q is no reply of redis", line)
}

func readBulk(in *bufio.Reader, n int) (any, error) {
	b := make([]byte, n+2)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, unexpected(err)
	}
	if string(b[n:]) != "\r\n" {
		return nil, errors.New("a text of redis does not end where it should")
	}
	return string(b[:n]), nil
}

func readArray(in *bufio.Reader, n int) (any, error) {
	var all []any
	for range n {
		v, err := readReply(in)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// unexpected is an end in the middle of a reply.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
