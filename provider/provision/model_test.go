package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

// model is what should be: who is on the platform, and what administrators did.
type model struct {
	*rapid.T
	*platform
	r     *Reconciler
	rules []tenant.ProvisioningRule
	hand  map[string]engine.Profile // by folded id, as written by hand last
	links map[string][]string       // made by hand, by folded id
	names int
	full  bool // everything is being looked at, and the list is honest
}

// Whatever happens on the platform, in the admin API, to the process and to
// each single call: once things are quiet, provisioned is what the rules say,
// what was provisioned by hand is as it was, and nobody was ever deleted who
// was still there.
func TestProvisionedIsWhatTheRulesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.apps["crm"], w.apps["desk"] = true, true
		m := &model{T: t, platform: &platform{world: w}, hand: map[string]engine.Profile{}, links: map[string][]string{}}
		m.watch()
		m.changeRules()
		m.start()
		t.Repeat(map[string]func(*rapid.T){
			"hire": func(*rapid.T) { m.hire(m.entry(m.anybody())) },
			"leave": func(*rapid.T) {
				m.leave(m.anybody())
			},
			"rename": func(*rapid.T) {
				was := m.anybody()
				if e, there := m.users[was]; there {
					m.leave(was)
					e.User = m.anybody()
					m.hire(e)
				}
			},
			"rules":      func(*rapid.T) { m.changeRules(); m.stopAndStart() },
			"by hand":    func(*rapid.T) { m.putByHand() },
			"hand link":  func(*rapid.T) { m.linkByHand() },
			"hand unput": func(*rapid.T) { m.deleteByHand() },
			"app":        func(*rapid.T) { w.apps["desk"] = !w.apps["desk"] },
			"diff": func(*rapid.T) {
				m.misfortune()
				m.full = m.list == nil
				m.r.lookAtAll(t.Context())
				m.full = false
				m.fortune()
			},
			"feed": func(*rapid.T) {
				for range rapid.IntRange(1, 4).Draw(m.T, "named") {
					m.r.changed(m.anybody())
				}
				m.misfortune()
				for range 3 {
					m.r.readBack(t.Context())
				}
				m.fortune()
			},
			"quiet": func(*rapid.T) { m.settle() },
		})
		m.settle()
	})
}

func (m *model) start() {
	m.r = New(Config{
		Network: tenant.Network{ID: net1, Dialing: engine.Dialing{CountryCode: "1"}, Provision: tenant.Provisioning{Rules: m.rules, MaxDeleteShare: 50}},
		Source:  m.platform, Subscribers: m.world, Tenants: m.world, Memory: forgetful{m.world},
		Rate: 1e9, Settle: 1, SecondLook: 1, Workers: 1, MinDelete: 2, Pending: 5, Plan: 4, Random: func() float64 { return 0 },
	})
	m.r.cfg.RetryMax = time.Nanosecond
}

func (m *model) stopAndStart() { m.start() }

func (m *model) anybody() string {
	return fmt.Sprintf("u%d", rapid.IntRange(0, 5).Draw(m.T, "user"))
}

func (m *model) entry(user string) provider.Entry {
	return provider.Entry{
		User: user, Number: fmt.Sprintf("+1512555010%d", rapid.IntRange(0, 3).Draw(m.T, "number")), FirstName: "P",
		LastName:   fmt.Sprint(rapid.IntRange(0, 2).Draw(m.T, "name")),
		Department: rapid.SampledFrom([]string{"Sales", "Legal"}).Draw(m.T, "department"),
	}
}

func (m *model) changeRules() {
	m.rules = rapid.SampledFrom([][]tenant.ProvisioningRule{
		nil, {sales("crm")}, {sales("crm"), {Apps: []string{"desk"}}}, {sales("crm", "desk"), {Match: tenant.ProvisioningMatch{Department: "Legal"}}},
	}).Draw(m.T, "rules")
}

// putByHand is an administrator who writes a subscriber nobody else would.
func (m *model) putByHand() {
	m.names++
	p := engine.Profile{ID: m.anybody(), Name: fmt.Sprint("by hand ", m.names), Number: "+15125550999", Network: net1, ProviderUser: m.anybody()}
	if _, refused := m.PutProfile(m.Context(), p); refused == nil {
		m.hand[p.ID] = p
	}
}

func (m *model) linkByHand() {
	id := m.anybody()
	if m.world.Link(m.Context(), "by-hand", id) == nil && !slices.Contains(m.links[id], "by-hand") {
		m.links[id] = append(m.links[id], "by-hand")
	}
}

func (m *model) deleteByHand() {
	id := m.anybody()
	was := m.onDelete
	m.onDelete = nil
	defer func() { m.onDelete = was }()
	if m.world.Delete(m.Context(), id) == nil {
		delete(m.hand, id)
		delete(m.links, id)
	}
}

