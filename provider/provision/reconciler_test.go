package provision

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

const net1 = "net1"

// tale is a reconciler at work, under a clock of its own.
type tale struct {
	*testing.T
	*platform
	r         *Reconciler
	stop      func()
	configure func(*Config) // of the next start
}

func sales(apps ...string) tenant.ProvisioningRule {
	return tenant.ProvisioningRule{Match: tenant.ProvisioningMatch{Department: "Sales"}, Apps: apps}
}

func person1(n int) provider.Entry {
	return provider.Entry{
		User: fmt.Sprintf("user%d@example.com", n), Number: fmt.Sprintf("+1-51255501%02d", n), Extension: fmt.Sprintf("10%02d", n),
		FirstName: "User", LastName: fmt.Sprint(n), ServiceProvider: "acme", Group: "austin", Department: "Sales",
	}
}

// tell runs a story in a bubble: six hours take no time.
func tell(t *testing.T, people int, p tenant.Provisioning, story func(s *tale)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.apps["crm"] = true
		for n := range people {
			w.hire(person1(n + 1))
		}
		s := &tale{T: t, platform: &platform{world: w, changes: make(chan string, 100)}}
		s.start(p)
		defer func() { s.stop() }()
		s.after(10 * time.Second)
		story(s)
	})
}

func (s *tale) start(p tenant.Provisioning) {
	p.Source = tenant.SourceDirectory
	cfg := Config{
		Network: tenant.Network{ID: net1, Dialing: engine.Dialing{CountryCode: "1"}, Provision: p},
		Source:  s.platform, Subscribers: s.world, Tenants: s.world, Memory: forgetful{s.world}, Random: func() float64 { return 0.5 },
	}
	if s.configure != nil {
		s.configure(&cfg)
	}
	s.r = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.r.Run(ctx); close(done) }()
	s.stop = func() { cancel(); <-done }
}

func (s *tale) restart(p tenant.Provisioning) {
	s.stop()
	s.start(p)
	s.after(10 * time.Second)
}

func (s *tale) after(d time.Duration) { time.Sleep(d); synctest.Wait() }

// feed is what the platform's feed names.
func (s *tale) feed(users ...string) {
	for _, u := range users {
		s.changes <- u
	}
	s.after(2 * time.Second)
}

func (s *tale) sub(id string) *tenant.SubscriberInfo {
	info, there, err := s.Subscriber(id)
	require.NoError(s, err)
	if !there {
		return nil
	}
	return info
}

// lists makes the platform answer otherwise than it is.
func (s *tale) lists(fn func(all []provider.Entry) ([]provider.Entry, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = fn
}

func (s *tale) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, x := range s.now.subs {
		if !x.deleted {
			n++
		}
	}
	return n
}

func TestUsersBecomeSubscribersAndAreToldOnce(t *testing.T) {
	p := tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm"), {Match: tenant.ProvisioningMatch{UserSuffix: "1@EXAMPLE.com"}, Apps: []string{"crm", "none"}}}}
	tell(t, 3, p, func(s *tale) {
		require.Equal(s, &tenant.SubscriberInfo{Profile: engine.Profile{
			ID: "user1@example.com", Number: "+15125550101", Extension: "1001", Name: "User 1", AccountID: "acme", Network: net1, ProviderUser: "user1@example.com",
		}, Apps: []string{"crm"}}, s.sub("user1@example.com"))
		require.Equal(s, 3, s.number())
		st := s.r.Status()
		require.Equal(s, []any{"ok", 3, 3, uint64(3), []string{"none"}}, []any{st.State, st.Entries, st.Provisioned, st.Added, st.UnknownApps})

		s.after(7 * time.Hour)
		s.restart(p)
		require.Equal(s, map[string]int{"user1@example.com crm": 1, "user2@example.com crm": 1, "user3@example.com crm": 1}, s.told)
		require.Zero(s, s.r.Status().Changed)
	})
}

func TestAnAppThatComesLaterIsLinkedThen(t *testing.T) {
	tell(t, 1, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("later")}}, func(s *tale) {
		require.Empty(s, s.sub("user1@example.com").Apps)
		s.apps["later"] = true
		s.r.AppsChanged()
		s.after(2 * time.Minute)
		require.Equal(s, []string{"later"}, s.sub("user1@example.com").Apps)
	})
}

func TestWhoNoRuleMatchesIsNoSubscriber(t *testing.T) {
	tell(t, 2, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm")}}, func(s *tale) {
		e := person1(1)
		e.Department = "Legal"
		s.hire(e)
		s.after(7 * time.Hour)
		require.Nil(s, s.sub("user1@example.com"))
		require.NotNil(s, s.sub("user2@example.com"))
		require.Equal(s, 1, s.r.Status().Skipped)
	})
}

