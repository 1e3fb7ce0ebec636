package doors

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// ids are what a tenant's requests are about, by placeholder.
type ids map[string]string

// with is ids with one of them replaced.
func (of ids) with(name, value string) ids {
	changed := ids{}
	for k, v := range of {
		changed[k] = v
	}
	changed[name] = value
	return changed
}

// tenant is one app with one of everything.
type tenant struct {
	ids
	ended   string // a call that is over
	held    string // one in the conference
	own     []map[string]any
	key     string // may do everything
	reader  string
	writer  string // may change, and not read
	revoked string
	marks   []string // what nobody else may ever be shown
}

// world is an offhook with two apps.
type world struct {
	t       *testing.T
	p       *rig.Process
	victim  *tenant
	other   *tenant
	deleted string // the key of an app that is gone
	alone   string // a subscriber that is linked to no app
	sent    int    // requests
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, p: rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())}
	hooks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hooks.Close)
	list := w.must(200, "GET", w.admin("/admin/subscribers"), rig.Operator, "").List(t)
	require.GreaterOrEqual(t, len(list), 12)
	w.victim = w.newTenant("victim", hooks.URL, list[3:6], list[9])
	w.other = w.newTenant("other", hooks.URL, list[6:9], list[9])
	w.alone = list[10]["subscriber_id"].(string)
	gone := w.must(201, "POST", w.admin("/admin/apps"), rig.Operator, `{"name":"gone"}`).JSON(t)
	w.must(204, "DELETE", w.admin("/admin/apps/"+gone["app_id"].(string)), rig.Operator, "")
	w.deleted = gone["api_key"].(string)
	return w
}

