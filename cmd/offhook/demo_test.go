package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider/simulator"
)

// shelf is a store and a directory in memory. It counts what is written.
type shelf struct {
	mu       sync.Mutex
	apps     map[string]*tenant.App
	networks map[string]*tenant.Network
	subs     map[string]*tenant.SubscriberInfo
	puts     int
	links    int
	refuse   *engine.Error // what PutProfile says
}

func newShelf() *shelf {
	return &shelf{apps: map[string]*tenant.App{}, networks: map[string]*tenant.Network{}, subs: map[string]*tenant.SubscriberInfo{}}
}

func (s *shelf) App(id string) (*tenant.App, bool)         { a, ok := s.apps[id]; return a, ok }
func (s *shelf) PutApp(a *tenant.App) error                { s.apps[a.ID] = a; return nil }
func (s *shelf) DeleteApp(id string) error                 { delete(s.apps, id); return nil }
func (s *shelf) Network(id string) (*tenant.Network, bool) { n, ok := s.networks[id]; return n, ok }
func (s *shelf) PutNetwork(n *tenant.Network) error        { s.networks[n.ID] = n; return nil }
func (s *shelf) DeleteNetwork(id string) error             { delete(s.networks, id); return nil }

func (s *shelf) Apps() (all []*tenant.App) {
	for _, a := range s.apps {
		all = append(all, a)
	}
	return all
}

func (s *shelf) Subscriber(id string) (*tenant.SubscriberInfo, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.subs[engine.Fold(id)]
	return i, ok, nil
}

func (s *shelf) Subscribers(_ string, _ int, fn func(*tenant.SubscriberInfo) error) error {
	for _, i := range s.subs {
		if err := fn(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) change(id string, fn func(*tenant.SubscriberInfo)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &tenant.SubscriberInfo{}
	if was := s.subs[engine.Fold(id)]; was != nil {
		*i = *was
	}
	fn(i)
	s.subs[engine.Fold(id)] = i
}

func (s *shelf) PutProfile(_ context.Context, p engine.Profile) (bool, *engine.Error) {
	if s.refuse != nil {
		return false, s.refuse
	}
	s.change(p.ID, func(i *tenant.SubscriberInfo) { i.Profile = p; s.puts++ })
	return true, nil
}

func (s *shelf) Link(_ context.Context, app, sub string) *engine.Error {
	s.change(sub, func(i *tenant.SubscriberInfo) { i.Apps = append(slices.Clone(i.Apps), app); s.links++ })
	return nil
}

func (s *shelf) Unlink(_ context.Context, app, sub string) *engine.Error {
	s.change(sub, func(i *tenant.SubscriberInfo) {
		i.Apps = slices.DeleteFunc(slices.Clone(i.Apps), func(a string) bool { return a == app })
	})
	return nil
}

func (s *shelf) Delete(_ context.Context, sub string) *engine.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subs, engine.Fold(sub))
	return nil
}

// inbox is a receiver on some port.
type inbox string

func (r inbox) Webhook(kind engine.StreamKind) tenant.Receiver {
	return tenant.Receiver{URL: string(r) + kind.String(), Secrets: []string{"whsec_x"}}
}

func phones(t *testing.T, n int) []simulator.Phone {
	sim := simulator.New(simulator.Config{Subscribers: n})
	defer func() { require.NoError(t, sim.Close()) }()
	return sim.Phones()
}

func newDemo(t *testing.T, n int) *demo {
	return &demo{
		dataDir: t.TempDir(), simulator: "http://127.0.0.1:8082", username: simUsername, password: simPassword,
		phones: phones(t, n), receiver: inbox("http://127.0.0.1:1/"), now: time.UnixMilli(1533331051226),
	}
}

func start(t *testing.T, d *demo, s *shelf) (key string) {
	t.Helper()
	key, err := d.prepare(s)
	require.NoError(t, err)
	require.NoError(t, d.populate(t.Context(), s, s))
	return key
}

