package store

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
)

func demoApp(id string, created int64, keys ...string) *tenant.App {
	a := &tenant.App{ID: id, Name: "App " + id, CreatedAt: created, Calls: tenant.Receiver{URL: "https://example.com", Secrets: []string{"whsec_1"}}}
	for _, k := range keys {
		a.Keys = append(a.Keys, tenant.Key{ID: k, Scopes: []tenant.Scope{tenant.ScopeRead}, CreatedAt: created})
	}
	return a
}

func TestTenantsOutliveTheProcess(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	changes := 0
	s.OnChange(func() {
		changes++
		s.Apps() // a listener may look at once
	})
	b, a, c := demoApp("b", 1, "k1", "k2"), demoApp("a", 2), demoApp("c", 1)
	net := &tenant.Network{ID: "net", Provider: "broadworks", BroadWorks: tenant.BroadWorks{XSPs: []string{"https://xsp"}, Password: "p"}}
	for _, app := range []*tenant.App{a, b, c} {
		require.NoError(t, s.PutApp(app))
	}
	require.NoError(t, s.PutNetwork(net))
	require.NoError(t, s.PutNetwork(&tenant.Network{ID: "gone"}))
	require.NoError(t, s.DeleteNetwork("gone"))
	require.Equal(t, 6, changes)

	for range 2 {
		require.Equal(t, []*tenant.App{b, c, a}, s.Apps(), "oldest first")
		app, key, ok := s.Key("k2")
		require.True(t, ok)
		require.Equal(t, b, app)
		require.Equal(t, b.Keys[1], key)
		require.Equal(t, []*tenant.Network{net}, s.Networks())
		got, ok := s.Network("net")
		require.True(t, ok)
		require.Equal(t, net, got)
		_, ok = s.Network("gone")
		require.False(t, ok)
		require.NoError(t, s.Close())
		s = openIn(t, fs)
	}
	fewer := *b
	fewer.Keys = fewer.Keys[:1]
	require.NoError(t, s.PutApp(&fewer))
	_, _, ok := s.Key("k2")
	require.False(t, ok, "a revoked key opens nothing")
	require.NoError(t, s.DeleteApp("b"))
	_, _, ok = s.Key("k1")
	require.False(t, ok)
	_, ok = s.App("b")
	require.False(t, ok)
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.PutApp(b), ErrClosed)
}

// What a handler holds does not change under it.
func TestTenantsHandedOutDoNotChange(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.PutApp(demoApp("a", 1, "k")))
	apps := s.Apps()
	before, _ := s.App("a")
	require.NoError(t, s.PutApp(demoApp("a", 1)))
	require.NoError(t, s.DeleteApp("a"))
	require.Len(t, apps, 1)
	require.Len(t, before.Keys, 1)
	apps[0] = nil
	require.NoError(t, s.PutApp(demoApp("a", 1)))
	require.NotNil(t, s.Apps()[0])
}

