package web

import (
	"bytes"
	"mime"
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

// Bearer is the token of the Authorization header (RFC 6750 §2.1). It reports
// false if there is none, or more than one.
func Bearer(ctx *fasthttp.RequestCtx) (string, bool) {
	all := ctx.Request.Header.PeekAll(fasthttp.HeaderAuthorization)
	if len(all) != 1 {
		return "", false
	}
	scheme, token, ok := bytes.Cut(all[0], []byte(" "))
	if !ok || !bytes.EqualFold(scheme, []byte("Bearer")) {
		return "", false
	}
	token = bytes.TrimLeft(token, " ")
	return string(token), len(token) > 0
}

// CheckJSON refuses a body that is said to be something other than JSON.
// One that says nothing is taken as JSON; so are the media types in also.
func CheckJSON(ctx *fasthttp.RequestCtx, also ...string) error {
	h := &ctx.Request.Header
	if enc := h.Peek(fasthttp.HeaderContentEncoding); len(enc) > 0 && !bytes.EqualFold(enc, []byte("identity")) {
		return problem.New(problem.CodeUnsupportedMediaType, "the body must not be compressed")
	}
	said := string(h.ContentType())
	if strings.TrimSpace(said) == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(said)
	ok := kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
	for _, a := range also {
		ok = ok || kind == a
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") && !strings.EqualFold(cs, "us-ascii") {
		ok = false
	}
	if err != nil || !ok {
		return problem.New(problem.CodeUnsupportedMediaType, "the body must be application/json")
	}
	return nil
}
