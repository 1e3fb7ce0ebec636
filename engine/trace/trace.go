package trace

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// Context is where in a trace somebody stands. The zero value is in none.
type Context struct {
	ID      [16]byte // of the trace
	Span    [8]byte  // of what is being done
	Sampled bool     // somebody records it
}

// Set reports whether there is a trace.
func (c Context) Set() bool { return c.ID != [16]byte{} }

// String is the trace id, as logs have it; empty for none.
func (c Context) String() string {
	if !c.Set() {
		return ""
	}
	return hex.EncodeToString(c.ID[:])
}

// Child is the same trace with a span of its own; none stays none.
func (c Context) Child() Context {
	if c.Set() {
		c.Span = newSpan()
	}
	return c
}

// Size is the length of a traceparent.
const Size = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

// Append adds the traceparent header's value (W3C Trace Context §3.2).
func (c Context) Append(b []byte) []byte {
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, c.ID[:])
	b = append(b, '-')
	b = hex.AppendEncode(b, c.Span[:])
	if c.Sampled {
		return append(b, "-01"...)
	}
	return append(b, "-00"...)
}

// Parent is Append as a string.
func (c Context) Parent() string { return string(c.Append(make([]byte, 0, Size))) }

// Parse reads a traceparent. A version that is not known yet is read as far as
// this one goes, as §3.2.4 wants it; anything else that is not to the letter is
// no trace.
func Parse(text []byte) (c Context, ok bool) {
	if len(text) < Size || len(text) > 256 || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return Context{}, false
	}
	var version, flags [1]byte
	if !lower(version[:], text[:2]) || version[0] == 0xff || !lower(c.ID[:], text[3:35]) || !lower(c.Span[:], text[36:52]) || !lower(flags[:], text[53:55]) {
		return Context{}, false
	}
	if len(text) > Size && (version[0] == 0 || text[Size] != '-') {
		return Context{}, false
	}
	if !c.Set() || c.Span == [8]byte{} {
		return Context{}, false
	}
	c.Sampled = flags[0]&1 != 0
	return c, true
}

// lower decodes hexadecimal digits, of which capital ones are none.
func lower(to, text []byte) bool {
	for _, c := range text {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(to, text)
	return err == nil
}

// New begins a trace.
func New(sampled bool) Context {
	c := Context{Span: newSpan(), Sampled: sampled}
	for !c.Set() {
		binary.LittleEndian.PutUint64(c.ID[:8], rand.Uint64())
		binary.LittleEndian.PutUint64(c.ID[8:], rand.Uint64())
	}
	return c
}

func newSpan() (id [8]byte) {
	for id == [8]byte{} {
		binary.LittleEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}

type key struct{}

// With is ctx with a place in a trace.
func With(ctx context.Context, c Context) context.Context {
	if !c.Set() {
		return ctx
	}
	return context.WithValue(ctx, key{}, c)
}

// From is the place in a trace that ctx has, or none.
func From(ctx context.Context) Context {
	c, _ := ctx.Value(key{}).(Context)
	return c
}
