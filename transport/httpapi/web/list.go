package web

import (
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

const (
	maxPage    = 1000 // items of one page, however many were asked for
	readAhead  = 1000 // items read at a time for a list that is sent whole
	cursorMark = "1:" // what a cursor is made of may change one day
)

// Source appends up to limit items that come after a key, as JSON without the
// commas around them, each through item. It returns the key of the last one if there
// are more, else the empty string.
type Source func(after string, limit int, item func(json []byte)) (next string, err error)

// WriteList answers with a bare JSON array: whole, or one page if the client
// gave a limit, and then with a Link to the next (RFC 8288). path is the
// list's own, escaped, with what else the query says.
func WriteList(ctx *fasthttp.RequestCtx, path string, source Source) error {
	args := ctx.QueryArgs()
	after, err := cursor(args)
	if err != nil {
		return err
	}
	ctx.Response.Header.SetContentType("application/json")
	l := &list{source: source, after: after, conn: ctx.Conn()}
	l.buf = append(l.buf, '[')
	if !args.Has("limit") {
		if err := l.fill(readAhead); err != nil {
			return err
		}
		if l.more { // too long to have in memory at once
			ctx.SetBodyStream(l, -1)
			return nil
		}
		ctx.SetBody(l.buf)
		return nil
	}
	limit, err := strconv.Atoi(string(args.Peek("limit")))
	if err != nil || limit < 1 {
		return problem.Invalid("limit", "must be a whole number from 1")
	}
	limit = min(limit, maxPage)
	if err := l.fill(limit); err != nil {
		return err
	}
	if l.more {
		mark := "?"
		if strings.Contains(path, mark) {
			mark = "&"
		}
		next := base64.RawURLEncoding.EncodeToString([]byte(cursorMark + l.after))
		ctx.Response.Header.Set("Link", "<"+path+mark+"limit="+strconv.Itoa(limit)+"&after="+next+`>; rel="next"`)
		l.buf = append(l.buf, ']')
	}
	ctx.SetBody(l.buf)
	return nil
}

func cursor(args *fasthttp.Args) (string, error) {
	if !args.Has("after") {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(args.Peek("after")))
	if err != nil || len(raw) <= len(cursorMark) || string(raw[:len(cursorMark)]) != cursorMark {
		return "", problem.Invalid("after", "must come from the Link of the page before")
	}
	return string(raw[len(cursorMark):]), nil
}

// list is the text of an array as it is sent.
type list struct {
	source Source
	conn   net.Conn
	after  string
	buf    []byte
	items  int
	more   bool
}

// fill appends items, and the closing bracket after the last one.
func (l *list) fill(limit int) error {
	next, err := l.source(l.after, limit, func(json []byte) {
		if l.items++; l.items > 1 {
			l.buf = append(l.buf, ',')
		}
		l.buf = append(l.buf, json...)
	})
	if err != nil {
		return err
	}
	l.after, l.more = next, next != ""
	if !l.more {
		l.buf = append(l.buf, ']')
	}
	return nil
}

// Read sends a long list. An error breaks the connection off, so that half a
// list cannot be taken for a whole one.
func (l *list) Read(p []byte) (int, error) {
	if len(l.buf) == 0 {
		if !l.more {
			return 0, io.EOF
		}
		// The time to write is for one piece, not for a list of any length.
		_ = l.conn.SetWriteDeadline(time.Now().Add(listPiece))
		if err := l.fill(readAhead); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.buf)
	l.buf = l.buf[n:]
	return n, nil
}

const listPiece = 10 * time.Second
