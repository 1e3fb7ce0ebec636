package simulator

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// whole checks that every way to a phone leads to the same one.
func (w *world) whole() (users []string) {
	w.Helper()
	s := w.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	listed := 0
	for _, e := range s.enterprises {
		for _, g := range e.groups {
			listed += len(g.phones)
			for _, p := range g.phones {
				require.Same(w, g, p.group)
				require.Equal(w, e.id+"/"+g.name, p.SubscriberAccountID)
			}
		}
	}
	require.Len(w, s.phones, listed)
	require.Len(w, s.byUser, listed)
	digits := 0
	for _, p := range s.phones {
		require.False(w, p.gone)
		require.Same(w, p, s.phoneOf(p.SubscriberID))
		for _, d := range []string{p.digits, p.Extension} {
			if d != "" {
				digits++
				require.Same(w, p, s.byDigits[d])
			}
		}
		users = append(users, p.SubscriberID)
	}
	require.Len(w, s.byDigits, digits, "nobody is reached by a number of the past")
	for _, h := range s.calls {
		require.False(w, h.phone.gone)
	}
	sort.Strings(users)
	return users
}

// People come, change and go through both doors while calls go on. The feed,
// read alone, tells who is there in the end.
func TestTheFeedRetellsThePeople(t *testing.T) {
	cfg := patient()
	cfg.CallsPerSecond, cfg.AckTimeout, cfg.CallDuration = 100, time.Hour, 2*time.Second
	cfg.OCI.Reporting.PingEvery = -1
	provisioned(t, cfg, func(w *world, oci, feed *pipes) {
		model := map[string]bool{}
		for _, p := range w.sim.Phones() {
			model[p.SubscriberID] = true
		}
		l := w.reach(feed)
		w.pass(0)
		st := w.open("set-all")
		st.follow("/enterprise/demo-enterprise")
		told := make(chan struct{})
		go func() {
			defer close(told)
			for {
				doc, err := l.until("</BroadsoftOCIReportingDocument>")
				if err != nil {
					return
				}
				inner := doc[strings.Index(doc, "CDATA"):]
				switch user := field(inner[strings.Index(inner, "<command"):], "userId"); {
				case strings.Contains(inner, `"UserAdd`):
					model[user] = true
				case strings.Contains(inner, `"UserModifyUserId`):
					delete(model, user)
					model[field(inner, "newUserId")] = true
				case strings.Contains(inner, `"UserDelete`):
					delete(model, user)
				}
			}
		}()
		var hands sync.WaitGroup
		for n := range 4 {
			rnd := rand.New(rand.NewPCG(uint64(n), 7))
			user := func() string { return fmt.Sprintf("u%d@demo.example", rnd.IntN(12)) }
			place := func() string { return fmt.Sprintf("site-%d", 1+rnd.IntN(2)) }
			var c *ociClient
			if n%2 == 0 {
				c = w.admin(oci)
			}
			hands.Go(func() {
				for range 150 {
					time.Sleep(time.Duration(rnd.IntN(50)) * time.Millisecond)
					kind := rnd.IntN(5)
					if c == nil {
						_, err := w.try([]string{"POST", "PATCH", "PATCH", "DELETE", "GET"}[kind], "/simulator/people"+[]string{"", "/" + user(), "/" + user(), "/" + user(), ""}[kind],
							[]string{`{"subscriber_id":"` + user() + `","group":"` + place() + `"}`, `{"subscriber_id":"` + user() + `"}`,
								fmt.Sprintf(`{"extension":"80%d","group":%q}`, rnd.IntN(9), place()), "", ""}[kind])
						if err != nil {
							t.Error(err)
						}
						continue
					}
					_, err := c.try([]string{"UserAddRequest22", "UserModifyUserIdRequest", "UserModifyRequest22", "UserDeleteRequest", "UserGetListInServiceProviderRequest"}[kind],
						[]string{"<serviceProviderId>demo-enterprise</serviceProviderId><groupId>site-1</groupId><lastName>L</lastName><firstName>F</firstName><userId>" + user() + "</userId>",
							"<userId>" + user() + "</userId><newUserId>" + user() + "</newUserId>",
							"<userId>" + user() + "</userId><extension>" + fmt.Sprint(8000+rnd.IntN(9)) + "</extension>",
							"<userId>" + user() + "</userId>", "<serviceProviderId>demo-enterprise</serviceProviderId>"}[kind])
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		hands.Wait()
		w.pass(time.Second)
		_ = l.conn.Close()
		<-told
		users := w.whole()
		var retold []string
		for u := range model {
			retold = append(retold, u)
		}
		sort.Strings(retold)
		require.Equal(t, users, retold)
		require.Greater(t, w.sim.Stats().OCI.Writes, int64(150))
		require.Equal(t, w.sim.Stats().OCI.Writes, w.sim.Stats().OCI.Reported)
	})
}
