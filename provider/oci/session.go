package oci

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// session is one connection to OCI-P. The login belongs to the socket and to
// the id that was made up for it (dossier §4.1).
type session struct {
	conn  net.Conn
	frame framer
	id    string
	scope scope // what the login may see
	used  time.Time
	fresh bool // nothing was asked since the login
}

func newSession(conn net.Conn, l limits) *session {
	return &session{conn: conn, frame: framer{r: conn, limits: l}, id: newUUID(), used: time.Now(), fresh: true}
}

// newUUID is a random UUID (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ask sends one request and reads its answer. After any error but a *Refused
// the session is of no use. silent says that nothing at all came back.
func (s *session) ask(ctx context.Context, r *request, patience time.Duration) (c *command, silent bool, err error) {
	_ = s.conn.SetDeadline(time.Now().Add(patience))
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		// Once the deadline may be meddled with, the connection is of no use.
		if !stop() || ctx.Err() != nil && err != nil {
			c, err = nil, ctx.Err()
		}
	}()
	if _, err := s.conn.Write(r.document(s.id)); err != nil {
		return nil, true, fmt.Errorf("%s not sent: %w", r.name, plain(err))
	}
	raw, err := s.frame.next()
	if err != nil {
		return nil, len(s.frame.buf) == 0 && !late(err), fmt.Errorf("%s not answered: %w", r.name, plain(err))
	}
	s.used = time.Now()
	c, err = s.read(raw, r)
	if err != nil && !errors.As(err, new(*Refused)) {
		err = fmt.Errorf("%s: %w", r.name, err)
	}
	return c, errors.Is(err, errEnded), err
}

// read finds the answer to a request in a document.
func (s *session) read(raw []byte, r *request) (*command, error) {
	text, ok := toUTF8(raw)
	if !ok {
		return nil, errNotUnderstood
	}
	doc, err := decode(text, s.frame.limits)
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errTooDeep):
		return nil, err
	case err != nil || doc.root != rootOfOCI || len(doc.commands) != 1:
		return nil, errNotUnderstood
	case strings.HasPrefix(doc.commands[0].kind, "LogoutRequest"): // the platform says goodbye
		return nil, errEnded
	case doc.session != s.id:
		return nil, errSession
	}
	c := &doc.commands[0]
	if c.kind == "ErrorResponse" {
		return nil, &Refused{Request: r.name, Code: code(c)}
	}
	// The releases of a request and of its answer are not always the same.
	asked, _, _ := strings.Cut(r.name, "Request")
	if name, _, found := strings.Cut(c.kind, "Response"); !found || name != asked {
		return nil, errNotUnderstood
	}
	return c, nil
}

// plain is an error of the network, in few words.
func plain(err error) error {
	if late(err) {
		return errLate
	}
	return err
}

func late(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
