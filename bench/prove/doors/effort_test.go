package doors

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
)

// effort is how long it takes to say no to another's id and to nobody's, by
// turns, over the routes that look something up. A difference of an order of
// magnitude would tell the two apart from far away.
func (w *world) effort() (foreign, nothing time.Duration) {
	const rounds = 200
	var took [2][]time.Duration
	paths := []door{
		{method: "GET", path: "/apps/{app_id}/calls/{call_id}"},
		{method: "GET", path: "/apps/{app_id}/subscribers/{subscriber_id}"},
		{method: "GET", path: "/apps/{app_id}/subscribers/{subscriber_id}/calls"},
		{method: "GET", path: "/apps/{app_id}/webhooks/{kind}/redeliveries/{task_id}"},
	}
	for range rounds {
		for _, d := range paths {
			for i, of := range []ids{w.victim.ids, w.nobodys()} {
				a := d.ask("http://"+w.p.Addr("api"), of.with("app_id", w.other.ids["app_id"]).with("kind", "calls"), "")
				a.token = w.other.key
				begin := time.Now()
				got := w.send(a)
				took[i] = append(took[i], time.Since(begin))
				require.Equal(w.t, 404, got.status)
			}
		}
	}
	median := func(all []time.Duration) time.Duration {
		slices.Sort(all)
		return all[len(all)/2]
	}
	foreign, nothing = median(took[0]), median(took[1])
	require.Less(w.t, foreign, 10*nothing+10*time.Millisecond, "another's id takes as long as nobody's")
	return foreign, nothing
}
