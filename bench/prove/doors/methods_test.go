package doors

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// A method that a path does not have is 405 with those it has, with or without
// a key; HEAD says what GET says; nothing is reached by another method.
func TestOtherMethodsReachNothing(t *testing.T) {
	w := newWorld(t)
	row := report.Attack(t, report.Secrets, "every path of both listeners, with methods it does not have", "requests")
	before := w.picture(w.victim)
	began := w.sent
	for base, doors := range map[string][]door{
		"http://" + w.p.Addr("api"):   doorsOf(t, publicRoutes(t), public()),
		"http://" + w.p.Addr("admin"): doorsOf(t, adminRoutes(t), admin()),
	} {
		token := map[bool]string{true: w.victim.key, false: rig.Operator}[base == "http://"+w.p.Addr("api")]
		methods := map[string][]string{}
		for _, d := range doors {
			for _, other := range doors {
				if other.takes(d.path) && !slices.Contains(methods[d.path], other.method) {
					methods[d.path] = append(methods[d.path], other.method)
				}
			}
		}
		for _, d := range doors {
			allow := slices.Clone(methods[d.path])
			if slices.Contains(allow, "GET") {
				allow = append(allow, "HEAD")
			}
			allow = append(allow, "OPTIONS")
			slices.Sort(allow)
			if strings.Contains(d.path, ":*") {
				allow = slices.Compact(allow)
			}
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "BREW", "M-SEARCH"} {
				if slices.Contains(allow, method) {
					continue
				}
				for _, key := range []string{"", token} {
					other := d
					other.method, other.query, other.body = method, "", ""
					a := other.ask(base, w.victim.ids, "")
					a.token = key
					got := w.send(a)
					require.Equal(t, 405, got.status, "%s: %s", other.route(), got.body)
					require.Equal(t, strings.Join(allow, ", "), got.header.Get("Allow"), other.route())
					w.showsNothing(t, a, got, w.victim.marks)
				}
			}
			options := door{method: "OPTIONS", path: d.path}.ask(base, w.victim.ids, "")
			got := w.send(options)
			require.Equal(t, 204, got.status)
			require.Equal(t, strings.Join(allow, ", "), got.header.Get("Allow"))
			require.Empty(t, got.header.Get("Access-Control-Allow-Origin"), "no page of another origin may ask with a browser's help")
			if d.method == "GET" && !open[d.route()] {
				head := door{method: "HEAD", path: d.path}.ask(base, w.victim.ids, "")
				require.Equal(t, 401, w.send(head).status, "HEAD needs a key like GET")
			}
		}
	}
	row.Add(w.sent - began)
	require.Equal(t, before, w.picture(w.victim))
}

// takes reports whether a path, where placeholders stand for ids, leads to the
// door as well: what is no id at one method may look like one at another.
func (d door) takes(path string) bool {
	own, asked := strings.Split(d.path, "/"), strings.Split(path, "/")
	if len(own) != len(asked) {
		return false
	}
	for i := range own {
		if own[i] != asked[i] && (!strings.HasPrefix(own[i], "{") || strings.HasPrefix(asked[i], "{")) {
			return false
		}
	}
	return true
}
