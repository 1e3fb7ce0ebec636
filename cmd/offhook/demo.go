package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider/simulator"
)

// The demo is what somebody sees who starts offhook with nothing configured:
// an app with a key, a network that is the simulator, subscribers that are its
// phones, and a receiver for the app's webhooks. It survives restarts, so that
// yesterday's curl lines still work, and goes when the simulator is off.
const (
	demoApp     = "6b1f0c52-8d0e-4a6e-9f57-0c1f5c3f7d1a"
	demoAppName = "Demo app"
	demoNetwork = "0d3f6c1e-52a9-4a7b-b0b4-9a1e6f2c8d47"

	// demoMark ends the webhook URLs of the demo: they are told by it from ones
	// that a user has set instead, which stay.
	demoMark = "?demo"
)

// demoStore is what the demo needs of the store.
type demoStore interface {
	App(id string) (*tenant.App, bool)
	Apps() []*tenant.App
	PutApp(*tenant.App) error
	DeleteApp(id string) error
	Network(id string) (*tenant.Network, bool)
	PutNetwork(*tenant.Network) error
	DeleteNetwork(id string) error
	Subscriber(id string) (*tenant.SubscriberInfo, bool, error)
	Subscribers(after string, limit int, fn func(*tenant.SubscriberInfo) error) error
}

// demoSubscribers is what it needs of the directory.
type demoSubscribers interface {
	PutProfile(ctx context.Context, p engine.Profile) (created bool, err *engine.Error)
	Link(ctx context.Context, app, subscriber string) *engine.Error
	Unlink(ctx context.Context, app, subscriber string) *engine.Error
	Delete(ctx context.Context, subscriber string) *engine.Error
}

// demoReceiver is what prints the demo app's webhooks.
type demoReceiver interface {
	Webhook(kind engine.StreamKind) tenant.Receiver
}

// demo is what the demo is made of; simulator and receiver must be listening.
type demo struct {
	dataDir   string
	simulator string // base URL
	username  string // of the simulator's administrator
	password  string
	phones    []simulator.Phone
	receiver  demoReceiver // nil for none
	now       time.Time

	elsewhere string // where the app's calls webhook leads when it is a user's own; set by prepare
}

// prepare puts network and app in place and returns the app's key. The
// directory need not run yet.
func (d *demo) prepare(s demoStore) (key string, err error) {
	n := &tenant.Network{
		ID: demoNetwork, Provider: "broadworks",
		BroadWorks: tenant.BroadWorks{
			XSPs: []string{d.simulator}, Username: d.username, Password: d.password, Subscribe: "user",
		},
		Dialing: engine.Dialing{CountryCode: "1"},
	}
	if err := s.PutNetwork(n); err != nil {
		return "", fmt.Errorf("demo network: %w", err)
	}
	app := &tenant.App{ID: demoApp, Name: demoAppName, Demo: true, CreatedAt: d.now.UnixMilli()}
	if was, ok := s.App(demoApp); ok {
		copied := *was
		app = &copied
	}
	app.Calls = d.webhook(app.Calls, engine.StreamCalls)
	d.elsewhere = ""
	if app.Calls.Set() && !strings.HasSuffix(app.Calls.URL, demoMark) {
		d.elsewhere = whose(app.Calls.URL)
	}
	app.Subscriber = d.webhook(app.Subscriber, engine.StreamSubscriber)
	key, err = d.key(app)
	if err == nil {
		err = s.PutApp(app)
	}
	if err != nil {
		return "", fmt.Errorf("demo app: %w", err)
	}
	return key, nil
}

// webhook points a webhook of the app at the receiver, unless a user has
// pointed it elsewhere.
func (d *demo) webhook(r tenant.Receiver, kind engine.StreamKind) tenant.Receiver {
	if r.Set() && !strings.HasSuffix(r.URL, demoMark) {
		return r
	}
	if d.receiver == nil {
		return tenant.Receiver{}
	}
	here := d.receiver.Webhook(kind)
	r.URL, r.Secrets = here.URL+demoMark, here.Secrets // what else was set for it stays
	return r
}

// key finds the app's key again, or makes one. The store keeps digests only,
// so the text is in a file of its own beside it, for as long as the demo is.
func (d *demo) key(app *tenant.App) (string, error) {
	path := filepath.Join(d.dataDir, demoKeyFile)
	text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
	if err == nil {
		text := strings.TrimSpace(string(text))
		id, digest, ok := tenant.ParseKey(text)
		if ok && slices.ContainsFunc(app.Keys, func(k tenant.Key) bool { return k.ID == id && k.Matches(digest) }) {
			return text, nil
		}
	}
	made, key, err := tenant.NewKey(rand.Reader, []tenant.Scope{tenant.ScopeRead, tenant.ScopeControl}, d.now)
	if err != nil {
		return "", err
	}
	// The file first: a key that is stored and that nobody knows is of no use.
	if err := writeFile(path, key+"\n", secretMode); err != nil {
		return "", err
	}
	app.Keys = []tenant.Key{made} // the old ones are nobody's any more
	return key, nil
}

