package oci

import (
	"bytes"
	"net"
	"strings"
	"time"
)

// session is one OCI-P connection. The login belongs to the socket and to the
// sessionId of its first document (dossier §4.1).
type session struct {
	s     *Server
	conn  net.Conn
	since time.Time

	buf    []byte
	id     string
	begun  bool
	nonce  string // given, not used yet
	nonces string // whose it is
	login  string // who is logged in; empty for nobody
	lists  int    // lists of users asked for on this connection
}

// maxAnswer is what the tables of an answer may have in bytes before no more is
// added to it.
const maxAnswer = 32 << 20

const closingTag = "</BroadsoftDocument>"

// run answers documents until the client leaves, or makes too much of itself.
func (c *session) run() {
	for {
		doc, ok := c.next()
		if !ok {
			return
		}
		answer, last := c.answer(doc)
		if wait, slow := c.s.people.Struck(SlowAnswer); slow && !c.s.pause(wait) {
			return
		}
		if _, torn := c.s.people.Struck(DropAnswer); torn {
			answer, last = answer[:len(answer)/2], true
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(c.s.cfg.MessageTimeout))
		if _, err := c.conn.Write(answer); err != nil || last {
			return
		}
	}
}

// next reads up to the closing tag.
func (c *session) next() ([]byte, bool) {
	var begun time.Time
	chunk := make([]byte, 4096)
	for from := 0; ; {
		if i := bytes.Index(c.buf[from:], []byte(closingTag)); i >= 0 {
			end := from + i + len(closingTag)
			doc := c.buf[:end:end]
			c.buf = bytes.TrimLeft(c.buf[end:], "\r\n\t ")
			return doc, true
		}
		from = max(0, len(c.buf)-len(closingTag))
		if len(c.buf) >= c.s.cfg.MaxMessage {
			return nil, false
		}
		if len(c.buf) > 0 && begun.IsZero() {
			begun = time.Now()
		}
		_ = c.conn.SetReadDeadline(c.deadline(begun))
		n, err := c.conn.Read(chunk)
		c.buf = append(c.buf, chunk[:n]...)
		if len(bytes.TrimLeft(c.buf, "\r\n\t ")) == 0 {
			c.buf = c.buf[:0] // newlines between documents are not the start of one
		}
		if err != nil && n == 0 {
			return nil, false
		}
	}
}

// deadline is until when something must come.
func (c *session) deadline(begun time.Time) time.Time {
	until := time.Now().Add(c.s.cfg.IdleTimeout)
	if !begun.IsZero() {
		until = begun.Add(c.s.cfg.MessageTimeout)
	}
	if c.login == "" {
		if login := c.since.Add(c.s.cfg.LoginTimeout); login.Before(until) {
			return login
		}
	}
	return until
}

// answer does what a document asks for; last says that the connection ends.
func (c *session) answer(doc []byte) (answer []byte, last bool) {
	root, err := readDocument(doc)
	if err != nil || root.name != "BroadsoftDocument" {
		return c.document("", []*element{c.refuse(nil, invalid("", "the document cannot be read"))}), true
	}
	id := root.get("sessionId")
	if !c.begun {
		c.id, c.begun = id, true
	}
	var answers []*element
	commands, size := 0, 0
	for _, k := range root.kids {
		if k.name != "command" {
			continue
		}
		if commands++; commands > maxCommands {
			break
		}
		var out *element
		err := &Error{Code: 4402, Reason: TooMany, Text: "The answer is too large"}
		if size < maxAnswer {
			out, err = c.do(id, k)
		}
		if err != nil {
			out = c.refuse(k, err)
		}
		for _, k := range out.kids {
			size += len(k.raw)
		}
		answers = append(answers, out)
	}
	if commands == 0 || commands > maxCommands {
		answers = append(answers[:0], c.refuse(nil, invalid("", "a document has 1 to %d commands", maxCommands)))
	}
	return c.document(id, answers), false
}

// document is a whole answer: the declaration, the document, each on its line.
func (c *session) document(id string, answers []*element) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, declaration+"\n"...)
	b = append(b, `<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="`+schemaInstance+`"><sessionId xmlns="">`...)
	b = appendText(b, id)
	b = append(b, "</sessionId>"...)
	for _, a := range answers {
		a.space = noSpace
		if strings.HasPrefix(a.kind, "c:") {
			a.space = inSpaceC
		}
		b = a.append(b)
	}
	return append(b, closingTag+"\n"...)
}

// reply is the answer to a command.
func reply(to *element, kind string, kids ...*element) *element {
	echo := ""
	if to != nil && len(to.attrs) > 0 {
		echo = to.attrs[1]
	}
	return &element{name: "command", kind: kind, attrs: []string{"echo", echo}, kids: kids}
}

func success(to *element) *element { return reply(to, "c:SuccessResponse") }

// refuse is an ErrorResponse; the code is told in its text, as on the wire.
func (c *session) refuse(to *element, err *Error) *element {
	c.s.count(func(st *Stats) { st.Errors++ })
	e := reply(to, "c:ErrorResponse", text("summary", err.Error()), text("summaryEnglish", err.Error()))
	e.attrs = append([]string{"type", "Error"}, e.attrs...)
	return e
}

// do finds out what a command asks for.
func (c *session) do(id string, cmd *element) (*element, *Error) {
	c.s.count(func(st *Stats) { st.Commands++ })
	base, _ := cutSuffix(cmd.kind)
	if !c.s.cfg.knows(cmd.kind) {
		return nil, invalid("", "Unknown request: %s", cmd.kind)
	}
	if id != c.id {
		return nil, &Error{Code: 6004, Reason: Denied, Text: "Not logged in: another session has this connection"}
	}
	if do := logins[base]; do != nil {
		return do(c, cmd)
	}
	do, write := reads[base], writes[base]
	switch {
	case do == nil && write == nil:
		return nil, invalid("", "Unknown request: %s", cmd.kind)
	case c.login == "":
		return nil, &Error{Code: 6004, Reason: Denied, Text: "Not logged in"}
	case do != nil:
		return do(c, cmd)
	}
	change, err := write(c.s, cmd)
	if err != nil {
		return nil, err
	}
	w := Write{User: c.login, LoginType: "System", Session: id, command: cmd, userID: change.UserID}
	if err := c.s.people.Change(change, w); err != nil {
		return nil, err
	}
	if base == "UserModifyGroupIdRequest" {
		return reply(cmd, "UserModifyGroupIdResponse"), nil
	}
	return success(cmd), nil
}