func TestAFirstStartHasAppKeyNetworkAndSubscribers(t *testing.T) {
	d, s := newDemo(t, 20), newShelf()
	key := start(t, d, s)

	app := s.apps[demoApp]
	require.True(t, app.Demo)
	id, digest, ok := tenant.ParseKey(key)
	require.True(t, ok)
	require.Len(t, app.Keys, 1)
	require.Equal(t, id, app.Keys[0].ID)
	require.True(t, app.Keys[0].Matches(digest))
	require.True(t, app.Keys[0].Allows(tenant.ScopeRead) && app.Keys[0].Allows(tenant.ScopeControl))
	require.Equal(t, "http://127.0.0.1:1/calls?demo", app.Calls.URL)
	require.True(t, app.Subscriber.Set())

	n := s.networks[demoNetwork]
	require.Equal(t, []string{"http://127.0.0.1:8082"}, n.BroadWorks.XSPs)
	require.False(t, n.FromFile)
	require.Len(t, s.subs, 20)
	alice := s.subs["alice@demo.example"]
	require.Equal(t, []string{demoApp}, alice.Apps)
	require.Equal(t, engine.Profile{
		ID: "alice@demo.example", Number: "+12015550100", Extension: "1001", Name: "Alice Archer",
		AccountID: "demo-enterprise/site-1", Network: demoNetwork, ProviderUser: "alice@demo.example",
	}, alice.Profile)

	info, err := os.Stat(filepath.Join(d.dataDir, demoKeyFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestARestartChangesNothingButAddresses(t *testing.T) {
	d, s := newDemo(t, 20), newShelf()
	key := start(t, d, s)
	puts, links := s.puts, s.links
	created := s.apps[demoApp].CreatedAt

	d.simulator, d.receiver, d.now = "http://127.0.0.1:9", inbox("http://127.0.0.1:2/"), d.now.Add(time.Hour)
	require.Equal(t, key, start(t, d, s), "yesterday's curl lines still work")
	require.Equal(t, puts, s.puts)
	require.Equal(t, links, s.links)
	require.Equal(t, created, s.apps[demoApp].CreatedAt)
	require.Equal(t, "http://127.0.0.1:2/calls?demo", s.apps[demoApp].Calls.URL)
	require.Equal(t, []string{"http://127.0.0.1:9"}, s.networks[demoNetwork].BroadWorks.XSPs)
}

func TestALostKeyIsReplacedAndOpensNothingMore(t *testing.T) {
	d, s := newDemo(t, 3), newShelf()
	old := start(t, d, s)
	for _, text := range []string{"", "rubbish", strings.ToUpper(old)} {
		require.NoError(t, os.WriteFile(filepath.Join(d.dataDir, demoKeyFile), []byte(text), 0o600))
		key := start(t, d, s)
		require.NotEqual(t, old, key)
		require.Len(t, s.apps[demoApp].Keys, 1)
		_, digest, _ := tenant.ParseKey(old)
		require.False(t, s.apps[demoApp].Keys[0].Matches(digest))
		old = key
	}
}

func TestAWebhookOfTheUserIsKept(t *testing.T) {
	d, s := newDemo(t, 3), newShelf()
	start(t, d, s)
	changed := *s.apps[demoApp]
	changed.Calls = tenant.Receiver{URL: "http://127.0.0.1:9000/calls", Secrets: []string{"whsec_mine"}}
	s.apps[demoApp] = &changed
	start(t, d, s)
	require.Equal(t, changed.Calls, s.apps[demoApp].Calls)
	require.Equal(t, "http://127.0.0.1:1/subscriber?demo", s.apps[demoApp].Subscriber.URL)

	var out bytes.Buffer
	require.NoError(t, d.show(&out, aScript(), true))
	require.Contains(t, out.String(), "# The webhook of the demo app leads to http://127.0.0.1:9000: what it receives is seen there, and not printed here.\n")
	require.NotContains(t, out.String(), "is printed here")
	changed.Calls = tenant.Receiver{}
	s.apps[demoApp] = &changed
	start(t, d, s)
	out.Reset()
	require.NoError(t, d.show(&out, aScript(), true))
	require.Contains(t, out.String(), "is printed here, one line for each event, as long as it leads here.\n")
}

// Where nobody reads along, in a journal say, there is no secret.
func TestSecretsArePrintedForPeopleAlone(t *testing.T) {
	d := newDemo(t, 20)
	key := start(t, d, newShelf())
	script := aScript()
	script.Key = key
	var out bytes.Buffer
	require.NoError(t, d.show(&out, script, false))
	tellToken(&out, d.dataDir, "oa_secret")
	require.NotContains(t, out.String(), key)
	require.NotContains(t, out.String(), "oa_secret")
	require.Contains(t, out.String(), filepath.Join(d.dataDir, adminTokenFile))
	said, err := exec.Command("sh", "-c", out.String()[:strings.Index(out.String(), "# 1. Place")]+"\nprintf %s \"$KEY\"").Output()
	require.NoError(t, err)
	require.Equal(t, key, string(said), "what is printed finds the key")
	kept, err := os.ReadFile(filepath.Join(d.dataDir, demoScriptFile))
	require.NoError(t, err)
	require.Contains(t, string(kept), "\nKEY="+key+"\n")
}

func TestFewerPhonesLeaveNoSubscribersBehind(t *testing.T) {
	d, s := newDemo(t, 20), newShelf()
	start(t, d, s)
	s.subs["mine"] = &tenant.SubscriberInfo{Profile: engine.Profile{ID: "mine", Network: demoNetwork}}
	d.phones = phones(t, 5)
	start(t, d, s)
	require.Len(t, s.subs, 6, "what a user added stays")
}

func TestWithoutTheSimulatorNothingOfTheDemoIsLeft(t *testing.T) {
	d, s := newDemo(t, 20), newShelf()
	start(t, d, s)
	require.NoError(t, d.show(&bytes.Buffer{}, aScript(), true))
	s.subs["real"] = &tenant.SubscriberInfo{Profile: engine.Profile{ID: "real", Network: "other"}, Apps: []string{demoApp, "app"}}
	s.apps["app"] = &tenant.App{ID: "app"}
	s.networks["other"] = &tenant.Network{ID: "other"}

	for range 2 { // the second time there is nothing to do
		require.NoError(t, removeDemo(t.Context(), d.dataDir, s, s))
		require.Equal(t, map[string]*tenant.App{"app": {ID: "app"}}, s.apps)
		require.Equal(t, map[string]*tenant.Network{"other": {ID: "other"}}, s.networks)
		require.Len(t, s.subs, 1)
		require.Equal(t, []string{"app"}, s.subs["real"].Apps)
		left, err := os.ReadDir(d.dataDir)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestARefusedSubscriberIsTold(t *testing.T) {
	d, s := newDemo(t, 20), newShelf()
	_, err := d.prepare(s)
	require.NoError(t, err)
	s.refuse = &engine.Error{Code: engine.CodeConflict, Message: "taken"}
	err = d.populate(t.Context(), s, s)
	require.ErrorIs(t, err, s.refuse)
	require.ErrorContains(t, err, "demo subscriber ")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, d.populate(ctx, s, s), context.Canceled)
	require.NoError(t, each(t.Context(), []int(nil), func(int) error { return errors.New("never called") }))
}

func TestWhatIsPrintedIsAShellScript(t *testing.T) {
	d := newDemo(t, 20)
	var out bytes.Buffer
	require.NoError(t, d.show(&out, aScript(), true))
	n, err := commented{&out}.Write([]byte("12:00:00.000  ringing\n"))
	require.NoError(t, err)
	require.Equal(t, len("12:00:00.000  ringing\n"), n)
	require.Contains(t, out.String(), "20 phones")
	require.Contains(t, out.String(), aScript().Key)
	printed := strings.Split(out.String(), "\n")
	script := strings.Split(aScript().String(), "\n")
	for _, line := range printed {
		if line != "" && !slices.Contains(script, line) {
			require.True(t, strings.HasPrefix(line, "#"), line)
		}
	}
	kept := filepath.Join(d.dataDir, demoScriptFile)
	text, err := os.ReadFile(kept)
	require.NoError(t, err)
	require.Equal(t, "#!/bin/sh\n"+aScript().String(), string(text))
	info, err := os.Stat(kept)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it has the key in it")
}

func TestTheAdminTokenIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	token, made, err := adminToken(dir, "")
	require.NoError(t, err)
	require.True(t, made)
	require.Greater(t, len(token), 40)
	info, err := os.Stat(filepath.Join(dir, adminTokenFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	again, made, err := adminToken(dir, "")
	require.NoError(t, err)
	require.False(t, made, "it is shown once")
	require.Equal(t, token, again)

	configured, made, err := adminToken(dir, "ours")
	require.NoError(t, err)
	require.False(t, made)
	require.Equal(t, "ours", configured)
	_, _, err = adminToken(filepath.Join(dir, "missing"), "")
	require.Error(t, err)
}
