package tenant

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeadersAReceiverMayAskFor(t *testing.T) {
	for _, h := range []Header{
		{"X-Api-Key", "k3y"}, {"authorization", "Bearer abc.def"}, {"Authorization", "Basic dXNlcjpwYXNz"}, {"x", "y"},
		{"!#$%&'*+-.^_`|~09azAZ", "all of it"}, {strings.Repeat("n", 64), strings.Repeat("v", 1024)}, {"X-List", "a,\tb; c=\"d\""},
		{"Webhook", "is not webhook-"}, {"Proxy", "x"}, {"X-Host", "x"}, {"Datum", "x"}, {"Section", "x"},
	} {
		require.Empty(t, CheckHeader(h.Name, h.Value), "%q", h.Name)
	}
}

func TestHeadersThatAreRefused(t *testing.T) {
	names := []string{
		"", " ", strings.Repeat("n", 65), "X Y", "X:", ":authority", "X\r\nY", "X\n", "X\x00", "X\t", "Ü", "X\xff", "X/Y", "(X)", "X\"", "X@Y", "X[0]", "X{", "X=", "X,Y", "X;Y", "X\x7f",
	}
	for _, reserved := range []string{
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Authorization",
		"Proxy-Connection", "Upgrade", "TE", "Trailer", "Expect", "User-Agent", "Date", "Cookie", "webhook-id", "webhook-signature",
		"webhook-anything", "X-Forwarded-For", "Forwarded", "Via", "Range", "Accept-Encoding", "Sec-Fetch-Mode",
	} {
		names = append(names, reserved, strings.ToUpper(reserved), strings.ToLower(reserved))
	}
	for _, name := range names {
		require.NotEmpty(t, CheckHeader(name, "v"), "%q", name)
		require.NotEmpty(t, CheckHeaders([]Header{{"X-Fine", "v"}, {name, "v"}}), "%q", name)
	}
	for _, value := range []string{
		"", " ", "\t", " v", "v ", "v\t", "\r\n", "v\r\nHost: evil", "v\nw", "v\rw", "v\x00", "v\x1bw", "v\x7f", "v\x85w", "ü", "v\xff", "v\u2028w", strings.Repeat("v", 1025),
	} {
		wrong := CheckHeader("X-Fine", value)
		require.NotEmpty(t, wrong, "%q", value)
		if len(value) > 3 {
			require.NotContains(t, wrong, value, "a value is never repeated")
		}
	}
}

func TestHeadersAreBoundedTogether(t *testing.T) {
	var list []Header
	for i := range MaxHeaders {
		list = append(list, Header{fmt.Sprintf("X-%d", i), "v"})
	}
	require.Empty(t, CheckHeaders(nil))
	require.Empty(t, CheckHeaders(list))
	require.NotEmpty(t, CheckHeaders(append(list, Header{"X-More", "v"})))
	require.NotEmpty(t, CheckHeaders([]Header{{"X-Key", "a"}, {"x-kEY", "b"}}), "one header by two names")

	long := []Header{{"A", strings.Repeat("v", 1019)}, {"B", strings.Repeat("v", 1019)}, {"C", strings.Repeat("v", 1019)}, {"D", strings.Repeat("v", 1019)}}
	require.Empty(t, CheckHeaders(long), "4096 bytes")
	long[3].Value += "v"
	require.NotEmpty(t, CheckHeaders(long))
}

// FuzzCheckHeader: what is accepted is one line of a request, and stays one.
func FuzzCheckHeader(f *testing.F) {
	f.Add("X-Api-Key", "k3y")
	f.Add("X\r\nHost", "evil")
	f.Add("X", "a\r\nHost: evil")
	f.Add("Host", "evil")
	f.Fuzz(func(t *testing.T, name, value string) {
		if CheckHeader(name, value) != "" {
			return
		}
		if strings.ContainsAny(name+value, "\r\n\x00") || strings.ContainsAny(name, " \t:") || strings.EqualFold(name, "host") || len(name+value) > 64+1024 {
			t.Errorf("%q: %q was accepted", name, value)
		}
	})
}
