package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/store/storetest"
)

// An app reaches the networks of those it follows, as long as it follows
// somebody there: also of those who go from one network to another.
func TestWhichNetworksAnAppReaches(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	defer func() { require.NoError(t, s.Close()) }()
	reached := func(app string) []string {
		t.Helper()
		ids, err := s.Reached(app)
		require.NoError(t, err)
		return ids
	}
	require.Empty(t, reached("app"))
	subs := map[string]*engine.Subscriber{}
	step := func(id string, in engine.Input) {
		t.Helper()
		var out engine.Effects
		require.NoError(t, engine.Step(subs[id], &in, 1, &out))
		storetest.Put(t, s, out.Put, nil)
	}
	make := func(id, network string, apps ...string) {
		subs[id] = &engine.Subscriber{}
		step(id, engine.Input{Profile: &engine.Profile{ID: id, Number: "+15125550100", Network: network, ProviderUser: id}})
		for _, app := range apps {
			step(id, engine.Input{Link: app})
		}
	}
	for i := range 20 {
		make(fmt.Sprintf("user%d", i), "north", "app", "app2")
	}
	make("alice", "south", "app")
	make("bob", "south", "app2")
	make("carol", "west", "app3")
	require.Equal(t, []string{"north", "south"}, reached("app"))
	require.Equal(t, []string{"north", "south"}, reached("app2"))
	require.Equal(t, []string{"west"}, reached("app3"))
	require.Empty(t, reached("ap"), "the beginning of another's id")

	step("alice", engine.Input{Profile: &engine.Profile{ID: "alice", Number: "+15125550101", Network: "west", ProviderUser: "alice"}})
	require.Equal(t, []string{"north", "west"}, reached("app"))
	step("alice", engine.Input{Unlink: "app"})
	require.Equal(t, []string{"north"}, reached("app"))
	step("alice", engine.Input{Link: "app"})
	require.Equal(t, []string{"north", "west"}, reached("app"))
	step("alice", engine.Input{Delete: true})
	require.Equal(t, []string{"north"}, reached("app"))

	// Whatever happens in one batch.
	var out engine.Effects
	b := subs["bob"]
	for _, in := range []engine.Input{
		{Delete: true},
		{Profile: &engine.Profile{ID: "bob", Number: "+15125550102", Network: "east", ProviderUser: "bob"}},
		{Link: "app3"},
		{Profile: &engine.Profile{ID: "bob", Number: "+15125550102", Network: "north", ProviderUser: "bob"}},
		{Profile: &engine.Profile{ID: "bob", Number: "+15125550102", Network: "east", ProviderUser: "bob"}},
	} {
		require.NoError(t, engine.Step(b, &in, 1, &out))
	}
	storetest.Put(t, s, out.Put, nil)
	require.Equal(t, []string{"north"}, reached("app2"))
	require.Equal(t, []string{"east", "west"}, reached("app3"))

	// A directory of before there were such rows gets them when it is opened.
	require.NoError(t, s.db.DeleteRange([]byte(prefixReach), after([]byte(prefixReach)), pebble.Sync))
	require.NoError(t, s.db.Delete([]byte(keyReach), pebble.Sync))
	require.Empty(t, reached("app"))
	require.NoError(t, s.Close())
	s = openIn(t, fs)
	require.Equal(t, []string{"north"}, reached("app"))
	require.Equal(t, []string{"north"}, reached("app2"))
	require.Equal(t, []string{"east", "west"}, reached("app3"))
}
