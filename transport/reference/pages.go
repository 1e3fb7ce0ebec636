package reference

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"sync"

	"github.com/valyala/fasthttp"
)

// Pages is what a listener says of itself.
type Pages struct {
	document func() (file, error)
	page     func() (file, error)
}

// file is what is sent, and how it is known again.
type file struct {
	kind, etag string
	body       []byte
	policy     string // Content-Security-Policy; empty for none
}

// New takes a document as it is in docs.
func New(document string) *Pages {
	return &Pages{
		document: sync.OnceValues(func() (file, error) { return seal(file{kind: "application/yaml", body: []byte(document)}), nil }),
		page: sync.OnceValues(func() (file, error) {
			html, err := render(document)
			if err != nil {
				return file{}, fmt.Errorf("reference page: %w", err)
			}
			return seal(file{kind: "text/html; charset=utf-8", body: html, policy: policy}), nil
		}),
	}
}

func seal(f file) file {
	sum := sha256.Sum256(f.body)
	f.etag = `"` + hex.EncodeToString(sum[:12]) + `"`
	return f
}

// policy lets the page's own style and script be, and nothing else.
var policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", hashOf(style), hashOf(script))

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Document answers with the document.
func (p *Pages) Document(ctx *fasthttp.RequestCtx) error { return send(ctx, p.document) }

// Page answers with the page.
func (p *Pages) Page(ctx *fasthttp.RequestCtx) error { return send(ctx, p.page) }

func send(ctx *fasthttp.RequestCtx, of func() (file, error)) error {
	f, err := of()
	if err != nil {
		return err
	}
	h := &ctx.Response.Header
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache") // kept, and asked for again with the ETag
	if has(ctx.Request.Header.Peek("If-None-Match"), f.etag) {
		ctx.SetStatusCode(http.StatusNotModified)
		return nil
	}
	h.SetContentType(f.kind)
	if f.policy != "" {
		h.Set("Content-Security-Policy", f.policy)
	}
	ctx.Response.SetBodyRaw(f.body)
	return nil
}

// has reports whether a list of tags has one (RFC 9110 §13.1.2: compared
// weakly).
func has(list []byte, etag string) bool {
	for tag := range bytes.SplitSeq(list, []byte(",")) {
		tag = bytes.TrimPrefix(bytes.TrimSpace(tag), []byte("W/"))
		if string(tag) == etag || string(tag) == "*" {
			return true
		}
	}
	return false
}
