package crash

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"offhook/engine"
	"offhook/engine/actor"
	"offhook/engine/tenant"
)

// key is an idempotency key and what an app knows of it.
type key struct {
	name, app  string
	subscriber string
	from       string        // the subscriber's number
	number     string        // the one called
	call       engine.CallID // of the 201; 0 for none yet
	at         int64         // when it was first used; keys are remembered for a day
	open       bool          // a request with it is under way
	redo       bool          // its subscriber was deleted: the key may be free
}

func numberOf(i int) string { return fmt.Sprintf("+1212555%04d", i) }

// provision makes everybody a subscriber, at the start of the first life.
func (w *world) provision() {
	for i := range users {
		w.put(i)
		for _, app := range apps {
			w.link(app, i, true)
		}
	}
}

func (w *world) profile(i int) engine.Profile {
	return engine.Profile{
		ID: subscriber(i), Number: numberOf(i), Name: fmt.Sprint("name ", w.dealt()), AccountID: "account",
		Network: network, ProviderUser: w.platform.users[i].id,
	}
}

// wanting runs a change of one row, and notes when it was told to be made.
func (w *world) wanting(rows map[string]string, do func() bool) {
	var told []func()
	w.mu.Lock()
	for key, value := range rows {
		told = append(told, w.claim(key, value))
	}
	w.mu.Unlock()
	ok := do()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !ok {
		return
	}
	w.left("the answer to a change")
	for _, f := range told {
		f()
	}
}

// dealt is a small number that nobody knew before.
func (w *world) dealt() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dice.IntN(1000)
}

func (w *world) put(i int) {
	p := w.profile(i)
	id := engine.Fold(p.ID)
	w.wanting(map[string]string{"id/" + id: present, userRow(network, p.ProviderUser): p.ID}, func() bool {
		_, err := w.directory.PutProfile(w.ctx, p)
		return err == nil
	})
}

func (w *world) link(app string, i int, linked bool) {
	id := engine.Fold(subscriber(i))
	w.wanting(map[string]string{"link/" + app + "/" + id: has(linked)}, func() bool {
		if linked {
			return w.directory.Link(w.ctx, app, subscriber(i)) == nil
		}
		return w.directory.Unlink(w.ctx, app, subscriber(i)) == nil
	})
}

func (w *world) remove(i int) {
	id := engine.Fold(subscriber(i))
	rows := map[string]string{"id/" + id: "", userRow(network, w.platform.users[i].id): ""}
	for _, app := range apps {
		rows["link/"+app+"/"+id] = ""
	}
	w.mu.Lock()
	for _, k := range w.keys {
		k.redo = k.redo || k.subscriber == subscriber(i)
	}
	w.mu.Unlock()
	w.wanting(rows, func() bool { return w.directory.Delete(w.ctx, subscriber(i)) == nil })
}

// act lets one thing happen.
func (w *world) act() {
	i := w.random.IntN(users)
	switch n := w.random.IntN(100); {
	case n < 45:
		w.platform.live()
	case n < 58:
		w.originate(i)
	case n < 78:
		w.command()
	case n < 80:
		w.again()
	case n < 82:
		w.platform.resubscribe()
	case n < 85:
		w.link(apps[w.random.IntN(len(apps))], i, w.random.IntN(4) > 0)
	case n < 87:
		w.put(i)
	case n < 88:
		w.remove(i)
	case n < 91:
		w.tune(i)
	case n < 93:
		w.mood()
	case n < 94:
		w.sweep()
	case n < 96:
		w.redeliver(i)
	}
	switch n := w.random.IntN(100); {
	case n < 40: // at the same time as the next
	case n < 97:
		time.Sleep(time.Duration(w.random.IntN(150)) * time.Millisecond)
	case n < 99:
		time.Sleep(time.Duration(w.random.IntN(20)) * time.Second)
	default:
		time.Sleep(time.Duration(w.random.IntN(8)) * time.Minute)
	}
}

func (w *world) mood() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.moods["calm"] = []mood{content, content, content, moody}[w.random.IntN(4)]
	w.moods["moody"] = []mood{content, moody, moody, silent, broken, leaving}[w.random.IntN(6)]
}

// tune is an app that pauses its webhook or one stream, or starts it again.
func (w *world) tune(i int) {
	app, choice := apps[w.random.IntN(2)], w.random.IntN(5)
	d := w.dispatcher
	w.running.Go(func() {
		_, err := tenants{w.store, w}.ChangeApp(app, func(was *tenant.App) (*tenant.App, error) {
			r := was.Calls
			switch id := engine.Fold(subscriber(i)); {
			case choice == 0:
				r.Paused = true
			case choice == 1 && !slices.Contains(r.Held, id):
				r.Held = slices.Sorted(slices.Values(append(slices.Clone(r.Held), id)))
			default:
				r.Paused, r.Disabled, r.Held = false, "", nil
			}
			return was.With(engine.StreamCalls, r), nil
		})
		if err == nil && choice > 1 {
			d.Resume(app, engine.StreamCalls)
		}
	})
}

func (w *world) sweep() {
	w.mu.Lock()
	p := w.promises
	if p.swept == 0 {
		p.swept = p.now()
	}
	s := w.store
	// It reads the clock after this.
	p.cutoff, p.keyCutoff = w.now()+time.Minute.Milliseconds()-retention.Milliseconds(), w.now()+time.Minute.Milliseconds()-(24*time.Hour).Milliseconds()
	w.cutoff = p.cutoff
	w.mu.Unlock()
	_ = s.Sweep()
}

