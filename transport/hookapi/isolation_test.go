package hookapi_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/store/storetest"
	"offhook/transport/hookapi"
	"offhook/transport/webhook/replay"
)

// everyRoute is each row of the table, about something the app has.
func everyRoute(o *office) (all []hookapi.Route) {
	for _, r := range hookapi.New(hookapi.Config{Prober: o.prober, Replays: o.replays}).Routes() {
		for _, kind := range []string{"calls", "subscriber", "operations"} {
			path := strings.NewReplacer("{kind}", kind, "{subscriber_id}", "alice@example.com", "{task_id}", "rpl_1").Replace(r.Path)
			all = append(all, hookapi.Route{Method: r.Method, Path: path, Scope: r.Scope})
		}
	}
	return all
}

const anyBody = `{"url":"https://evil.example.com/","subscriber_id":"alice@example.com","sequence_number":"1"}`

// furnished is an office whose app has one of everything.
func furnished(t *testing.T) *office {
	o := newOffice(t)
	for _, kind := range []string{"calls", "subscriber", "operations"} {
		o.app().set(kind, `{"url":"`+hookURL+`"}`)
	}
	alice := storetest.Subscriber("Alice@example.com")
	storetest.Put(t, o.store, nil, []engine.Notification{storetest.Told(appID, alice, 1)})
	o.store.Attempt(engine.Attempt{Stream: storetest.Stream(appID, alice), Sequence: 1, Index: 1, Number: 1, At: 1, Status: 200})
	o.replays.tasks = []replay.Task{{ID: "rpl_1", Range: replay.Range{App: appID, Kind: engine.StreamCalls}, State: replay.Running}}
	return o
}

// At the public listener: every route of an app with the key of another one,
// of an app that is not there, with a key that may only read, and without one.
func TestNobodyReachesTheWebhooksOfAnother(t *testing.T) {
	o := furnished(t)
	was, _ := o.store.App(appID)
	for _, r := range everyRoute(o) {
		stranger := clerk{o, o.api, "/apps/" + escaped, o.otherKey, ""}
		foreign := stranger.do(r.Method, r.Path, anyBody)
		stranger.base = "/apps/nobody"
		nothing := stranger.do(r.Method, r.Path, anyBody)
		foreign.wantsProblem(404, "not_found")
		require.Equal(t, nothing.body, foreign.body, "what is not his looks like nothing")
		require.Equal(t, names(nothing), names(foreign))

		thief := clerk{o, o.api, "/apps/" + escaped, "ok_live_guess", ""}
		thief.do(r.Method, r.Path, anyBody).wantsProblem(401, "unauthorized")

		reader := clerk{o, o.api, "/apps/" + escaped, o.readKey, ""}
		a := reader.do(r.Method, r.Path, anyBody)
		if r.Method == "GET" {
			require.Equal(t, tenant.ScopeRead, r.Scope)
			require.Contains(t, []int{200, 404}, a.StatusCode, "%s %s: %s", r.Method, r.Path, a.body)
			continue
		}
		require.Equal(t, tenant.ScopeControl, r.Scope)
		a.wantsProblem(403, "scope")
		require.Contains(t, a.Header.Get("WWW-Authenticate"), `scope="calls:control"`)
	}
	o.unharmed(was)
}

// At the admin listener: without the token, with an app's key, and for an app
// that is not there.
func TestOnlyTheOperatorReachesTheAdminRoutes(t *testing.T) {
	o := furnished(t)
	was, _ := o.store.App(appID)
	for _, r := range everyRoute(o) {
		for _, bearer := range []string{o.key, "guess"} {
			clerk{o, o.admin, "/admin/apps/" + escaped, bearer, ""}.do(r.Method, r.Path, anyBody).wantsProblem(401, "unauthorized")
		}
		clerk{o, o.admin, "/admin/apps/nobody", token, ""}.do(r.Method, r.Path, anyBody).wantsProblem(404, "not_found")
		clerk{o, o.admin, "/apps/" + escaped, token, ""}.do(r.Method, r.Path, anyBody).wantsProblem(404, "not_found")
		clerk{o, o.api, "/admin/apps/" + escaped, o.key, ""}.do(r.Method, r.Path, anyBody).wantsProblem(404, "not_found")
	}
	o.unharmed(was)
}

