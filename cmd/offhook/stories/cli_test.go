package stories

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/transport/client"
	"offhook/transport/openapitest"
)

// shell is a directory with an offhook that runs there, and the program in the PATH.
type shell struct {
	t   *testing.T
	dir string
	env []string
}

func newShell(t *testing.T) (*shell, *rig.Process) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.Mkdir(bin, 0o700))
	require.NoError(t, os.Symlink(rig.Checked.Path(t), filepath.Join(bin, "offhook")))
	p := rig.Run(t, append(rig.Anywhere("none"), "OFFHOOK_ADMIN_TOKEN="), "serve", "--data-dir", filepath.Join(dir, "offhook-data"))
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "OFFHOOK_LISTEN=127.0.0.1:0", "OFFHOOK_ADMIN_LISTEN=127.0.0.1:0",
		"OFFHOOK_SIMULATOR_LISTEN=127.0.0.1:0", "OFFHOOK_SPACE_LOW=1MiB", rig.Races}
	return &shell{t, dir, env}, p
}

// run runs a script, and returns what it printed and its exit code.
func (s *shell) run(script string) (stdout, stderr string, code int) {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command("bash", "-c", script) // #nosec G204 -- of this test
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, &out, &errs
	cmd.WaitDelay = time.Minute
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// ok runs a script that must go well.
func (s *shell) ok(script string) string {
	s.t.Helper()
	out, errs, code := s.run(script)
	require.Zero(s.t, code, "%s\n%s%s", script, out, errs)
	return out
}

var fenced = regexp.MustCompile("(?s)```sh\n(.*?)```")

// Every command of docs/cli.md works as it stands there, one after the other, with
// nothing said about where offhook is.
func TestTheCommandsOfThePageWork(t *testing.T) {
	page, err := os.ReadFile("../../../docs/cli.md")
	require.NoError(t, err)
	s, p := newShell(t)
	script := "set -euo pipefail\n"
	for _, block := range fenced.FindAllSubmatch(page, -1) {
		script += string(block[1])
	}
	require.Greater(t, strings.Count(script, "offhook "), 30)
	out := s.ok(script)
	for _, want := range []string{"alice@demo.example → +442079460008", "restored ", "ok       server: "} {
		require.Contains(t, out, want)
	}
	require.NotContains(t, s.ok("offhook app show crm --json"), "ok_live_")
	var apps []client.AppInfo
	require.NoError(t, json.Unmarshal([]byte(s.ok("offhook app list --json")), &apps))
	for _, a := range apps {
		want := map[string]int{"crm": 2}[a.AppID]
		require.Len(t, a.Keys, max(want, 1), "the keys that events tail made are gone")
	}

	p.Drain()
	require.NoFileExists(t, filepath.Join(s.dir, "offhook-data", "running"))
	_, errs, code := s.run("offhook app list")
	require.Equal(t, 3, code)
	require.Contains(t, errs, "no offhook runs on the data directory")

	t.Run("what was restored has what was stored, and serves", func(t *testing.T) {
		rig.Run(t, append(rig.Anywhere("none"), "OFFHOOK_ADMIN_TOKEN="), "serve", "--data-dir", filepath.Join(s.dir, "restored"))
		require.Contains(t, s.ok("offhook app list --data-dir restored"), "crm")
		_, errs, code := s.run("offhook restore monday --data-dir restored")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "is not empty")
	})
	t.Run("of a stopped one, too", func(t *testing.T) {
		s.ok("offhook backup tuesday && cp offhook-data.key again.key && offhook restore tuesday --data-dir again")
		_, errs, code := s.run("offhook restore tuesday --data-dir keyless")
		require.Equal(t, 1, code)
		require.Contains(t, errs, "keyless.key is not there; put it back")
		require.NoDirExists(t, filepath.Join(s.dir, "keyless"))
		require.NoDirExists(t, filepath.Join(s.dir, "keyless.restoring"))
		_, _, code = s.run("offhook backup tuesday")
		require.Equal(t, 1, code, "nothing is written over")
	})
	t.Run("a damaged backup is not taken", func(t *testing.T) {
		s.ok("rm -rf tuesday/MANIFEST-* && cp offhook-data.key hurt.key")
		_, _, code := s.run("offhook restore tuesday --data-dir hurt")
		require.Equal(t, 1, code)
		require.NoDirExists(t, filepath.Join(s.dir, "hurt"))
	})
}