// populate makes the simulator's phones subscribers and links them to the app.
// Those that are there as they should be are left alone, so that a restart
// neither writes nor notifies anything. The directory must run.
func (d *demo) populate(ctx context.Context, s demoStore, subs demoSubscribers) error {
	known := map[string]bool{}
	for _, p := range d.phones {
		known[engine.Fold(p.SubscriberID)] = true
	}
	err := each(ctx, d.phones, func(p simulator.Phone) error {
		if err := d.subscribe(ctx, p, s, subs); err != nil {
			return fmt.Errorf("demo subscriber %s: %w", p.SubscriberID, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// The simulator may have had more phones the last time.
	_, domain, _ := strings.Cut(d.phones[0].SubscriberID, "@")
	return removeSubscribers(ctx, s, subs, func(p *engine.Profile) bool {
		return p.Network == demoNetwork && strings.HasSuffix(p.ID, "@"+domain) && !known[engine.Fold(p.ID)]
	})
}

func (d *demo) subscribe(ctx context.Context, p simulator.Phone, s demoStore, subs demoSubscribers) error {
	want := profileOf(p, demoNetwork)
	have, ok, err := s.Subscriber(want.ID)
	if err != nil {
		return err
	}
	if !ok || have.Profile != want {
		if _, refused := subs.PutProfile(ctx, want); refused != nil {
			return refused
		}
	}
	if ok && slices.Contains(have.Apps, demoApp) {
		return nil
	}
	if refused := subs.Link(ctx, demoApp, want.ID); refused != nil {
		return refused
	}
	return nil
}

// each calls fn for all items, many at once: what waits for the disk can wait
// for it together. It stops at the first error.
func each[T any](ctx context.Context, items []T, fn func(T) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	next := make(chan T)
	var wg sync.WaitGroup
	for range min(64, len(items)) {
		wg.Go(func() {
			for item := range next {
				if err := fn(item); err != nil {
					stop(err)
				}
			}
		})
	}
feed:
	for _, item := range items {
		select {
		case next <- item:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// removeDemo takes away whatever an earlier start with the simulator left
// behind. With nothing left it does nothing. The directory must run.
func removeDemo(ctx context.Context, dataDir string, s demoStore, subs demoSubscribers) error {
	for _, name := range []string{demoScriptFile, demoKeyFile} {
		if err := removeFile(filepath.Join(dataDir, name)); err != nil {
			return fmt.Errorf("remove the demo: %w", err)
		}
	}
	if _, ok := s.Network(demoNetwork); ok {
		err := removeSubscribers(ctx, s, subs, func(p *engine.Profile) bool { return p.Network == demoNetwork })
		if err != nil {
			return err
		}
	}
	for _, app := range s.Apps() {
		if !app.Demo {
			continue
		}
		if err := unlinkAll(ctx, app.ID, s, subs); err != nil {
			return err
		}
		if err := s.DeleteApp(app.ID); err != nil {
			return fmt.Errorf("remove the demo: %w", err)
		}
	}
	if _, ok := s.Network(demoNetwork); ok { // last: it says that there is something to remove
		if err := s.DeleteNetwork(demoNetwork); err != nil {
			return fmt.Errorf("remove the demo: %w", err)
		}
	}
	return nil
}

func removeSubscribers(ctx context.Context, s demoStore, subs demoSubscribers, which func(*engine.Profile) bool) error {
	ids, err := subscribersThat(ctx, s, func(i *tenant.SubscriberInfo) bool { return which(&i.Profile) })
	if err != nil {
		return fmt.Errorf("remove demo subscribers: %w", err)
	}
	return each(ctx, ids, func(id string) error {
		if refused := subs.Delete(ctx, id); refused != nil && refused.Code != engine.CodeNotFound {
			return fmt.Errorf("remove demo subscriber %s: %w", id, refused)
		}
		return nil
	})
}

// unlinkAll takes the app from subscribers of other networks that somebody
// linked to it.
func unlinkAll(ctx context.Context, app string, s demoStore, subs demoSubscribers) error {
	ids, err := subscribersThat(ctx, s, func(i *tenant.SubscriberInfo) bool { return slices.Contains(i.Apps, app) })
	if err != nil {
		return fmt.Errorf("unlink the demo app: %w", err)
	}
	return each(ctx, ids, func(id string) error {
		if refused := subs.Unlink(ctx, app, id); refused != nil {
			return fmt.Errorf("unlink the demo app from %s: %w", id, refused)
		}
		return nil
	})
}

// subscribersThat finds all first: what is walked is not changed meanwhile.
func subscribersThat(ctx context.Context, s demoStore, which func(*tenant.SubscriberInfo) bool) (ids []string, err error) {
	err = s.Subscribers("", 0, func(i *tenant.SubscriberInfo) error {
		if which(i) {
			ids = append(ids, i.Profile.ID)
		}
		return ctx.Err()
	})
	return ids, err
}

// profileOf is a phone of the simulator as a subscriber.
func profileOf(p simulator.Phone, network string) engine.Profile {
	return engine.Profile{
		ID: p.SubscriberID, Number: p.SubscriberNumber, Extension: p.Extension, Name: p.SubscriberName,
		AccountID: p.SubscriberAccountID, Network: network, ProviderUser: p.SubscriberID,
	}
}
