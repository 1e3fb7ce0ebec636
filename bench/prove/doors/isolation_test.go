package doors

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// disguises are what an id may come as. Each is made of somebody else's id and
// of nobody's, and the two must look the same.
var disguises = []struct {
	name string
	of   func(id string) string
}{
	{"as it is", func(id string) string { return id }},
	{"upper case", strings.ToUpper},
	{"lower case", strings.ToLower},
	{"a letter that folds to k", func(id string) string { return strings.NewReplacer("k", "\u212a", "s", "\u017f").Replace(id) }},
	{"full width", func(id string) string { return strings.ReplaceAll(id, "e", "\uff45") }},
	{"a NUL behind", func(id string) string { return id + "\x00" }},
	{"a NUL before", func(id string) string { return "\x00" + id }},
	{"a line behind", func(id string) string { return id + "\r\nX-Evil: 1" }},
	{"a space behind", func(id string) string { return id + " " }},
	{"a slash behind", func(id string) string { return id + "/" }},
	{"dots before", func(id string) string { return "../" + id }},
	{"dots around", func(id string) string { return "x/../" + id }},
	{"a wildcard", func(id string) string { return id[:1] + "*" }},
	{"nothing but a wildcard", func(string) string { return "*" }},
	{"SQL", func(id string) string { return "' OR id='" + id }},
	{"two ids", func(id string) string { return id + "," + id }},
	{"bytes that are no text", func(id string) string { return id + "\xff" }},
	{"3 KB", func(id string) string { return id + strings.Repeat("x", 3<<10) }},
	{"10 KB", func(id string) string { return id + strings.Repeat("x", 10<<10) }},
}

// rawPaths are what a path may have where an id belongs; the id follows, or not.
var rawPaths = []string{"%2e%2e", "%2e%2e%2f", "%252e%252e%252f", "..%c0%af", "%00", "%", "%4", "%zz", "*", "{app_id}", "-1", ";", "%09", "\u00a0"}

// Another app's id, wherever a request can have one, looks to the byte like one
// that nobody has, and leaves the other app as it was. What is tried comes from
// the route tables: every route, every place for an id, every disguise, with
// every kind of key the attacker can have.
func TestNobodyReachesWhatIsAnothers(t *testing.T) {
	w := newWorld(t)
	row := report.Attack(t, report.Isolation, "every route and id place, with another app's ids, in every disguise and scope", "requests")
	doors := doorsOf(t, publicRoutes(t), public())
	before, dials := w.picture(w.victim), w.dials()
	began := w.sent
	for _, d := range doors {
		for _, place := range d.places() {
			w.attackPlace(d, place)
		}
	}
	// The operator names an app and what is another's: not his app's either.
	inPlace := map[string]bool{}
	for _, d := range asApp() {
		inPlace[d.route()] = true
	}
	for _, d := range doorsOf(t, adminRoutes(t), admin()) {
		if !inPlace[d.route()] && !strings.HasPrefix(d.path, "/admin/apps/{app_id}/webhooks") && !strings.Contains(d.path, "{key_id}") {
			continue // an operator may reach every app
		}
		for _, place := range d.places() {
			if place != "app_id" && place != "kind" {
				w.compare(d, place, "http://"+w.p.Addr("admin"), rig.Operator, w.other.ids)
			}
		}
	}
	row.Add(w.sent - began)
	require.Equal(t, before, w.picture(w.victim), "the other app is as it was")
	require.Equal(t, dials, w.dials(), "nobody was called")
	foreign, nothing := w.effort()
	row.Note("%d routes; median answer %v for another's, %v for nobody's", len(doors), foreign.Round(time.Microsecond), nothing.Round(time.Microsecond))

	// The same requests with the right key succeed: it was the key that was
	// refused above.
	for _, d := range doors {
		a := d.ask("http://"+w.p.Addr("api"), w.bring(w.victim, d.call), "")
		a.token = w.victim.key
		got := w.send(a)
		require.Equal(t, d.want, got.status, "%s: %s", d.route(), got.body)
		w.hangUp(w.victim, d, got)
	}
}

// attackPlace tries one place of a route with each key.
func (w *world) attackPlace(d door, place string) {
	base := "http://" + w.p.Addr("api")
	own := w.other.ids
	for _, key := range []string{w.other.key, w.other.reader, w.other.writer} {
		w.compare(d, place, base, key, own)
	}
	if d.method == "GET" {
		head := d
		head.method = "HEAD"
		w.compare(head, place, base, w.other.key, own)
	}
	if place == "app_id" { // and everything else the victim's too
		w.compare(d, place, base, w.other.key, w.victim.ids)
	}
}

// compare sends somebody else's id and nobody's, in every disguise, and wants
// the same answer.
func (w *world) compare(d door, place, base, key string, own ids) {
	t := w.t
	t.Helper()
	theirs, nobodys := []string{w.victim.ids[place]}, w.nobodys()[place]
	switch place {
	case "call_id", "other_call_id":
		theirs = append(theirs, w.victim.ended)
	case "subscriber_id":
		theirs = append(theirs, w.alone)
	case "kind":
		theirs = []string{"every", "calls-of-others"}
	}
	worn, raw := disguises, rawPaths
	if key == w.other.reader || key == w.other.writer { // stopped, or not, before the id is looked at
		worn, raw = disguises[:1], rawPaths[:1]
	}
	inPath := strings.Contains(d.path, "{"+place+"}")
	send := func(id, raw string) (ask, answer) {
		a := d.ask(base, own.with(place, id), raw)
		a.token = key
		got := w.patiently(a)
		require.Less(t, got.status, 500, "%s %s", a.method, a.target)
		w.showsNothing(t, a, got, w.victim.marks)
		return a, got
	}
	for _, id := range theirs {
		for _, as := range worn {
			if own["app_id"] == w.victim.ids["app_id"] && as.of(id) == id && place != "app_id" {
				continue
			}
			asked, foreign := send(as.of(id), "")
			if strings.HasSuffix(place, "_page") {
				continue // a place in an order, behind which one's own things are: there is nothing it could look like
			}
			_, nothing := send(as.of(nobodys), "")
			require.Equal(t, nothing.plain(as.of(nobodys)), foreign.plain(as.of(id)), "%s %s: %s", asked.method, asked.target, as.name)
			if inPath && key == w.other.key {
				require.Contains(t, []int{404, 431}, foreign.status, "%s %s: %s", asked.method, asked.target, as.name)
			}
		}
		if !inPath {
			continue
		}
		for _, raw := range raw {
			_, foreign := send(raw+id, place)
			_, nothing := send(raw+nobodys, place)
			require.Equal(t, nothing.plain(nobodys), foreign.plain(id), "%s %s", d.route(), raw)
			send(raw, place)
		}
	}
}

func (w *world) dials() float64 {
	return rig.Must(w.t, 200, "GET", "http://"+w.p.Addr("simulator")+"/simulator/stats", "", "").JSON(w.t)["dials"].(float64)
}

// patiently sends again what was one task too many.
func (w *world) patiently(a ask) (got answer) {
	w.t.Helper()
	for range rig.Poll(30 * time.Second) {
		if got = w.send(a); got.status != 429 {
			break
		}
	}
	return got
}