func TestWhatWasProvisionedByHandIsLeftAlone(t *testing.T) {
	tell(t, 0, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm")}}, func(s *tale) {
		hand := engine.Profile{ID: "USER1@example.com", Number: "+15125550000", Name: "By hand", Network: net1, ProviderUser: "user1@example.com"}
		other := engine.Profile{ID: "front-desk", Number: "+15125550009", Name: "By hand", Network: net1, ProviderUser: "user2@example.com"}
		stranger := engine.Profile{ID: "user3@example.com", Network: "another", ProviderUser: "x"}
		for _, p := range []engine.Profile{hand, other, stranger} {
			_, refused := s.PutProfile(s.Context(), p)
			require.Nil(s, refused)
		}
		for n := range 3 {
			s.hire(person1(n + 1))
		}
		s.after(7 * time.Hour)
		s.leave("user2@example.com")
		s.after(7 * time.Hour)
		require.Equal(s, hand, s.sub("user1@example.com").Profile)
		require.Equal(s, other, s.sub("front-desk").Profile)
		require.Equal(s, stranger, s.sub("user3@example.com").Profile)
		require.Equal(s, 3, s.number())
		st := s.r.Status()
		require.Equal(s, []int{0, 1, 1}, []int{st.Provisioned, st.ByHand, st.Conflicts})
	})
}

func TestASubscriberChangedByHandIsTakenOverAndOneDeletedGivenBack(t *testing.T) {
	tell(t, 2, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm")}}, func(s *tale) {
		mine := s.sub("user1@example.com").Profile
		mine.Name = "The front desk"
		_, refused := s.PutProfile(s.Context(), mine)
		require.Nil(s, refused)
		require.Nil(s, s.world.Link(s.Context(), "by-hand", "user2@example.com"))
		s.after(7 * time.Hour)
		s.leave("user1@example.com")
		s.after(7 * time.Hour)
		require.Equal(s, mine, s.sub("user1@example.com").Profile)
		require.Equal(s, []string{"crm", "by-hand"}, s.sub("user2@example.com").Apps)

		s.hire(person1(1))
		require.Nil(s, s.world.Delete(s.Context(), "user1@example.com"))
		s.after(7 * time.Hour)
		require.Equal(s, "User 1", s.sub("user1@example.com").Profile.Name)
	})
}

// It arrives as an old user that is gone and a new one with the same number and
// name; in whatever order the feed names them, or by the list alone.
func TestANewUserIdKeepsTheSubscriber(t *testing.T) {
	for name, arrive := range map[string]func(s *tale){
		"old first": func(s *tale) { s.feed("user1@example.com", "anna@example.com") },
		"new first": func(s *tale) { s.feed("anna@example.com", "user1@example.com") },
		"apart":     func(s *tale) { s.feed("user1@example.com"); s.after(20 * time.Second); s.feed("anna@example.com") },
		"no feed":   func(s *tale) { s.after(7 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			tell(t, 3, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm")}}, func(s *tale) {
				e := person1(1)
				e.User = "anna@example.com"
				s.hire(e)
				s.leave("user1@example.com")
				arrive(s)
				s.after(time.Minute)
				require.Equal(s, "anna@example.com", s.sub("user1@example.com").Profile.ProviderUser)
				require.Nil(s, s.sub("anna@example.com"))
				require.Empty(s, s.deletes)
				require.Equal(s, 1, s.told["user1@example.com crm"])
				require.Equal(s, uint64(1), s.r.Status().Renamed)
			})
		})
	}
}

func TestANumberThatWentToSomebodyElseIsSomebodyElse(t *testing.T) {
	tell(t, 2, tenant.Provisioning{Rules: []tenant.ProvisioningRule{sales("crm")}}, func(s *tale) {
		e := person1(1)
		e.User, e.LastName = "anna@example.com", "Ames"
		s.hire(e)
		s.leave("user1@example.com")
		s.feed("user1@example.com", "anna@example.com")
		s.after(time.Minute)
		require.Nil(s, s.sub("user1@example.com"))
		require.NotNil(s, s.sub("anna@example.com"))
	})
}

func TestNumbersAndNamesChangeInPlace(t *testing.T) {
	tell(t, 1, tenant.Provisioning{SubscriberID: tenant.IDNumber, AccountID: tenant.AccountBoth}, func(s *tale) {
		e := person1(1)
		e.Number, e.FirstName, e.Group = "512-555-0199", "Ann", "dallas"
		s.hire(e)
		s.feed("user1@example.com")
		require.Equal(s, engine.Profile{
			ID: "+15125550101", Number: "+15125550199", Extension: "1001", Name: "Ann 1", AccountID: "acme/dallas", Network: net1, ProviderUser: "user1@example.com",
		}, s.sub("+15125550101").Profile)
		require.Equal(s, uint64(1), s.r.Status().Changed)
	})
}