func TestSubscribersAreListedByID(t *testing.T) {
	fs := vfs.NewMem()
	s := openIn(t, fs)
	defer func() { require.NoError(t, s.Close()) }()
	var want []string
	for i := range 60 {
		sub := storetest.Subscriber(fmt.Sprintf("User%02d", i))
		sub.Streams = []engine.Stream{{App: "all", Linked: true}, {App: "even", Linked: i%2 == 0}}
		put := []engine.Record{{Kind: engine.RecordProfile, Subscriber: sub}, storetest.Of(sub), {Kind: engine.RecordLink, Subscriber: sub, App: "all"}}
		if i%2 == 0 {
			put = append(put, engine.Record{Kind: engine.RecordLink, Subscriber: sub, App: "even"})
		}
		storetest.Put(t, s, put, nil)
		want = append(want, sub.ID)
	}
	list := func(read func(after string, limit int, fn func(*tenant.SubscriberInfo) error) error, limit int) (ids []string) {
		t.Helper()
		after := ""
		for {
			n := 0
			require.NoError(t, read(after, limit, func(i *tenant.SubscriberInfo) error {
				n++
				ids = append(ids, i.Profile.ID)
				after = i.Profile.ID
				return nil
			}))
			if limit == 0 || n < limit {
				return ids
			}
		}
	}
	even := func(after string, limit int, fn func(*tenant.SubscriberInfo) error) error {
		return s.Linked("even", after, limit, fn)
	}
	require.Equal(t, want, list(s.Subscribers, 0))
	require.Equal(t, want, list(s.Subscribers, 7), "page by page")
	var evens []string
	for i := 0; i < len(want); i += 2 {
		evens = append(evens, want[i])
	}
	require.Equal(t, evens, list(even, 4))

	info, ok, err := s.Subscriber("USER02")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, []string{"all", "even"}, info.Apps)
	require.Equal(t, "User02", info.Profile.ID)

	// Unlinked, and then deleted.
	sub, err := s.Load("user02")
	require.NoError(t, err)
	sub.Streams[1].Linked = false
	storetest.Put(t, s, []engine.Record{storetest.Of(sub), {Kind: engine.RecordUnlink, Subscriber: sub, App: "even"}}, nil)
	require.NotContains(t, list(even, 0), "User02")
	require.Contains(t, list(s.Subscribers, 0), "User02")
	sub.Deleted = true
	storetest.Put(t, s, []engine.Record{
		{Kind: engine.RecordUnlink, Subscriber: sub, App: "all"}, {Kind: engine.RecordNoSubscriber, Subscriber: sub},
	}, nil)
	require.NotContains(t, list(s.Subscribers, 0), "User02")
	_, ok, err = s.Subscriber("user02")
	require.NoError(t, err)
	require.False(t, ok)
	_, ok, err = s.Subscriber("nobody")
	require.NoError(t, err)
	require.False(t, ok)
}

func TestAChangeOfAnAppLeavesWhatOthersChanged(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	defer s.Close()
	require.NoError(t, s.PutApp(demoApp("a", 1)))

	done := make(chan error, 2)
	change := func(fn func(*tenant.App) *tenant.App) {
		_, err := s.ChangeApp("a", func(was *tenant.App) (*tenant.App, error) { return fn(was), nil })
		done <- err
	}
	go change(func(was *tenant.App) *tenant.App { is := *was; is.Name = "renamed"; return &is })
	go change(func(was *tenant.App) *tenant.App {
		r := was.Calls
		r.Paused = true
		return was.With(engine.StreamCalls, r)
	})
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	a, _ := s.App("a")
	require.Equal(t, "renamed", a.Name)
	require.True(t, a.Calls.Paused)

	found, err := s.ChangeApp("a", func(was *tenant.App) (*tenant.App, error) { return nil, fmt.Errorf("no") })
	require.True(t, found)
	require.EqualError(t, err, "no")
	found, err = s.ChangeApp("unknown", nil)
	require.NoError(t, err)
	require.False(t, found)
}

func TestANewWebhookIsNotForWhatWasBefore(t *testing.T) {
	s := openIn(t, vfs.NewMem())
	defer s.Close()
	since := func() uint64 { a, _ := s.App("a"); return a.Calls.Since }
	sub := storetest.Subscriber("alice")
	require.NoError(t, s.PutApp(demoApp("a", 1)))
	require.Zero(t, since())
	storetest.Put(t, s, nil, []engine.Notification{storetest.Told("a", sub, 1), storetest.Told("a", sub, 2)})
	require.NoError(t, s.PutApp(demoApp("a", 1)))
	require.Zero(t, since(), "it was set all the time")
	set := func(r tenant.Receiver) {
		_, err := s.ChangeApp("a", func(was *tenant.App) (*tenant.App, error) { return was.With(engine.StreamCalls, r), nil })
		require.NoError(t, err)
	}
	set(tenant.Receiver{})
	set(tenant.Receiver{URL: "https://example.com"})
	require.EqualValues(t, 2, since())
	set(tenant.Receiver{URL: "https://example.org"})
	require.EqualValues(t, 2, since(), "another URL is the same webhook")
}
