package stories

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/transport/client"
	"offhook/transport/eventlog/eventlogtest"
)

// An older copy is put in the place of the data, and goes on past where the data
// was. An app that comes with a cursor from the time that is lost is told, on
// the first day and on the last, and reads all that came since; one that comes
// with an earlier cursor notices nothing. However the copy was made.
func TestAppsAreToldOfARestore(t *testing.T) {
	for name, how := range map[string]struct{ keep, back string }{
		"backup and restore": {"offhook backup monday", "offhook restore monday"},
		"by hand":            {"", "cp -a monday offhook-data"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, p := newShell(t)
			again := func() {
				p = rig.Run(t, append(rig.Anywhere("none"), "OFFHOOK_ADMIN_TOKEN="), "serve", "--data-dir", filepath.Join(s.dir, "offhook-data"))
			}
			const alice = "alice@demo.example"
			s.ok("offhook app create CRM --id crm && offhook subscriber link crm " + alice)
			var made struct {
				Key string `json:"api_key"`
			}
			require.NoError(t, json.Unmarshal([]byte(s.ok("offhook app key add crm --scope calls:read --json")), &made))
			calls := func(n int) {
				s.ok(fmt.Sprintf("set -e; for i in $(seq %d); do offhook call end --app crm $(offhook call place --app crm %s +442079460018 --json | grep -m1 call_id | cut -d'\"' -f4); done", n, alice))
			}
			crm := func() *client.App {
				a, err := client.NewAPI("http://"+p.Addr("api"), made.Key, client.Options{})
				require.NoError(t, err)
				t.Cleanup(a.Close)
				return a.App("crm")
			}
			read := func(after string) client.EventPage {
				page, err := crm().ListEvents(t.Context(), after, "", 1000)
				require.NoError(t, err)
				return page
			}
			calls(1)
			early := read("").Cursor
			calls(1)
			if how.keep == "" {
				p.Drain()
				s.ok("cp -a offhook-data monday")
				again()
			} else {
				s.ok(how.keep)
			}
			kept := len(read("").Events)
			calls(1)
			late := read("").Cursor
			for range 2 { // the second time, what came of the first one is lost too
				p.Drain()
				s.ok("rm -rf offhook-data && " + how.back)
				again()
				require.Equal(t, "unknown", read(late).Gap)
				calls(2) // more than were lost
				all := read("")
				require.Empty(t, all.Gap)
				since := all.Events[kept:]

				told := read(late)
				require.Equal(t, "unknown", told.Gap, "for as long as somebody comes with it")
				require.Equal(t, since, told.Events[len(told.Events)-len(since):])
				require.Empty(t, read(told.Cursor).Gap)
				whole := read(early)
				require.Empty(t, whole.Gap)
				require.Equal(t, since, whole.Events[len(whole.Events)-len(since):])
				require.Less(t, len(since), len(whole.Events))

				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr("api")+"/apps/crm/events/stream", nil)
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+made.Key)
				req.Header.Set("Last-Event-ID", late)
				resp, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				first, err := eventlogtest.NewReader(io.NopCloser(resp.Body), "").Next()
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, `{"type":"gap","reason":"unknown"}`, first.Data)
				late = told.Cursor
			}
		})
	}
}
