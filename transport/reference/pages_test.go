package reference

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"offhook/docs"
)

func ask(t *testing.T, handler func(*fasthttp.RequestCtx) error, etag string) *fasthttp.Response {
	t.Helper()
	var ctx fasthttp.RequestCtx
	if etag != "" {
		ctx.Request.Header.Set("If-None-Match", etag)
	}
	require.NoError(t, handler(&ctx))
	return &ctx.Response
}

func TestWhoHasItIsToldSo(t *testing.T) {
	p := New(docs.OpenAPI)
	for _, handler := range []func(*fasthttp.RequestCtx) error{p.Document, p.Page} {
		first := ask(t, handler, "")
		require.Equal(t, 200, first.StatusCode())
		etag := string(first.Header.Peek("ETag"))
		require.Regexp(t, `^"[0-9a-f]{24}"$`, etag)
		for _, known := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
			again := ask(t, handler, known)
			require.Equal(t, 304, again.StatusCode(), known)
			require.Empty(t, again.Body())
			require.Equal(t, etag, string(again.Header.Peek("ETag")))
		}
		require.Equal(t, first.Body(), ask(t, handler, `"other"`).Body())
	}
	require.Equal(t, docs.OpenAPI, string(ask(t, p.Document, "").Body()))
	require.NotEqual(t, ask(t, p.Page, "").Header.Peek("ETag"), ask(t, New(docs.AdminOpenAPI).Page, "").Header.Peek("ETag"))
}

// A page that loads nothing from elsewhere works where there is no elsewhere,
// and tells nobody who reads it.
func TestThePageNeedsNothingElse(t *testing.T) {
	for _, text := range []string{docs.OpenAPI, docs.AdminOpenAPI} {
		resp := ask(t, New(text).Page, "")
		html := string(resp.Body())
		require.NotRegexp(t, `(?i)<(script|img|iframe|object|embed|link)[^>]+(src|href)=`, html)
		require.NotContains(t, html, "url(")
		require.NotContains(t, html, "@import")

		policy := string(resp.Header.Peek("Content-Security-Policy"))
		for _, tag := range []string{"style", "script"} {
			inside := regexp.MustCompile("(?s)<"+tag+">(.*?)</"+tag+">").FindAllStringSubmatch(html, -1)
			require.Len(t, inside, 1)
			require.Contains(t, policy, tag+"-src '"+hashOf(inside[0][1])+"'")
		}
		require.NotRegexp(t, ` (on[a-z]+|style)="`, html, "the policy would not let it be")
	}
}

func TestEveryOperationAndSchemaIsThereAndEveryLinkLeadsSomewhere(t *testing.T) {
	for _, text := range []string{docs.OpenAPI, docs.AdminOpenAPI} {
		html := string(ask(t, New(text).Page, "").Body())
		for _, m := range regexp.MustCompile(`operationId: (\w+)`).FindAllStringSubmatch(text, -1) {
			require.Contains(t, html, `<article id="`+m[1]+`"`)
		}
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			ids[m[1]]++
			require.Equal(t, 1, ids[m[1]], m[1])
		}
		for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
			require.Contains(t, ids, m[1], "a link leads nowhere")
		}
		require.NotContains(t, html, "$ref")
		require.NotContains(t, html, "ZgotmplZ")
	}
}