// newTenant makes an app with subscribers of its own and one that both share.
// Everything that the routes speak of is there: a call that rings, one that
// ended, all three webhooks, attempts, redeliveries and keys.
func (w *world) newTenant(name, url string, own []map[string]any, shared map[string]any) *tenant {
	t := w.t
	made := w.must(201, "POST", w.admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"name":%q,"calls_webhook":{"url":"%s/%s-calls"}}`, name, url, name)).JSON(t)
	app := made["app_id"].(string)
	a := &tenant{own: own, key: made["api_key"].(string), ids: ids{"app_id": app, "kind": "calls", "network_id": own[0]["network_id"].(string), "profile:*": "heap", "file:*": "main.mjs",
		"verb": "answer", "extension": "1003", "fault_id": "fault-1", "enterprise": "tenant-2", "group": "north"}}
	newKey := func(scopes string) (id, key string) {
		k := w.must(201, "POST", w.admin("/admin/apps/"+app+"/keys"), rig.Operator, `{"scopes":[`+scopes+`]}`).JSON(t)
		return k["key_id"].(string), k["api_key"].(string)
	}
	_, a.reader = newKey(`"calls:read"`)
	_, a.writer = newKey(`"calls:control"`)
	a.ids["key_id"], a.revoked = newKey(`"calls:read"`)
	w.must(204, "DELETE", w.admin("/admin/apps/"+app+"/keys/"+a.ids["key_id"]), rig.Operator, "")
	a.ids["key_id"], _ = newKey(`"calls:read"`)
	w.must(201, "PUT", w.api(app, "/webhooks/subscriber"), a.key, fmt.Sprintf(`{"url":"%s/%s-subscriber"}`, url, name))
	w.must(201, "PUT", w.api(app, "/webhooks/operations"), a.key, fmt.Sprintf(`{"url":"%s/%s-operations"}`, url, name))
	w.must(200, "PATCH", w.api(app, "/webhooks/calls"), a.key, `{"signing":"v1+v1a"}`)
	for _, sub := range append(own, shared) {
		w.must(204, "PUT", w.admin("/admin/apps/"+app+"/subscribers/"+sub["subscriber_id"].(string)), rig.Operator, "")
	}
	a.ids["subscriber_id"], a.ids["subscriber_number"] = own[0]["subscriber_id"].(string), own[0]["subscriber_number"].(string)
	for _, sub := range own {
		a.marks = append(a.marks, sub["subscriber_id"].(string), sub["subscriber_number"].(string), sub["subscriber_name"].(string))
	}

	a.ended = w.ring(a, own[0])
	w.must(204, "DELETE", w.api(app, "/calls/"+a.ended), a.key, "")
	a.ids["call_id"] = w.ring(a, own[0])
	another := w.ring(a, own[1])
	a.ids["other_call_id"] = w.ring(a, own[0])
	a.held = w.talk(a, own[2])
	w.must(204, "PUT", w.api(app, "/calls/"+a.held+"/hold"), a.key, "")
	joined := w.talk(a, own[2])
	a.ids["conference_id"] = w.must(201, "POST", w.api(app, "/conferences"), a.key, fmt.Sprintf(`{"call_ids":[%q,%q]}`, a.held, joined)).JSON(t)["conference_id"].(string)
	if name == "victim" {
		a.ids["network_id"] = w.network(a)
		a.marks = append(a.marks, a.ids["network_id"])
	}
	w.until("an attempt on each event", func() bool {
		return len(w.must(200, "GET", w.api(app, "/webhooks/calls/attempts"), a.key, "").List(t)) >= 4 &&
			len(w.must(200, "GET", w.api(app, "/webhooks/calls/streams"), a.key, "").List(t)) == 0
	})
	task := w.must(202, "POST", w.api(app, "/webhooks/calls/redeliveries"), a.key, `{}`).JSON(t)
	a.ids["task_id"] = task["task_id"].(string)
	w.until("the redelivery is done", func() bool {
		return w.must(200, "GET", w.api(app, "/webhooks/calls/redeliveries/"+a.ids["task_id"]), a.key, "").JSON(t)["state"] == "done"
	})
	a.ids["cursor"] = w.must(200, "GET", w.api(app, "/events?limit=2"), a.key, "").Header.Get("Events-Cursor")
	for _, list := range []string{"call", "subscriber"} {
		link := w.must(200, "GET", w.api(app, "/"+list+"s?limit=1"), a.key, "").Header.Get("Link")
		a.ids[list+"_page"] = regexp.MustCompile(`after=([^>&]+)`).FindStringSubmatch(link)[1]
	}
	a.marks = append(a.marks, app, a.ended, a.ids["call_id"], a.ids["other_call_id"], a.ids["conference_id"], a.held, joined, another, a.ids["task_id"], a.ids["key_id"], "/"+name+"-", a.key)
	return a
}

// network makes one with a subscriber of this app alone.
func (w *world) network(a *tenant) string {
	made := w.must(201, "POST", w.admin("/admin/networks"), rig.Operator, `{"provider":"broadworks","broadworks":{"xsps":["http://127.0.0.1:1"],"username":"a@example.com","password":"p"}}`).JSON(w.t)
	id := made["network_id"].(string)
	w.must(201, "PUT", w.admin("/admin/subscribers/of-"+id), rig.Operator, fmt.Sprintf(`{"subscriber_number":"+15125550111","network_id":%q}`, id))
	w.must(204, "PUT", w.admin("/admin/apps/"+a.ids["app_id"]+"/subscribers/of-"+id), rig.Operator, "")
	return id
}

// ring lets a phone ring, and returns the call once the app sees it.
func (w *world) ring(a *tenant, sub map[string]any) (call string) {
	id := sub["subscriber_id"].(string)
	rung := w.must(201, "POST", "http://"+w.p.Addr("simulator")+"/simulator/calls", "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+15129104114"}`, id)).JSON(w.t)["call_id"]
	w.until("the call is seen", func() bool {
		for _, c := range w.must(200, "GET", w.api(a.ids["app_id"], "/subscribers/"+id+"/calls"), a.key, "").List(w.t) {
			if c["provider_call_id"] == rung {
				call = c["call_id"].(string)
			}
		}
		return call != ""
	})
	return call
}

// talk is ring, and the app answers.
func (w *world) talk(a *tenant, sub map[string]any) (call string) {
	call = w.ring(a, sub)
	w.must(204, "PUT", w.api(a.ids["app_id"], "/calls/"+call+"/answer"), a.key, "")
	return call
}