// What the client sends and takes is in the documents.
func TestTheClientKeepsToTheDocuments(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	ctx := t.Context()
	watched := func(d *openapitest.Document) client.Options {
		h := &http.Client{Transport: &http.Transport{}}
		openapitest.Watch(t, h, map[string]*openapitest.Document{"": d})
		t.Cleanup(h.CloseIdleConnections)
		return client.Options{HTTP: h}
	}
	admin, err := client.NewAdmin("http://"+p.Addr("admin"), rig.Operator, watched(openapitest.Admin()))
	require.NoError(t, err)
	made, err := admin.CreateApp(ctx, client.NewApp{Name: "CRM"})
	require.NoError(t, err)
	const alice = "alice@demo.example"
	require.NoError(t, admin.LinkSubscriber(ctx, made.AppID, alice))
	who, err := admin.GetSubscriber(ctx, alice)
	require.NoError(t, err)
	_, err = admin.PutSubscriber(ctx, alice, client.SubscriberProfile{SubscriberNumber: who.SubscriberNumber, NetworkID: who.NetworkID, ProviderUserID: who.ProviderUserID, Extension: who.Extension})
	require.NoError(t, err)
	all, err := client.Collect(admin.ListSubscribers(ctx, "demo", client.Page{Size: 3}), 0)
	require.NoError(t, err)
	require.Len(t, all, 20)
	r, err := admin.ProvisionSubscribers(ctx, strings.NewReader("{}\n"))
	require.NoError(t, err)
	require.Len(t, r.Failed, 1)
	_, err = admin.GetReadiness(ctx)
	require.NoError(t, err)
	_, err = admin.CreateBackup(ctx, filepath.Join(t.TempDir(), "copy"))
	require.NoError(t, err)

	api, err := client.NewAPI("http://"+p.Addr("api"), made.APIKey, watched(openapitest.Public()))
	require.NoError(t, err)
	app := api.App(made.AppID)
	placed, err := app.Idempotent("one").PlaceCall(ctx, client.NewCall{SubscriberID: alice, SubscriberNumber: who.SubscriberNumber, RemoteNumber: "+442079460009"})
	require.NoError(t, err)
	again, err := app.Idempotent("one").PlaceCall(ctx, client.NewCall{SubscriberID: alice, SubscriberNumber: who.SubscriberNumber, RemoteNumber: "+442079460009"})
	require.NoError(t, err)
	require.Equal(t, placed.CallID, again.CallID)
	for e, err := range app.StreamEvents(ctx, "", alice, nil) {
		require.NoError(t, err)
		require.Equal(t, placed.CallID, e.Snapshot[0].CallID)
		break
	}
	require.NoError(t, app.EndCall(ctx, placed.CallID))
	page, err := app.ListEvents(ctx, "", alice, 0)
	require.NoError(t, err)
	states := []string{}
	for _, e := range page.Events {
		states = append(states, e.State)
	}
	require.Equal(t, []string{"", "ringing", "released"}, states, "it was provisioned first")
	require.Equal(t, "wrong_state", client.CodeOf(app.HoldCall(ctx, placed.CallID)))
	steps, err := app.GetTimeline(ctx, placed.CallID)
	require.NoError(t, err)
	require.NotEmpty(t, steps)
	over, err := client.Collect(app.ListCallHistory(ctx, client.HistoryFilter{SubscriberID: alice}, client.Page{}), 0)
	require.NoError(t, err)
	require.Len(t, over, 1)
}