// With a key of one's own, nothing of another app is named by any id.
func TestIdsOfAnotherAppAreNobodys(t *testing.T) {
	o := furnished(t)
	was, _ := o.store.App(appID)
	theirs := clerk{o, o.api, "/apps/" + other, o.otherKey, ""}
	for _, kind := range []string{"calls", "subscriber", "operations"} {
		theirs.set(kind, `{"url":"https://theirs.example.com/"}`)
	}
	theirs.do("PUT", "/webhooks/calls/streams/alice@example.com/pause", "").wantsProblem(404, "not_found")
	theirs.do("PUT", "/webhooks/calls/streams/alice@example.com/resume", "").wantsProblem(404, "not_found")
	theirs.do("PUT", "/webhooks/calls/redeliver", anyBody).wantsProblem(404, "not_found")
	theirs.do("GET", "/webhooks/calls/redeliveries/rpl_1", "").wantsProblem(404, "not_found")
	theirs.do("DELETE", "/webhooks/calls/redeliveries/rpl_1", "").wantsProblem(404, "not_found")
	for _, list := range []string{"attempts", "attempts?subscriber_id=alice@example.com", "streams", "redeliveries"} {
		theirs.do("GET", "/webhooks/calls/"+list, "").wantsBody(200, "[]")
	}
	require.NotContains(t, theirs.do("GET", "/webhooks", "").body, "crm.example.com")
	o.unharmed(was)
}

// unharmed: nothing of the app was changed, and nothing was sent.
func (o *office) unharmed(was *tenant.App) {
	o.t.Helper()
	is, _ := o.store.App(appID)
	require.Equal(o.t, was, is)
	require.Empty(o.t, o.deliveries.notes())
	require.Len(o.t, o.replays.tasks, 1)
	require.Equal(o.t, replay.Running, o.replays.tasks[0].State)
}

func names(a answer) (list []string) {
	for name := range a.Header {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Both listeners change the same app, each a part of it, and none of what
// either was told is lost.
func TestTwoListenersChangeTheSameApp(t *testing.T) {
	o := newOffice(t)
	o.app().set("calls", `{"url":"`+hookURL+`"}`)
	secret := o.receiver("calls").Secrets[0]
	operator := o.operator()
	const rounds = 25
	var told []engine.Notification
	var streams []string
	for i := range rounds {
		streams = append(streams, fmt.Sprintf("user%02d", i))
		told = append(told, storetest.Told(appID, storetest.Subscriber(streams[i]), 1))
	}
	storetest.Put(t, o.store, nil, told)
	jobs := []func(i int) (answer, error){
		func(int) (answer, error) { return operator.try("POST", "/keys", `{}`) },
		func(int) (answer, error) { return operator.try("PATCH", "", `{"name":"New"}`) },
		func(int) (answer, error) { return operator.try("PATCH", "", `{"challenge":true}`) },
		func(int) (answer, error) {
			return operator.try("PUT", "/webhooks/calls/rotate-secret", `{"overlap_seconds":0}`)
		},
		func(i int) (answer, error) {
			return o.app().try("PUT", "/webhooks/calls/"+[]string{"pause", "resume"}[i%2], "")
		},
		func(int) (answer, error) {
			return o.app().try("PATCH", "/webhooks/calls", `{"filter":{"states":["held"]}}`)
		},
		func(int) (answer, error) {
			return o.app().try("PATCH", "/webhooks/calls", `{"headers":{"X-Tenant":"42"}}`)
		},
		func(i int) (answer, error) {
			return o.app().try("PUT", "/webhooks/calls/streams/"+streams[i]+"/pause", "")
		},
		func(int) (answer, error) {
			return operator.try("PATCH", "", `{"subscriber_webhook":{"url":"https://two.example.com/"}}`)
		},
	}
	var all sync.WaitGroup
	refused := make(chan string, rounds*len(jobs))
	for _, job := range jobs {
		all.Go(func() {
			for i := range rounds {
				a, err := job(i)
				if err != nil {
					refused <- err.Error()
				} else if a.StatusCode > 299 {
					refused <- a.Request.URL.String() + ": " + a.body
				}
			}
		})
	}
	all.Wait()
	close(refused)
	for why := range refused {
		t.Error(why)
	}
	a, _ := o.store.App(appID)
	require.Len(t, a.Keys, 2+rounds)
	require.Equal(t, "New", a.Name)
	require.True(t, a.Challenge)
	require.NotEqual(t, secret, a.Calls.Secrets[0])
	require.Empty(t, a.Calls.Retired)
	require.True(t, a.Calls.Paused, "as it was told last")
	require.Equal(t, uint8(1<<engine.StateHeld), a.Calls.Filter.States)
	require.Equal(t, "42", headers(a.Calls)["X-Tenant"])
	require.Equal(t, streams, a.Calls.Held)
	require.Equal(t, "https://two.example.com/", a.Subscriber.URL)
	require.Len(t, a.Subscriber.Secrets, 1)
}
