package console

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"
)

func ask(t *testing.T, h fasthttp.RequestHandler, header ...string) *fasthttp.Response {
	t.Helper()
	ctx := &fasthttp.RequestCtx{}
	for i := 0; i+1 < len(header); i += 2 {
		ctx.Request.Header.Set(header[i], header[i+1])
	}
	h(ctx)
	return &ctx.Response
}

func file(t *testing.T, p *Pages, name string, header ...string) *fasthttp.Response {
	return ask(t, func(ctx *fasthttp.RequestCtx) {
		ctx.SetUserValue("file", name)
		require.NoError(t, p.File(ctx))
	}, header...)
}

func TestPagesMayRunNothingButWhatCameWithThem(t *testing.T) {
	p, err := NewPages()
	require.NoError(t, err)
	index := ask(t, func(ctx *fasthttp.RequestCtx) { require.NoError(t, p.Index(ctx)) })
	require.Equal(t, 200, index.StatusCode())
	require.Equal(t, "text/html; charset=utf-8", string(index.Header.ContentType()))
	for name := range p.files {
		got := file(t, p, name)
		said := string(got.Header.Peek("Content-Security-Policy"))
		require.Contains(t, said, "default-src 'none'; script-src 'self'; style-src 'self';", name)
		require.Contains(t, said, "frame-ancestors 'none'", name)
		require.Contains(t, said, "require-trusted-types-for 'script'", name)
		require.NotContains(t, said, "unsafe", name)
		require.Equal(t, "nosniff", string(got.Header.Peek("X-Content-Type-Options")))
	}
}

// What the policy would refuse to run is not there to begin with: nothing
// inline, nothing from elsewhere, and nothing that makes markup from text.
func TestPagesHaveNothingInlineAndNothingFromElsewhere(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:`)
	elsewhere := regexp.MustCompile(`(?i)(src|href|url\(|from|import)\s*[=(]?\s*["']?(https?:)?//`)
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\("style"`)
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := static.ReadFile(name)
		require.NoError(t, err)
		text := string(body)
		require.NotRegexp(t, elsewhere, text, name)
		if strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".svg") {
			require.NotRegexp(t, inline, text, name)
		}
		if strings.HasSuffix(name, ".mjs") {
			require.NotRegexp(t, markup, text, name)
		}
		return nil
	})
	require.NoError(t, err)
}

func TestAllThatPagesNameIsThere(t *testing.T) {
	p, err := NewPages()
	require.NoError(t, err)
	named := regexp.MustCompile(`(?:from "\./|(?:href|src)="console/|src: "console/)([^"]+)"`)
	seen := map[string]bool{index: true}
	for _, f := range p.files {
		for _, m := range named.FindAllStringSubmatch(string(f.body), -1) {
			require.Contains(t, p.files, m[1])
			seen[m[1]] = true
		}
	}
	for name := range p.files {
		require.True(t, seen[name], "nothing names %s", name)
	}
}

func TestABrowserAsksWhetherAPageIsStillTheSame(t *testing.T) {
	p, err := NewPages()
	require.NoError(t, err)
	first := file(t, p, "main.mjs")
	require.Equal(t, "text/javascript; charset=utf-8", string(first.Header.ContentType()))
	require.Equal(t, "no-cache", string(first.Header.Peek("Cache-Control")))
	tag := string(first.Header.Peek("ETag"))
	again := file(t, p, "main.mjs", "If-None-Match", tag)
	require.Equal(t, 304, again.StatusCode())
	require.Empty(t, again.Body())
}

func TestNoOtherFilesAreServed(t *testing.T) {
	p, err := NewPages()
	require.NoError(t, err)
	for _, name := range []string{"pages.go", "../pages.go", "static/main.mjs", "..%2fpages.go", "none.mjs", "MAIN.mjs"} {
		ctx := &fasthttp.RequestCtx{}
		ctx.SetUserValue("file", name)
		require.Error(t, p.File(ctx), name)
	}
}