func TestWhoIsMissingIsLookedForTwice(t *testing.T) {
	tell(t, 2, tenant.Provisioning{}, func(s *tale) {
		s.leave("user1@example.com")
		s.feed("user1@example.com")
		require.NotNil(s, s.sub("user1@example.com"), "missed once")
		s.hire(person1(1)) // it was being moved
		s.after(time.Minute)
		require.NotNil(s, s.sub("user1@example.com"))

		s.leave("user1@example.com")
		s.feed("user1@example.com")
		s.after(time.Minute)
		require.Nil(s, s.sub("user1@example.com"))

		// Hidden from the list, and there when asked for.
		s.lists(func(all []provider.Entry) ([]provider.Entry, error) { return nil, errFault })
		s.after(7 * time.Hour)
		require.NotNil(s, s.sub("user2@example.com"))
		require.Equal(s, "failing", s.r.Status().State)
		s.hire(person1(3))
		s.lists(func(all []provider.Entry) ([]provider.Entry, error) { return all[1:], nil })
		s.after(7 * time.Hour)
		require.NotNil(s, s.sub("user2@example.com"))
		require.NotNil(s, s.sub("user3@example.com"))
	})
}

func gauge(s *tale, reg *prometheus.Registry, name string) int {
	families, err := reg.Gather()
	require.NoError(s, err)
	for _, f := range families {
		if f.GetName() == name {
			return int(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	s.Fatalf("no metric %s", name)
	return 0
}

func TestTooManyDeletionsWaitForTheOperator(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	tell(t, 60, tenant.Provisioning{}, func(s *tale) {
		s.configure = func(c *Config) { c.Metrics = m }
		s.restart(tenant.Provisioning{})
		for n := range 13 {
			s.leave(person1(n + 1).User)
		}
		s.hire(person1(70))
		s.after(7 * time.Hour)
		st := s.r.Status()
		require.Equal(s, "braked", st.State)
		require.Equal(s, []int{13, 60}, []int{st.Braked.Missing, st.Braked.Of})
		require.Equal(s, 60, s.number(), "nothing of the diff is carried out, no addition either")
		require.Equal(s, 13, gauge(s, reg, "offhook_provisioning_braked"))

		// One more is gone by the time it is confirmed: that is not what was shown.
		s.leave(person1(14).User)
		require.True(s, s.r.Confirm())
		s.after(time.Second)
		require.Equal(s, 14, s.r.Status().Braked.Missing)
		require.True(s, s.r.Confirm())
		s.after(time.Minute)
		require.Equal(s, 47, s.number())
		require.Equal(s, "ok", s.r.Status().State)
		require.False(s, s.r.Confirm())
		require.Zero(s, gauge(s, reg, "offhook_provisioning_braked"))
	})
}

func TestABrakeIsReleasedWhenTheUsersAreBack(t *testing.T) {
	tell(t, 3, tenant.Provisioning{}, func(s *tale) {
		s.lists(func([]provider.Entry) ([]provider.Entry, error) { return nil, nil })
		s.after(7 * time.Hour)
		require.Equal(s, "braked", s.r.Status().State, "an empty platform is a mistake, however small it was")
		s.lists(nil)
		s.after(time.Hour)
		require.Equal(s, "ok", s.r.Status().State)
		require.Equal(s, 3, s.number())
		require.Empty(s, s.deletes)
	})
}

// A feed that says goodbye to one after the other meets the same brake.
func TestManyGoodbyesMeetTheBrake(t *testing.T) {
	tell(t, 60, tenant.Provisioning{}, func(s *tale) {
		for n := range 40 {
			s.leave(person1(n + 1).User)
			s.changes <- person1(n + 1).User
		}
		s.after(5 * time.Minute)
		require.Len(s, s.deletes, 12)
		require.Equal(s, "braked", s.r.Status().State)
		require.Equal(s, 28, s.r.Status().Braked.Missing)
	})
}

func TestAFeedIsGatheredAndBounded(t *testing.T) {
	tell(t, 3, tenant.Provisioning{}, func(s *tale) {
		s.configure = func(c *Config) { c.Pending = 10 }
		s.restart(tenant.Provisioning{})
		for range 90 {
			s.changes <- "user1@example.com"
		}
		s.after(3 * time.Second)
		require.Equal(s, 1, s.reads)

		before := s.r.Status().LastFull
		for n := range 50 {
			s.changes <- person1(n).User
		}
		s.after(2 * time.Minute)
		require.Greater(s, s.r.Status().LastFull, before, "more than can be kept: everything is looked at")
	})
}

func TestUsersThatCannotBeSubscribers(t *testing.T) {
	n := &tenant.Network{ID: net1, Provision: tenant.Provisioning{}}
	p := profile(n, &provider.Entry{User: "a", Number: "5125550101", Extension: "x12", FirstName: "A\x00\nB"})
	require.Equal(t, engine.Profile{ID: "a", Name: "AB", Network: net1, ProviderUser: "a"}, p, "without a country no national number counts")
	for _, id := range []string{"", "a\x00b", "\xff", string(make([]byte, 300))} {
		require.False(t, usable(id), "%q", id)
	}
	require.Len(t, text(string(make([]rune, 300))+"é"), 2)
}
