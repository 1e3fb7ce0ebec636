package console

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"mime"
	"path"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

//go:embed static
var static embed.FS

// policy lets a page run what came with it and nothing else, and talk to where
// it came from alone. Nothing makes markup from text (trusted types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// index is the one page.
const index = "index.html"

type page struct {
	kind, tag string
	body      []byte
}

// Pages are the files of the console. They tell nothing that is not in the
// program's source, so they are for everybody.
type Pages struct{ files map[string]page }

// NewPages reads them from the program.
func NewPages() (*Pages, error) {
	p := &Pages{files: map[string]page{}}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		p.files[path.Base(name)] = page{
			kind: kindOf(name), body: body, tag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return p, nil
}

// kindOf does not ask the machine, which may not know scripts.
func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}

// Index answers with the page.
func (p *Pages) Index(ctx *fasthttp.RequestCtx) error { return p.write(ctx, index) }

// File answers with what the page is made of.
func (p *Pages) File(ctx *fasthttp.RequestCtx) error {
	name, _ := ctx.UserValue("file").(string)
	return p.write(ctx, name)
}

// write answers with a file. A browser asks each time whether it is still the
// same: pages and program are of one version.
func (p *Pages) write(ctx *fasthttp.RequestCtx, name string) error {
	f, ok := p.files[name]
	if !ok {
		return problem.NotFound()
	}
	h := &ctx.Response.Header
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	if string(ctx.Request.Header.Peek("If-None-Match")) == f.tag {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return nil
	}
	h.SetContentType(f.kind)
	ctx.SetBody(f.body)
	return nil
}