// watch checks each change as it is made.
func (m *model) watch() {
	m.onDelete = func(p engine.Profile) {
		require.NotContains(m, m.hand, p.ID, "made by hand")
		e, there := m.users[p.ProviderUser]
		if there {
			_, wanted := apps(m.rules, &e, e.Number)
			require.False(m, wanted, "%s is still there", p.ProviderUser)
		}
		delete(m.links, p.ID)
		if m.full {
			m.noSuccessor(p)
		}
	}
	m.onUnlink = func(p engine.Profile, app string) {
		require.NotContains(m, m.hand, p.ID)
		require.NotContains(m, m.links[p.ID], app, "linked by hand")
	}
	m.onPut = func(was *sub, p engine.Profile) {
		if was != nil && strings.HasPrefix(was.profile.Name, "by hand") {
			require.True(m, strings.HasPrefix(p.Name, "by hand"), "%s was made by hand", p.ID)
		}
	}
}

// noSuccessor checks that nobody waits to take over from who is deleted.
func (m *model) noSuccessor(p engine.Profile) {
	for user, e := range m.users {
		is := profile(&m.r.cfg.Network, &e)
		_, wanted := apps(m.rules, &e, e.Number)
		if !wanted || is.Number != p.Number || is.Name != p.Name {
			continue
		}
		_, served := m.hand[user] // somebody else is called so
		for _, s := range m.now.subs {
			served = served || !s.deleted && s.profile.ProviderUser == user
		}
		require.True(m, served, "%s is %s under a new id", user, p.ProviderUser)
	}
}

// misfortune lets things go wrong from now on.
func (m *model) misfortune() {
	kinds := []string{"nothing", "nothing", "once", "before", "after", "crash before", "crash after", "list fails", "list is cut", "list is empty", "read"}
	kind := rapid.SampledFrom(kinds).Draw(m.T, "misfortune")
	at, n := rapid.IntRange(0, 12).Draw(m.T, "at"), 0
	m.trouble = func(what string) *fault {
		if n++; n <= at {
			return nil
		}
		switch kind {
		case "once":
			if n == at+1 {
				return &fault{before: true}
			}
		case "before":
			return &fault{before: true}
		case "after":
			return &fault{after: true}
		case "crash before":
			return &fault{before: true, crash: true}
		case "crash after":
			return &fault{crash: true}
		case "read":
			if what == "read" {
				return &fault{before: true}
			}
		}
		return nil
	}
	m.list = map[string]func(all []provider.Entry) ([]provider.Entry, error){
		"list fails":    func(all []provider.Entry) ([]provider.Entry, error) { return all[:min(at, len(all))], errFault },
		"list is cut":   func(all []provider.Entry) ([]provider.Entry, error) { return all[:min(at, len(all))], nil },
		"list is empty": func([]provider.Entry) ([]provider.Entry, error) { return nil, nil },
	}[kind]
}

// fortune is the end of it; a process that died is started again.
func (m *model) fortune() {
	m.trouble, m.list = nil, nil
	if m.dead {
		m.crash(func(n int) int { return rapid.IntRange(0, n-1).Draw(m.T, "durable") })
		m.start()
	}
}

// settle lets a quiet hour pass, with an operator who confirms, and compares.
func (m *model) settle() {
	for i := 0; !m.r.lookAtAll(m.Context()) || m.r.all || i < 2; i++ {
		require.Less(m, i, 12, "it never settles: %+v", m.r.Status())
		if b := m.r.Status().Braked; b != nil {
			require.True(m, b.Missing > 1 || len(m.users) == 0)
			m.r.Confirm()
		}
	}
	held := map[string]bool{} // users an administrator gave to a subscriber
	for id, p := range m.hand {
		held[p.ProviderUser] = true
		require.Equal(m, p, m.now.subs[id].profile, "made by hand")
	}
	byUser := map[string]sub{}
	for _, s := range m.now.subs {
		if !s.deleted && m.hand[s.profile.ID].ID == "" {
			require.NotContains(m, byUser, s.profile.ProviderUser)
			byUser[s.profile.ProviderUser] = s
		}
	}
	for user, e := range m.users {
		named, wanted := apps(m.rules, &e, e.Number)
		if !wanted || held[user] {
			continue
		}
		s, there := byUser[user]
		if !there { // its id is taken: by hand, or by somebody who was renamed
			taken, is := m.now.subs[user]
			require.True(m, is && !taken.deleted, "%s is not provisioned", user)
			require.NotEqual(m, user, taken.profile.ProviderUser)
			continue
		}
		delete(byUser, user)
		want := profile(&m.r.cfg.Network, &e)
		want.ID = s.profile.ID
		require.Equal(m, want, s.profile)
		var linked []string
		for _, a := range named {
			if m.world.apps[a] {
				linked = append(linked, a)
			}
		}
		linked = append(linked, m.links[s.profile.ID]...)
		require.ElementsMatch(m, linked, s.apps, "%s", user)
	}
	require.Empty(m, slices.Collect(maps.Keys(byUser)), "nobody wants them")
}
