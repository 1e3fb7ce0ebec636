package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// poster is one connection on which events are POSTed to an HTTP contact. It is
// as plain as can be: what it costs is taken from who is measured.
type poster struct {
	conn net.Conn
	in   *bufio.Reader
	head []byte
	out  []byte
}

func dialContact(target string) (*poster, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/xml; charset=UTF-8\r\nContent-Length: ", u.RequestURI(), u.Host)
	return &poster{conn: conn, in: bufio.NewReader(conn), head: head}, nil
}

var errNotTaken = errors.New("an event was not answered with 200")

// post POSTs a document and reads the answer, which is its acknowledgement.
func (o *poster) post(document []byte) error {
	o.out = append(o.out[:0], o.head...)
	o.out = fmt.Appendf(o.out, "%d\r\n\r\n", len(document))
	o.out = append(o.out, document...)
	if _, err := o.conn.Write(o.out); err != nil {
		return err
	}
	line, err := o.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("%w: %q", errNotTaken, line)
	}
	for len(line) > len("\r\n") {
		if bytes.HasPrefix(line, []byte("Content-Length: ")) && !bytes.HasPrefix(line, []byte("Content-Length: 0\r")) {
			return fmt.Errorf("%w and nothing else: %q", errNotTaken, line)
		}
		if line, err = o.in.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// postOnce POSTs the snapshot of a subscription that was just asked for.
func (p *platform) postOnce(to string, l *line, sequence uint64, document []byte) {
	o, err := dialContact(to)
	if err == nil {
		defer func() { _ = o.conn.Close() }()
		err = o.post(document)
	}
	if err != nil {
		p.wonder("a snapshot: " + err.Error())
		return
	}
	p.settled(l, sequence)
}

// post POSTs events as fast as they are answered, for a time, on so many
// connections. The events of a line are on one of them, in order.
func (p *platform) post(ctx context.Context, to string, connections int, length time.Duration) (events int, began time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var (
		wg   sync.WaitGroup
		sent atomic.Int64
		mu   sync.Mutex
		errs []error
	)
	began = time.Now()
	for i := range connections {
		wg.Go(func() {
			n, err := p.postOn(ctx, to, i, connections)
			sent.Add(int64(n))
			if err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return int(sent.Load()), began, errors.Join(errs...)
}

// postOn is one connection: the lines whose number is i modulo step are its own.
func (p *platform) postOn(ctx context.Context, to string, i, step int) (events int, err error) {
	o, err := dialContact(to)
	if err != nil {
		return 0, err
	}
	defer func() { _ = o.conn.Close() }()
	var document []byte
	for {
		for n := i; n < len(p.lines); n += step {
			if ctx.Err() != nil {
				return events, nil
			}
			l := p.lines[n]
			l.mu.Lock()
			document = l.next(document[:0], true, time.Now().UnixMilli())
			sequence := l.sequence
			l.mu.Unlock()
			if err := o.post(document); err != nil {
				return events, err
			}
			p.settled(l, sequence)
			events++
		}
	}
}