// hangUp ends the call that a door has placed: once its far end answers, another
// call of the subscriber would be held for it.
func (w *world) hangUp(a *tenant, d door, got answer) {
	w.t.Helper()
	var is struct {
		Call string `json:"call_id"`
	}
	if d.method != "POST" || got.status != 201 || !strings.HasSuffix(d.path, "{app_id}/calls") && !strings.HasSuffix(d.path, "{app_id}/calls/retrieve") {
		return
	}
	require.NoError(w.t, json.Unmarshal([]byte(got.body), &is))
	w.must(204, "DELETE", w.api(a.ids["app_id"], "/calls/"+is.Call), a.key, "")
}

// bring is a tenant's ids with a call that is in the state a door wants.
func (w *world) bring(a *tenant, call string) ids {
	switch call {
	case "ringing":
		return a.ids.with("call_id", w.ring(a, a.own[0]))
	case "active":
		return a.ids.with("call_id", w.talk(a, a.own[0]))
	case "two":
		first := w.talk(a, a.own[0])
		w.must(204, "PUT", w.api(a.ids["app_id"], "/calls/"+first+"/hold"), a.key, "")
		return a.ids.with("call_id", first).with("other_call_id", w.talk(a, a.own[0]))
	case "participant":
		return a.ids.with("call_id", a.held)
	}
	return a.ids
}

func (w *world) api(app, path string) string {
	return "http://" + w.p.Addr("api") + "/apps/" + app + path
}
func (w *world) admin(path string) string { return "http://" + w.p.Addr("admin") + path }

func (w *world) must(status int, method, url, token, body string) rig.Answer {
	w.t.Helper()
	return rig.Must(w.t, status, method, url, token, body)
}

func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	for range rig.Poll(30 * time.Second) {
		if ok() {
			return
		}
	}
	w.t.Fatalf("not so in time: %s", what)
}

// nobodys are ids of the same shape that nothing has.
func (w *world) nobodys() ids {
	return ids{
		"app_id": "00000000-0000-4000-8000-000000000000", "call_id": "callhalf-4611686018427387904:0", "subscriber_id": "nobody@demo.example",
		"subscriber_number": "+12015559999", "task_id": "rpl_00000000000000000000000000", "kind": "nothing", "key_id": "00000000000",
		"other_call_id": "callhalf-4611686018427387904:0", "conference_id": "conference-4611686018427387904",
		"network_id": "00000000-0000-4000-8000-000000000001", "profile:*": "nothing", "cursor": "AAAAAAAAAAAAAAAAAAAAAA", "call_page": "MTpub3RoaW5n", "subscriber_page": "MTpub3RoaW5n",
	}
}

// picture is everything an app can see of itself, and the operator of it. What
// happens to somebody else must not change a byte of it.
func (w *world) picture(a *tenant) string {
	w.t.Helper()
	var b strings.Builder
	look := func(url, token string) {
		answer := w.must(200, "GET", url, token, "")
		fmt.Fprintf(&b, "%s\n%s\n", url[strings.Index(url, "/apps/"):], answer.Body)
	}
	for _, d := range public() {
		if d.method != "GET" || strings.HasSuffix(d.path, "/stream") || open[d.route()] {
			continue
		}
		for _, kind := range []string{"calls", "subscriber", "operations"} {
			path, n := a.fill(d.path, "kind", kind)
			if n == 0 && kind != "calls" || kind == "operations" && strings.Count(path, "/") > 4 {
				continue // once is enough; and operations has nothing below it
			}
			if strings.Contains(path, a.ids["task_id"]) && kind != "calls" {
				continue
			}
			look("http://"+w.p.Addr("api")+path, a.key)
		}
	}
	look(w.api(a.ids["app_id"], "/calls/"+a.ended), a.key)
	look(w.admin("/admin/apps/"+a.ids["app_id"]), rig.Operator)
	return b.String()
}

// fill replaces the placeholders of a path, and says whether name was one.
func (a *tenant) fill(path, name, value string) (string, int) {
	n := strings.Count(path, "{"+name+"}")
	for k, v := range a.ids.with(name, value) {
		path = strings.ReplaceAll(path, "{"+k+"}", v)
	}
	return path, n
}
