package webhook

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// secretive is a receiver with all a redactor has to know about.
func secretive(t testing.TB) (*url.URL, tenant.Receiver) {
	t.Helper()
	u, err := url.Parse("https://hooks.example.com/calls?tenant=Acme+Ltd&t=hunter2")
	require.NoError(t, err)
	return u, tenant.Receiver{
		Secrets: []string{testSecret}, Retired: []tenant.Retired{{Secret: "whsec_bm90IGEgc2VjcmV0IGJ1dCBsb25nIGVub3VnaA=="}},
		Headers: []tenant.Header{
			{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte("acme:open sesame"))}, {Name: "X-Gate", Value: "swordfish"}, {Name: "X-One", Value: "1"},
		},
	}
}

func TestExcerptsHideWhatMustNotBeRead(t *testing.T) {
	u, r := secretive(t)
	redact := newRedactor(u, r)
	events := []*engine.Notification{{Body: []byte(`{"subscriber_name":"Tommy Tutone","remote_name":"Jürgen","subscriber_number":"+15128675309"}`)}}
	for _, tt := range []struct{ name, body, want string }{
		{"plain words", "upstream connect error or disconnect/reset before headers", "upstream connect error or disconnect/reset before headers"},
		{"an exception", "java.lang.IllegalArgumentException at Hooks.java:47", "java.lang.IllegalArgumentException at Hooks.java:47"},
		{"a line of JSON", `{"error":"no such route","code":404}`, `{"error":"no such route","code":404}`},
		{"several lines", "one\r\n\ttwo\n", "one  " + " two "},
		{"controls", "a\x00b\x1b[31mc\x7f\u202ed\ufeff", "a?b?[31mc??d?"},
		{"not UTF-8", "a\xff\xc3b", "a??b"},
		{"nothing", "", ""},

		{"our secret", "sign with " + testSecret + "!", "sign with ***!"},
		{"without its prefix", "key=<" + testSecret[6:] + ">", "key=<***>"},
		{"a retired one", "whsec_bm90IGEgc2VjcmV0IGJ1dCBsb25nIGVub3VnaA== is old", "*** is old"},
		{"a header's value", "X-Gate was swordfish, one was 1", "X-Gate was ***, one was 1"},
		{"a password that was sent encoded", "no user acme with open sesame", "no user acme with ***"},
		{"the query", "no route /calls?tenant=Acme+Ltd&t=hunter2", "no route /calls?***"},
		{"a value of the query", "Acme Ltd has no hunter2", "*** has no ***"},
		{"the beginning of one, at the end", "it was swordf", "it was ***"},

		{"a name of the event", "Tommy Tutone called Jürgen", "*** called ***"},
		{"a name, escaped", `{"to":"J\u00fcrgen"}`, `{"to":"***"}`},

		{"a phone number", "no +15128675309 here", "no *** here"},
		{"spaced", "no +1 (512) 867-5309 here", "no *** here"},
		{"with dots", "0512.867.5309", "***"},
		{"in an escaped text", `{"n":"\u002b15128675309"}`, `{"n":"\***"}`},
		{"in other digits", "+١٥١٢٨٦٧٥٣٠٩ x", "*** x"},
		{"over two lines", "512\n867\n5309", "***"},
		{"with a long dash", "512–867–5309", "***"},
		{"small numbers stay", "line 47 of 1200, status 502", "line 47 of 1200, status 502"},

		{"a password", `{"password": "correct horse", "user": "x"}`, `{"password": "***", "user": "x"}`},
		{"with an escaped quote", `{"password": "cor\"rect horse", "user": "x"}`, `{"password": "***", "user": "x"}`},
		{"JSON within JSON", `{"body":"{\"api_key\":\"abc def\"}"}`, `{"body":"{\"api_key\":\"***\"}"}`},
		{"in a form", "user=x&client_secret=abc&y=z", "user=x&client_secret=***&y=z"},
		{"in a header", "Authorization: Bearer abc.def", "Authorization: ***"},
		{"on a line of its own", "token=abc def\nHost: x", "token=*** Host: x"},
		{"a cookie", "Set-Cookie: sid=abc; Path=/", "Set-Cookie: ***; Path=/"},
		{"a bearer's token", "got Bearer abcd, wanted another", "got Bearer ***, wanted another"},
		{"in YAML", "session_id: abc", "session_id: ***"},
		{"credentials in a URL", "postgres://app:pw@db/x failed", "postgres://***@db/x failed"},
		{"a JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0xyz.c2lnbmF0dXJlMTIzNA", "***.***.***"},
		{"a UUID", "id e1c1eef6-8c12-4031-8cc9-ae667c839476 is gone", "id *** is gone"},
		{"a long word without a digit", "x " + strings.Repeat("aBcD", 8) + " y", "x *** y"},
	} {
		require.Equal(t, tt.want, redact.excerpt([]byte(tt.body), events), tt.name)
	}
}

func TestExcerptsAreShort(t *testing.T) {
	u, r := secretive(t)
	redact := newRedactor(u, r)
	require.Len(t, redact.excerpt([]byte(strings.Repeat("a ", 1<<20)), nil), maxExcerpt)
	require.Len(t, redact.excerpt([]byte(strings.Repeat("ü ", 1<<10)), nil), maxExcerpt-1, "no half letters")

	// What begins within the excerpt and ends behind it is still recognised.
	got := redact.excerpt([]byte(strings.Repeat(". ", 509)+testSecret+" and more"), nil)
	require.Equal(t, strings.Repeat(". ", 509)+hidden, got)
	// What hiding makes room for is not filled with what was not looked at.
	got = redact.excerpt([]byte(strings.Repeat(testSecret+" ", 100)), nil)
	require.Equal(t, strings.Repeat(hidden+" ", len(got)/4)+strings.Repeat(hidden, len(got)%4/3), got)
}

// FuzzExcerpt: whatever is answered, the excerpt is short, one printable line,
// and has none of what it must not have.
func FuzzExcerpt(f *testing.F) {
	u, r := secretive(f)
	redact := newRedactor(u, r)
	number := regexp.MustCompile(`\p{Nd}[ ./()-]*(\p{Nd}[ ./()-]?){6}`)
	for _, seed := range []string{
		"", "swordfish", "sword\x00fish", testSecret, "+1 (512) 867-5309", "5\n1\n2\n8\n6\n7\n5\n3\n0\n9", `{"token":"`, `password:`, "\xff\xfe", "a\u202eb",
		strings.Repeat("swordfish ", 200), strings.Repeat("x", 1020) + testSecret, "Authorization: Basic " + testSecret,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := redact.excerpt([]byte(body), nil)
		if len(got) > maxExcerpt || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		for _, r := range got {
			if !strconv.IsPrint(r) {
				t.Fatalf("%q is not printable", got)
			}
		}
		for _, v := range append(redact.known, testSecret, "hunter2") {
			if strings.Contains(got, v) {
				t.Fatalf("%q has %q", got, v)
			}
		}
		if at := number.FindString(got); at != "" {
			t.Fatalf("%q has the number %q", got, at)
		}
	})
}
