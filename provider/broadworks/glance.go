package broadworks

import (
	"bufio"
	"bytes"
	"net/http"
)

// glance takes the head of an answer off a reader if it is there as a whole and
// plain: a 2xx with a body of at most so many bytes, which changes nothing else.
// status is 0 for any other, of which nothing is taken.
func glance(in *bufio.Reader, most int) (status, length int) {
	b, _ := in.Peek(in.Buffered())
	const like = "HTTP/1.1 2dd"
	if len(b) < len(like)+1 || string(b[:len(like)-2]) != like[:len(like)-2] || !isDigit(b[10]) || !isDigit(b[11]) || b[12] != ' ' && b[12] != '\r' {
		return 0, 0
	}
	status, length = 200+10*int(b[10]-'0')+int(b[11]-'0'), -1
	if status == http.StatusNoContent { // has none, and no length
		return 0, 0
	}
	at := bytes.IndexByte(b, '\n') + 1
	for at > 0 {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 1 || b[at+end-1] != '\r' {
			return 0, 0
		}
		field := b[at : at+end-1]
		at += end + 1
		if len(field) == 0 {
			if length < 0 {
				return 0, 0
			}
			_, _ = in.Discard(at) // it is buffered
			return status, length
		}
		name, value, ok := bytes.Cut(field, []byte(":"))
		if !ok || !isName(name) {
			return 0, 0
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length >= 0 {
				return 0, 0
			}
			if length = number(value); length < 0 || length > most {
				return 0, 0
			}
		case bytes.EqualFold(name, []byte("Connection")):
			if !bytes.EqualFold(value, []byte("keep-alive")) {
				return 0, 0
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")), bytes.EqualFold(name, []byte("Set-Cookie")):
			return 0, 0
		}
	}
	return 0, 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isName reports whether a name of a header is of letters, digits and dashes,
// as all are that anybody has use for.
func isName(name []byte) bool {
	for _, c := range name {
		if c != '-' && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(name) > 0
}

// number reads a short number; -1 if it is none.
func number(b []byte) int {
	if len(b) == 0 || len(b) > 6 {
		return -1
	}
	n := 0
	for _, c := range b {
		if !isDigit(c) {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}