func TestAnOperationAsItIsShown(t *testing.T) {
	html := string(ask(t, New(docs.OpenAPI).Page, "").Body())
	_, place, _ := strings.Cut(html, `<article id="placeCall"`)
	place, _, _ = strings.Cut(place, "</article>")
	for _, part := range []string{
		`<b class="POST">POST</b> <code>/apps/{app_id}/calls</code> <span class="scope">calls:control</span>`,
		`<dt><code>remote_number</code> <span class="required" title="required">*</span></dt>`,
		`<dt><code>Idempotency-Key</code></dt>`,
		`<dt><code>422</code></dt>`, `<code>number_not_allowed</code>`,
		`curl -X POST &#34;$OFFHOOK/apps/e1c1eef6-8c12-4031-8cc9-ae667c839476/calls&#34;`,
		`-H &#34;Authorization: Bearer $KEY&#34;`,
		`{&#34;subscriber_id&#34;:&#34;someSubscriberId@example-telco.com&#34;,`,
		`&#34;capabilities&#34;: [&#34;answer&#34;, &#34;end&#34;]`,
	} {
		require.Contains(t, place, part)
	}
	require.Contains(t, html, `curl -N &#34;$OFFHOOK`)
	require.Contains(t, html, `<a href="https://www.standardwebhooks.com">Standard Webhooks</a>`)
}

// What is written in a document is text, whatever it looks like.
func TestTextIsNeverMarkup(t *testing.T) {
	html, err := render(`
info: { title: '<b>t</b>', description: 'a <i> **<u>** ` + "`<s>`" + ` [<q>](https://x.example/"onclick)' }
tags: [ { name: '<a>' } ]
paths: { '/<p>': { get: { operationId: o, tags: ['<a>'], summary: '</script>', responses: { '200': { description: '<x>' } } } } }
components: { schemas: { '<S>': { type: object, description: '<d>', properties: { '<m>': { const: '<c>' } } } } }
`)
	require.NoError(t, err)
	for _, tag := range []string{"<b>t", "<i>", "<u>", "<s>", "<q>", "<p>/", "<x>", "<S>", "<d>", "<m>", "<c>", `/"onclick`} {
		require.NotContains(t, string(html), tag)
	}
	_, err = render("")
	require.Error(t, err)
	require.Error(t, New(":").Page(&fasthttp.RequestCtx{}))
}

// The examples are run as they are shown.
func TestACurlIsTheRequestItSays(t *testing.T) {
	for _, text := range []string{docs.OpenAPI, docs.AdminOpenAPI} {
		html := string(ask(t, New(text).Page, "").Body())
		require.Equal(t, strings.Count(html, `<pre class="curl">`), strings.Count(html, `<code>curl `))
		require.NotRegexp(t, `curl [^<]*\{`+`[a-z_]+\}`, html, "a place of a path without an example")
	}
}

// What an operator does in an app's place is shown apart from what is his own.
func TestAnOperationInAnAppsPlaceAsItIsShown(t *testing.T) {
	html := string(ask(t, New(docs.AdminOpenAPI).Page, "").Body())
	_, section, found := strings.Cut(html, `<h2 id="tag-calls-as-an-app">Calls as an app</h2>`)
	require.True(t, found)
	section, _, _ = strings.Cut(section, "</section>")
	_, place, found := strings.Cut(section, `<article id="placeCallAsApp"`)
	require.True(t, found)
	place, _, _ = strings.Cut(place, "</article>")
	for _, part := range []string{
		`<b class="POST">POST</b> <code>/admin/apps/{app_id}/calls</code></p>`, `<a href="#schema-NewCall">NewCall</a>`,
		`curl -X POST &#34;$OFFHOOK/admin/apps/e1c1eef6-8c12-4031-8cc9-ae667c839476/calls&#34;`, `-H &#34;Authorization: Bearer $TOKEN&#34;`,
	} {
		require.Contains(t, place, part)
	}
	require.NotContains(t, html, `class="scope"`, "a token has no scopes")
	_, networks, _ := strings.Cut(html, `<article id="listNetworksAsApp"`)
	networks, _, _ = strings.Cut(networks, "</article>")
	require.Contains(t, networks, `<a href="#schema-AppNetwork">AppNetwork</a>`)
}

// A link within a text is known by more than its color.
func TestLinksWithinATextAreUnderlined(t *testing.T) {
	html := string(ask(t, New(docs.OpenAPI).Page, "").Body())
	require.Regexp(t, `[,}\n]\s*(?:[^{}]*, )?main a \{[^}]*text-decoration: underline`, html)
}
