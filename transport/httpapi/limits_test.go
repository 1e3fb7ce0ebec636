package httpapi

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
)

// A noisy app with many keys asks a hundred times what it may, for ten seconds;
// a quiet one asks now and then, from the same address. The quiet one is served
// every time, the noisy one as much as it may.
func TestANoisyAppSlowsOnlyItself(t *testing.T) {
	var now atomic.Int64
	h := newHouse(t, func(c *Config) {
		c.PerKey, c.PerApp = web.Rate{PerSecond: 20, Burst: 20}, web.Rate{PerSecond: 30, Burst: 30}
		c.Now = func() time.Time { return time.Unix(0, now.Load()) }
	})
	keys := []string{h.key, h.readKey}
	for range 8 {
		k, text, err := tenant.NewKey(rand.Reader, []tenant.Scope{tenant.ScopeRead}, time.Now())
		require.NoError(t, err)
		h.tenants.apps[appID].Keys = append(h.tenants.apps[appID].Keys, k)
		keys = append(keys, text)
	}
	const seconds = 10
	served := 0
	for tick := range seconds * 10 {
		now.Store(int64(tick) * int64(100*time.Millisecond))
		for i := range 30 {
			a := h.request("GET", "/apps/"+appID+"/calls", "", "Authorization", "Bearer "+keys[i%len(keys)])
			if a.StatusCode == 200 {
				served++
				continue
			}
			a.wantProblem(t, 429, "rate_limited")
			require.Equal(t, "1", a.Header.Get("Retry-After"))
		}
		require.Equal(t, 200, h.request("GET", "/apps/"+otherApp+"/calls", "", "Authorization", "Bearer "+h.otherKey).StatusCode)
	}
	require.InDelta(t, 30+30*seconds, served, 30)
}

// Commands to one subscriber are counted, by whatever call they are given, and
// those to others are not held up by them.
func TestCommandsToOneSubscriber(t *testing.T) {
	now := time.Unix(1533331051, 0)
	h := newHouse(t, func(c *Config) {
		c.Commands = web.Rate{PerSecond: 1, Burst: 4}
		c.Now = func() time.Time { return now }
	})
	anna := engine.Profile{ID: "anna", Number: "+15125550100", Network: networkID}
	h.tenants.subscribers = append(h.tenants.subscribers, &tenant.SubscriberInfo{Profile: anna, Apps: []string{appID}})
	second := callOf(exampleID + 1)
	h.calls.views[appID] = append(h.calls.views[appID], CallView{Profile: &tommy, Call: second})
	path := "/apps/" + appID
	command := func(verb string) answer {
		return h.request("PUT", path+"/calls/"+exampleID.String()+"/"+verb, "", "Authorization", "Bearer "+h.key)
	}
	for _, verb := range []string{"answer", "hold", "resume"} {
		require.Equal(t, 204, command(verb).StatusCode)
	}
	require.Equal(t, 201, h.request("POST", path+"/calls", good).StatusCode)
	given := len(h.calls.commands())

	command("hold").wantProblem(t, 429, "rate_limited")
	h.request("PUT", path+"/calls/"+second.ID.String()+"/hold", "").wantProblem(t, 429, "rate_limited")
	h.request("DELETE", path+"/calls/"+exampleID.String(), "").wantProblem(t, 429, "rate_limited")
	h.request("POST", path+"/calls", good).wantProblem(t, 429, "rate_limited")
	require.Len(t, h.calls.commands(), given, "what is refused is not done")

	require.Equal(t, 200, h.get(path+"/calls/"+exampleID.String()).StatusCode, "reads are no commands")
	others := fmt.Sprintf(`{"subscriber_id":%q,"subscriber_number":%q,"remote_number":"+15129104114"}`, anna.ID, anna.Number)
	require.Equal(t, 201, h.request("POST", path+"/calls", others).StatusCode)
	now = now.Add(time.Second)
	require.Equal(t, 204, command("hold").StatusCode)
	command("hold").wantProblem(t, 429, "rate_limited")
}

// A foreign call and one that is not there stay alike, however often they are
// asked for.
func TestNoBoundTellsAForeignCallFromNone(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Commands = web.Rate{PerSecond: 1, Burst: 1} })
	h.calls.answer = func(_ context.Context, cmd engine.Command) engine.Reply {
		return engine.Reply{Err: &engine.Error{Code: engine.CodeNotFound}}
	}
	for range 5 {
		for _, id := range []string{exampleID.String(), (exampleID + 7).String()} {
			h.request("PUT", "/apps/"+otherApp+"/calls/"+id+"/hold", "", "Authorization", "Bearer "+h.otherKey).wantProblem(t, 404, "not_found")
		}
	}
}

// Who sends keys that open nothing is held off, and nobody else at the address.
func TestBadKeysAreHeldOff(t *testing.T) {
	now := time.Unix(1533331051, 0)
	h := newHouse(t, func(c *Config) {
		c.BadKeys = web.Rate{PerSecond: 0.5, Burst: 3}
		c.Now = func() time.Time { return now }
	})
	path := "/apps/" + appID + "/calls"
	unknown := h.otherKey
	h.tenants.apps[otherApp].Keys = nil
	for _, key := range []string{"guess", unknown, "guess"} {
		h.request("GET", path, "", "Authorization", "Bearer "+key).wantProblem(t, 401, "unauthorized")
	}
	for _, key := range []string{"guess", unknown} {
		a := h.request("GET", path, "", "Authorization", "Bearer "+key)
		a.wantProblem(t, 429, "rate_limited")
		require.Equal(t, "2", a.Header.Get("Retry-After"))
	}
	require.Equal(t, 200, h.get(path).StatusCode)
	now = now.Add(2 * time.Second)
	h.request("GET", path, "", "Authorization", "Bearer guess").wantProblem(t, 401, "unauthorized")
}
