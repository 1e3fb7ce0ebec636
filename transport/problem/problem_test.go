package problem

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fasthttp"

	"offhook/engine"
)

func TestADocumentHasTheMembersOfRFC9457(t *testing.T) {
	p := FromEngine(&engine.Error{Code: engine.CodeWrongState, Message: `only a "held" call can be resumed`, State: engine.StateActive})
	require.Equal(t,
		`{"type":"urn:offhook:problem:wrong_state","title":"The call is in another state","status":409,"code":"wrong_state",`+
			`"detail":"only a \"held\" call can be resumed","state":"active"}`,
		string(p.Append(nil)))

	p = Invalid("remote_number", "must not be empty")
	require.Contains(t, string(p.Append(nil)), `"status":422,"code":"invalid_field","detail":"must not be empty","field":"remote_number"}`)
}

func TestTheResponse(t *testing.T) {
	for _, code := range Codes() {
		var ctx fasthttp.RequestCtx
		ctx.SetBodyString("what a handler began")
		Write(&ctx, New(code, "because"))

		var doc struct {
			Status int
			Code   engine.Code
			Title  string
		}
		require.NoError(t, json.Unmarshal(ctx.Response.Body(), &doc))
		require.Equal(t, code, doc.Code)
		require.NotEmpty(t, doc.Title)
		require.Equal(t, ctx.Response.StatusCode(), doc.Status)
		require.Equal(t, ContentType, string(ctx.Response.Header.ContentType()))

		retry := string(ctx.Response.Header.Peek("Retry-After"))
		switch doc.Status {
		case 429, 503:
			seconds, err := strconv.Atoi(retry)
			require.NoError(t, err, code)
			require.Positive(t, seconds)
		default:
			require.Empty(t, retry, code)
		}
	}
}

func TestRetryAfterCanBeLongerThanTheCodesOwn(t *testing.T) {
	require.Equal(t, 7, (&Problem{Code: CodeRateLimited, RetryAfter: 7}).Retry())
	require.Equal(t, 1, New(CodeRateLimited, "").Retry())
	require.Zero(t, (&Problem{Code: engine.CodeNotFound, RetryAfter: 7}).Retry())
}

func TestHeadersTooLargeIsTheSameCodeWithItsOwnStatus(t *testing.T) {
	p := HeadersTooLarge("less, please")
	require.Equal(t, 431, p.Status())
	require.Contains(t, string(p.Append(nil)), `"status":431,"code":"too_large"`)
}

func TestErrorsThatAreNoRefusalStayInside(t *testing.T) {
	secret := errors.New("open /var/lib/offhook: disk of +15128675309 on fire")
	require.Equal(t, CodeInternal, From(secret).Code)
	require.NotContains(t, From(secret).Detail, "disk")

	refusal := fmt.Errorf("originate: %w", &engine.Error{Code: engine.CodeBusy, Message: "later"})
	require.Equal(t, engine.CodeBusy, From(refusal).Code)
	require.Equal(t, "later", From(fmt.Errorf("x: %w", New(CodeScope, "later"))).Detail)
	require.Equal(t, CodeInternal, rowOf("a_code_nobody_listed").code)
}

// A foreign call and a missing one must be the same to the byte.
func TestNotFoundTellsNothing(t *testing.T) {
	a := FromEngine(&engine.Error{Code: engine.CodeNotFound, Message: "the subscriber is not linked to this app"})
	b := FromEngine(&engine.Error{Code: engine.CodeNotFound, Message: "no such call"})
	require.Equal(t, a.Append(nil), b.Append(nil))
}

func TestEveryCodeOfTheCoreIsListed(t *testing.T) {
	for _, code := range coreCodes(t) {
		require.Contains(t, rows, engine.Code(code), "engine/errors.go has a code the table does not")
	}
}

// coreCodes reads the constants of type Code from the core's source, so that a
// new one cannot be forgotten here.
func coreCodes(t *testing.T) []string {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "engine", "errors.go"), nil, 0)
	require.NoError(t, err)
	var codes []string
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Code") {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			codes = append(codes, s)
		}
		return true
	})
	require.NotEmpty(t, codes)
	return codes
}

// docs/errors.md is what customers read. It lists each code with its status,
// when it happens and what to do, and nothing else.
func TestTheDocumentAgreesWithTheTable(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "errors.md"))
	require.NoError(t, err)
	line := regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `([a-z_]+)` \\| ([^|]+) \\| ([^|]+) \\|$")
	listed := map[engine.Code]bool{}
	for _, m := range line.FindAllStringSubmatch(string(doc), -1) {
		code := engine.Code(m[2])
		require.Contains(t, rows, code, "the document has a code the table does not")
		require.Equal(t, strconv.Itoa(Status(code)), m[1], code)
		require.False(t, listed[code], "%s is there twice", code)
		listed[code] = true
	}
	for _, code := range Codes() {
		require.True(t, listed[code], "docs/errors.md does not explain %s", code)
	}
}
