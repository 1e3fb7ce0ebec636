package upgrade

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// truth is what a version had acknowledged when it was killed.
type truth struct {
	App, Key    string // hears everything
	DeafApp     string // its receiver took nothing
	DeafKey     string
	Subscribers int
	Linked      int                       // of each app
	Told        map[string][]rig.Delivery // by the app's webhook
	Live        []string                  // calls that had not ended
}

// write has a program work on a fresh directory in dir and kills it in the
// middle of calls: dir then holds data, its key if there is one, and truth.json.
func write(t *testing.T, program *rig.Program, dir string) {
	l, deaf := rig.NewLedger(t), rig.NewLedger(t)
	deaf.Refuse(func(int) bool { return true })
	p := program.Run(t, rig.Anywhere("none"), "serve", "--data-dir", filepath.Join(dir, "data"))
	const linked = 6
	s, d := rig.Connect(t, p, l, linked), rig.Connect(t, p, deaf, linked)
	s.Followed(len(s.Subscribers))
	s.Ring(s.Subscribers[:linked])
	var calls []map[string]any
	l.Wait(t, "everybody talks", func() bool {
		calls = rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t)
		for _, call := range calls {
			if call["state"] != "active" {
				return false
			}
		}
		return len(calls) == linked && l.Count() >= linked
	})
	for i, call := range calls[:4] {
		id := call["call_id"].(string)
		if i < 2 {
			rig.Must(t, 204, "DELETE", s.API("/calls/"+id), s.Key, "")
		} else {
			rig.Must(t, 204, "PUT", s.API("/calls/"+id+"/hold"), s.Key, "")
		}
	}
	l.Wait(t, "two ends", func() bool { return len(l.Open()) == linked-2 })
	p.Kill()
	l.Close() // the receivers of then are gone
	deaf.Close()
	b, err := json.Marshal(truth{
		App: s.App, Key: s.Key, DeafApp: d.App, DeafKey: d.Key, Subscribers: len(s.Subscribers), Linked: linked, Told: l.Streams(), Live: l.Open(),
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "truth.json"), b, 0o600))
}

// The directory of this program, or of the one that is named, opens. With
// OFFHOOK_UPGRADE_KEEP it is kept in testdata under that name.
func TestADirectoryOfThisProgramOpens(t *testing.T) {
	program, dir := rig.Plain, t.TempDir()
	if path := os.Getenv("OFFHOOK_UPGRADE_PROGRAM"); path != "" {
		program = rig.At(path)
	}
	write(t, program, dir)
	if name := os.Getenv("OFFHOOK_UPGRADE_KEEP"); name != "" {
		out, err := exec.Command("tar", "-C", dir, "--owner=0", "--group=0", "-czf", filepath.Join("testdata", name+".tar.gz"), ".").CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	open(t, dir)
}
