package upgrade

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

func TestDirectoriesOfEveryVersionOpen(t *testing.T) {
	kept, err := filepath.Glob("testdata/*.tar.gz")
	require.NoError(t, err)
	require.NotEmpty(t, kept)
	row := report.Attack(t, report.Upgrades, "directories of earlier versions, killed in the middle of calls", "versions")
	var names []string
	for _, path := range kept {
		version := strings.TrimSuffix(filepath.Base(path), ".tar.gz")
		names = append(names, version)
		t.Run(version, func(t *testing.T) {
			dir := t.TempDir()
			out, err := exec.Command("tar", "-C", dir, "--no-same-owner", "-xzf", path).CombinedOutput() // #nosec G204 -- our own files
			require.NoError(t, err, "%s", out)
			open(t, dir)
		})
		row.Add(1)
	}
	row.Note("%s", strings.Join(names, ", "))
}

// open starts this version on what another left, and holds it to what that had acknowledged.
func open(t *testing.T, dir string) {
	b, err := os.ReadFile(filepath.Join(dir, "truth.json")) // #nosec G304 -- our own file
	require.NoError(t, err)
	var then truth
	require.NoError(t, json.Unmarshal(b, &then))
	require.NotEmpty(t, then.Live)

	// However old the directory is, nothing in it is too old.
	env := append(rig.Anywhere("none"), "OFFHOOK_RETENTION=87600h")
	p := rig.Checked.Run(t, env, "serve", "--data-dir", filepath.Join(dir, "data"))
	s := &rig.Site{Process: p, App: then.App, Key: then.Key, T: t}
	d := &rig.Site{Process: p, App: then.DeafApp, Key: then.DeafKey, T: t}
	require.Len(t, rig.Must(t, 200, "GET", s.Admin("/admin/subscribers"), rig.Operator, "").List(t), then.Subscribers)
	for _, app := range []*rig.Site{s, d} {
		require.Len(t, rig.Must(t, 200, "GET", app.API("/subscribers"), app.Key, "").List(t), then.Linked, "the key opens, and shows who is linked")
	}

	// Both receivers are somewhere else now. One goes on behind what was
	// delivered then, the other hears all of it for the first time.
	l, deaf := rig.NewLedger(t), rig.NewLedger(t)
	l.Knows(then.Told)
	before := l.Count()
	for app, at := range map[*rig.Site]string{s: l.URL, d: deaf.URL} {
		rig.Must(t, 200, "PATCH", app.Admin("/admin/apps/"+app.App), rig.Operator, fmt.Sprintf(`{"calls_webhook":{"url":%q}}`, at))
	}
	l.Wait(t, "every call ends", func() bool { return len(l.Open()) == 0 })
	deaf.Wait(t, "what waited and what came after", func() bool { return deaf.Count() >= before+len(then.Live) && len(deaf.Open()) == 0 })
	l.Audit(t)
	deaf.Audit(t)
	require.GreaterOrEqual(t, l.Count(), before+len(then.Live))
	for sub, events := range then.Told {
		states := func(all []rig.Delivery) (list []string) {
			for _, e := range all[:len(events)] {
				list = append(list, e.Call+" "+e.State)
			}
			return list
		}
		require.Equal(t, states(events), states(deaf.Streams()[sub]), "both apps were told the same")
	}
	logged := 0
	log, err := rig.Ask("GET", s.API("/events?limit=1000"), s.Key, "") // not Must: what an older version told is as it was told, and not as today's document
	require.NoError(t, err)
	require.Equal(t, 200, log.Status, "%s", log.Body)
	for _, e := range log.List(t) {
		if e["type"] == "call.state" {
			logged++
		}
	}
	require.Equal(t, l.Count(), logged, "the log has all of it")

	// And it works: a call is placed and ends.
	sub := rig.Must(t, 200, "GET", s.API("/subscribers"), s.Key, "").List(t)[0]
	placed, err := s.Place(sub, "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status, "%s", placed.Body)
	call := placed.JSON(t)["call_id"].(string)
	s.Until(call, "active")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	l.Wait(t, "its end", func() bool { return len(l.States(call)) == 3 })
	l.Audit(t)
	p.Drain()
}