func (w *world) redeliver(i int) {
	app := apps[w.random.IntN(2)]
	stream := engine.StreamOf(app, subscriber(i), engine.StreamCalls)
	w.mu.Lock()
	b := w.books[stream]
	n := uint64(0)
	if b != nil && b.last > 0 {
		n = 1 + w.random.Uint64N(b.last)
	}
	ev, kept := w.rows.events[place{stream, n}]
	d := w.dispatcher
	w.mu.Unlock()
	if n == 0 || kept && ev.by > 0 && w.random.IntN(2) == 0 {
		return
	}
	w.running.Go(func() {
		ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
		defer cancel()
		_, _ = d.Redeliver(ctx, stream, n)
	})
}

// originate is an app that places a call.
func (w *world) originate(i int) {
	w.mu.Lock()
	n := len(w.keys) + 1
	k := &key{
		name: fmt.Sprint("key", n), app: apps[w.random.IntN(len(apps))], subscriber: subscriber(i), from: numberOf(i), number: fmt.Sprintf("+1312555%04d", n), at: w.now(), open: true,
	}
	w.keys[k.name] = k
	w.mu.Unlock()
	w.request(k)
}

// again is an app that repeats a request, answered or not.
func (w *world) again() {
	w.mu.Lock()
	var names []string
	for name, k := range w.keys {
		if !k.open && w.now()-k.at < (20*time.Hour).Milliseconds() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		w.mu.Unlock()
		return
	}
	slices.Sort(names)
	k := w.keys[names[w.random.IntN(len(names))]]
	k.open = true
	w.mu.Unlock()
	w.request(k)
}

func (w *world) request(k *key) {
	d, life := w.directory, w.lives
	w.running.Go(func() {
		r := d.Do(w.ctx, k.subscriber, engine.Command{Verb: engine.VerbOriginate, App: k.app, Originate: &engine.Originate{
			SubscriberNumber: k.from, RemoteNumber: k.number, Key: k.name, BodyHash: [32]byte{1},
		}})
		w.mu.Lock()
		k.open = false
		if w.dead || life != w.lives {
			w.mu.Unlock()
			return
		}
		w.commands++
		if r.Err == nil {
			w.left("a 201")
			w.answered(k, &r)
		}
		w.mu.Unlock()
		if r.Err == nil {
			d.Lift(r.Call.ID)
		}
	})
}

// answered is an app that got its 201; w.mu is held.
func (w *world) answered(k *key, r *engine.Reply) {
	if k.call != 0 && k.call != r.Call.ID && !k.redo {
		w.violated("the key %s stood for %s and stands for %s", k.name, k.call, r.Call.ID)
	}
	if !r.Replay && w.sentCalls[callOf{k.app, r.Call.ID}] {
		w.violated("an event of %s was sent before its 201", r.Call.ID)
	}
	k.call = r.Call.ID
	w.promises.answers = append(w.promises.answers, answer{
		at: w.promises.now(), verb: engine.VerbOriginate, app: k.app, subscriber: engine.Fold(k.subscriber), key: k.name, call: r.Call.ID,
	})
}

// command is an app that does something to one of its calls.
func (w *world) command() {
	app := apps[w.random.IntN(len(apps))]
	live := w.directory.Live(app)
	if len(live) == 0 {
		return
	}
	slices.SortFunc(live, func(a, b actor.CallView) int { return cmp.Compare(a.Call.ID, b.Call.ID) })
	c := live[w.random.IntN(len(live))]
	verb := []engine.Verb{engine.VerbAnswer, engine.VerbHold, engine.VerbResume, engine.VerbEnd}[w.random.IntN(4)]
	if fits := map[engine.State]engine.Verb{engine.StateActive: engine.VerbHold, engine.StateHeld: engine.VerbResume}[c.Call.State]; fits != 0 && w.random.IntN(2) == 0 {
		verb = fits
	}
	d := w.directory
	w.running.Go(func() {
		r := d.DoCall(w.ctx, engine.Command{Verb: verb, App: app, Call: c.Call.ID})
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.dead || r.Err != nil {
			return
		}
		w.left("an answer")
		w.commands++
		w.promises.answers = append(w.promises.answers, answer{at: w.promises.now(), verb: verb, app: app, call: c.Call.ID})
	})
}

// settle lets everything come right: then offhook's calls are the platform's.
func (w *world) settle(when string) {
	w.mu.Lock()
	w.platform.well = true
	w.mu.Unlock()
	time.Sleep(30 * time.Second)
	synctest.Wait()
	ours := map[string]map[string]string{}
	for _, app := range apps {
		ours[app] = map[string]string{}
		for _, c := range w.directory.Live(app) {
			ours[app][c.Call.ProviderID] = c.Call.State.String()
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.platform.well = false
	if w.dead {
		return
	}
	for i := range users {
		for _, app := range apps {
			id := engine.Fold(subscriber(i))
			claims := w.promises.claims["link/"+app+"/"+id]
			linked := w.rows.base["link/"+app+"/"+id] != ""
			for _, c := range claims {
				if c.told > 0 {
					linked = c.value != ""
				}
			}
			for _, f := range w.platform.users[i].calls {
				have := ours[app][f.ProviderID]
				delete(ours[app], f.ProviderID)
				if want := stateOf(f.Status); linked && have != want {
					w.violated("%s: call %s of %s is %s at the platform, and %q to %s", when, f.ProviderID, id, want, have, app)
				}
			}
		}
	}
	for _, app := range apps {
		for call, state := range ours[app] {
			w.violated("%s: %s is %s to %s, and not there at the platform", when, call, state, app)
		}
	}
}

func stateOf(s engine.Status) string {
	switch s {
	case engine.StatusAlerting:
		return engine.StateRinging.String()
	case engine.StatusHeld:
		return engine.StateHeld.String()
	}
	return engine.StateActive.String()
}
