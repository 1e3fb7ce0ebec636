package doors

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// Somebody guesses as fast as he can, at both doors. Next to none of his guesses
// is looked at, and whoever has the token or a key is served all the while.
func TestGuessingIsHopeless(t *testing.T) {
	w := newWorld(t)
	row := report.Attack(t, report.Secrets, "guesses at the admin token and at API keys, as fast as they go", "guesses")
	const guesses = 300
	admin := ask{method: "GET", target: w.admin("/admin/apps"), from: "127.9.9.9"}
	api := ask{method: "GET", target: w.api(w.victim.ids["app_id"], "/calls"), from: "127.9.9.9"}
	right := func(a ask, token, from string) answer {
		a.token, a.from = token, from
		return w.send(a)
	}
	looked, begin := map[string]int{}, time.Now()
	for i := range guesses {
		for name, a := range map[string]ask{"token": admin, "key": api} {
			a.token = "guess"
			got := w.send(a)
			switch got.status {
			case 401:
				looked[name]++
			case 429:
				require.NotEmpty(t, got.header.Get("Retry-After"))
			default:
				t.Fatalf("a guess is answered %d", got.status)
			}
		}
		if i%50 == 0 {
			require.Equal(t, 200, right(admin, rig.Operator, "127.0.0.1").status, "the operator is elsewhere, and is let in")
			require.Equal(t, 200, right(api, w.victim.key, "127.9.9.9").status, "an app behind the same address is served")
		}
	}
	elapsed := time.Since(begin).Seconds()
	require.LessOrEqual(t, looked["token"], 5+int(math.Log2(elapsed+1))+2)
	require.LessOrEqual(t, looked["key"], 20+int(10*elapsed)+1)
	require.Equal(t, 429, right(admin, rig.Operator, "127.9.9.9").status, "where guesses come from the right token is not looked at either")
	w.until("the wait is over", func() bool { return right(admin, rig.Operator, "127.9.9.9").status == 200 })
	metrics := string(w.must(200, "GET", w.admin("/metrics"), "", "").Body)
	require.Contains(t, metrics, `offhook_http_rate_limited_total{bound="wrong_token",listener="admin"}`)
	require.Contains(t, metrics, `offhook_http_rate_limited_total{bound="bad_keys",listener="api"}`)
	row.Add(2 * guesses)
	row.Note("in %.1f s %d guesses at the token and %d at keys were looked at", elapsed, looked["token"], looked["key"])
}
