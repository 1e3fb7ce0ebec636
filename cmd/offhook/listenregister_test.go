package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// adminDesk is an admin listener that knows what listen asks of one.
type adminDesk struct {
	mu    sync.Mutex
	asked []string
	hook  string
	name  string
	fail  map[string]string // by method and path: a status and a problem document
}

func (a *adminDesk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	what := r.Method + " " + r.URL.EscapedPath()
	a.asked = append(a.asked, what)
	if r.Header.Get("Authorization") != "Bearer the-token" {
		answerProblem(w, 401, `{"code":"unauthorized"}`)
		return
	}
	if problem, ok := a.fail[what]; ok {
		var status int
		_, _ = fmt.Sscan(problem, &status)
		answerProblem(w, status, problem[4:])
		return
	}
	switch r.Method {
	case http.MethodPost:
		var body struct {
			AppID string `json:"app_id"`
			Calls struct {
				URL string `json:"url"`
			} `json:"calls_webhook"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		a.hook, a.name = body.Calls.URL, body.AppID
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"app_id":"app/1","calls_webhook":{"url":%q,"secret":%q}}`, a.hook, listenSecret)
	case http.MethodGet:
		fmt.Fprint(w, `[{"subscriber_id":"alice@example.com"},{"subscriber_id":"bob/2","apps":[]}]`)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func answerProblem(w http.ResponseWriter, status int, doc string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprint(w, doc)
}

func adminListener(t *testing.T, fail map[string]string) (*adminDesk, string) {
	a := &adminDesk{fail: fail}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server.URL
}

func TestListenMakesAnAppAndTakesItAway(t *testing.T) {
	a, admin := adminListener(t, nil)
	l := startListening(t, listenCmd{Register: admin + "/", AdminToken: "the-token"})
	l.log.wait(t, "msg=registered app=app/1 subscribers=2")
	require.Equal(t, l.url, a.hook)
	require.Equal(t, 200, l.post(listenSecret, "evt_1", ringing(1, "")), "the secret is the one the answer carried")
	require.NoError(t, l.stop())
	require.Equal(t, []string{"POST /admin/apps", "GET /admin/subscribers"}, a.asked[:2])
	require.ElementsMatch(t, []string{"PUT /admin/apps/app%2F1/subscribers/alice@example.com", "PUT /admin/apps/app%2F1/subscribers/bob%2F2"}, a.asked[2:4])
	require.Equal(t, []string{"DELETE /admin/apps/app%2F1"}, a.asked[4:])
}

func TestStreamsOfANewAppBeginWithOne(t *testing.T) {
	for app, gaps := range map[string]string{"": " 1 gaps", "an-old-id": " 0 gaps"} {
		a, admin := adminListener(t, nil)
		l := startListening(t, listenCmd{Register: admin, AdminToken: "the-token", App: app, URL: "https://tunnel.example.com/hook"})
		l.log.wait(t, "msg=registered")
		require.Equal(t, app, a.name)
		require.Equal(t, "https://tunnel.example.com/hook", a.hook)
		require.Equal(t, 200, l.post(listenSecret, "evt_3", ringing(3, "")))
		_ = l.stop()
		require.Contains(t, l.out.String(), gaps)
	}
}

func TestListenSaysWhyItCannotRegister(t *testing.T) {
	nobody := httptest.NewServer(nil)
	nobody.Close()
	for name, c := range map[string]struct {
		token, app string
		fail       map[string]string
		admin      string // empty for one that listens
		want       []string
		deleted    bool
		code       int // 0 for exitRefused
	}{
		"http is not allowed": {want: []string{"must be an https URL", "webhooks.allow_http: true", "webhooks.allow_private_networks: true", "OFFHOOK_WEBHOOKS_ALLOW_HTTP=true"},
			fail: map[string]string{"POST /admin/apps": `422 {"code":"invalid_field","field":"calls_webhook.url","detail":"must be an https URL"}`}},
		"a wrong token": {token: "wrong", want: []string{"(unauthorized, 401)", "admin-token"}},
		"the id is taken": {app: "mine", want: []string{"there is an app mine already"},
			fail: map[string]string{"POST /admin/apps": `409 {"code":"conflict","detail":"there is an app with this id"}`}},
		"not an offhook": {want: []string{"404", "is that an offhook?"}, fail: map[string]string{"POST /admin/apps": "404 page not found"}},
		"nobody there":   {admin: nobody.URL, want: []string{"connection refused"}, code: exitAway},
		"a subscriber cannot be linked": {want: []string{"link subscriber bob/2", "try later (busy, 503)"}, deleted: true,
			fail: map[string]string{"PUT /admin/apps/app%2F1/subscribers/bob%2F2": `503 {"code":"busy","detail":"try later"}`}},
		"the list fails": {want: []string{"list subscribers"}, deleted: true,
			fail: map[string]string{"GET /admin/subscribers": `500 {"code":"internal"}`}},
		"the app stays": {want: []string{"the app app/1 was not deleted", "offhook app delete app/1 --admin http://"}, deleted: true,
			fail: map[string]string{"DELETE /admin/apps/app%2F1": `500 {"code":"internal"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			a, admin := adminListener(t, c.fail)
			if c.admin != "" {
				admin = c.admin
			}
			token := "the-token"
			if c.token != "" {
				token = c.token
			}
			until := "1m" // it gives up by itself
			if name == "the app stays" {
				until = "2s"
			}
			r := run(t, map[string]string{"OFFHOOK_ADMIN_TOKEN": token}, "listen", "--listen", "127.0.0.1:0", "--register", admin, "--app", c.app, "--for", until)
			require.Equal(t, cmp.Or(c.code, exitRefused), r.code, r.stderr)
			for _, want := range c.want {
				require.Contains(t, r.stderr, want)
			}
			require.NotContains(t, r.stderr, token)
			last := a.asked
			if c.deleted {
				require.Equal(t, "DELETE /admin/apps/app%2F1", last[len(last)-1])
			} else {
				require.NotContains(t, last, "DELETE /admin/apps/app%2F1")
			}
		})
	}
}

func TestASubscriberDeletedMeanwhileIsNoMatter(t *testing.T) {
	_, admin := adminListener(t, map[string]string{"PUT /admin/apps/app%2F1/subscribers/bob%2F2": `404 {"code":"not_found"}`})
	l := startListening(t, listenCmd{Register: admin, AdminToken: "the-token"})
	l.log.wait(t, "subscribers=1")
	require.NoError(t, l.stop())
}
