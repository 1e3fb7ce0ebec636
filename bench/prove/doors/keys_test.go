package doors

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// credentials are what does not open the app's doors, whatever it opens
// elsewhere. Each is a whole Authorization header.
func (w *world) credentials() map[string]string {
	key := w.victim.key
	mistyped := key[:len(key)-1] + string(rune('0'+(key[len(key)-1]+1)%10))
	swapped := "ok_live_" + key[8:19] + w.other.key[19:] // an id that is known, with a secret that is not its own
	return map[string]string{
		"none": "", "no scheme": key, "another scheme": "Basic " + key, "empty": "Bearer", "mistyped": "Bearer " + mistyped, "cut off": "Bearer " + key[:40],
		"longer": "Bearer " + key + "0", "another's secret": "Bearer " + swapped, "revoked": "Bearer " + w.victim.revoked, "of an app that is gone": "Bearer " + w.deleted,
		"a list": "Bearer " + key + "," + key, "upper case": "Bearer " + strings.ToUpper(key), "in quotes": `Bearer "` + key + `"`,
		"4 KB": "Bearer " + strings.Repeat("x", 4<<10),
	}
}

// What is no key of the app, or may not do what is asked, opens none of the
// doors of either listener, and all that do not open say the same.
func TestOnlyTheRightKeyOpens(t *testing.T) {
	w := newWorld(t)
	row := report.Attack(t, report.Secrets, "every route of both listeners, with every wrong, old and foreign key and token", "requests")
	before := w.picture(w.victim)
	doors := doorsOf(t, publicRoutes(t), public())
	began := w.sent
	wrong := w.credentials()
	wrong["the operator's token"] = "Bearer " + rig.Operator
	from := addresses()
	for _, d := range doors {
		if open[d.route()] {
			continue
		}
		var said []string
		for name, header := range wrong {
			for _, of := range []ids{w.victim.ids, w.nobodys()} {
				a := d.ask("http://"+w.p.Addr("api"), of, "")
				a.header, a.from = map[string]string{"Authorization": header}, from()
				got := w.send(a)
				require.Equal(t, 401, got.status, "%s with a key that is %s: %s", d.route(), name, got.body)
				require.True(t, strings.HasPrefix(got.header.Get("WWW-Authenticate"), `Bearer realm="offhook"`), name)
				said = append(said, got.body)
			}
		}
		require.Len(t, slices.Compact(said), 1, "all of them say the same")
		w.scopes(d)
	}
	for _, d := range doorsOf(t, adminRoutes(t), admin()) {
		if open[d.route()] {
			continue
		}
		wrong := w.credentials()
		wrong["of an app"], wrong["that may read"] = "Bearer "+w.victim.key, "Bearer "+w.victim.reader
		wrong["a token with more"], wrong["a token with less"] = "Bearer "+rig.Operator+"x", "Bearer "+rig.Operator[1:]
		for name, header := range wrong {
			a := d.ask("http://"+w.p.Addr("admin"), w.victim.ids, "")
			a.header, a.from = map[string]string{"Authorization": header}, from()
			got := w.send(a)
			require.Equal(t, 401, got.status, "%s with %s: %s", d.route(), name, got.body)
			w.showsNothing(t, a, got, w.victim.marks)
		}
	}
	row.Add(w.sent - began)
	require.Equal(t, before, w.picture(w.victim), "nothing was changed")
	w.operatorsDoors()
}

// scopes: a key that may only read changes nothing, and one that may only
// change reads nothing.
func (w *world) scopes(d door) {
	w.t.Helper()
	short := map[string]string{"calls:read": w.victim.writer, "calls:control": w.victim.reader}[d.scope()]
	a := d.ask("http://"+w.p.Addr("api"), w.victim.ids, "")
	a.token = short
	got := w.send(a)
	require.Equal(w.t, 403, got.status, "%s without %s: %s", d.route(), d.scope(), got.body)
	require.Contains(w.t, got.header.Get("WWW-Authenticate"), fmt.Sprintf("scope=%q", d.scope()))
}

// operatorsDoors open with the token, as the catalogue says: what was refused
// above was refused for the token.
func (w *world) operatorsDoors() {
	w.t.Helper()
	for _, d := range admin() {
		a := d.ask("http://"+w.p.Addr("admin"), w.bring(w.other, d.call), "")
		a.token = rig.Operator
		got := w.send(a)
		require.Equal(w.t, d.want, got.status, "%s: %s", d.route(), got.body)
		w.hangUp(w.other, d, got)
	}
}

// addresses are loopback addresses, one after the other, so that wrong keys are
// looked at, one from each, and not held off.
func addresses() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("127.%d.%d.%d", 1+n>>16, n>>8&255, n&255)
	}
}
