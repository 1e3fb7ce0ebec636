package kill9

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"offhook/bench/prove/report"
	"offhook/bench/prove/rig"
)

// office is the operator: changes of apps, keys, links, webhooks, secrets and
// subscribers, each of which is there once it was acknowledged.
type office struct {
	*attack
	cells []*cell
	names map[string]*cell
	n     int // each value is another one

	app, key string // of the app that is changed and never deleted
	receiver *httptest.Server
	signed   *signatures
	alive    []*cell // keys of the app
}

// cell is one thing that can be read back.
type cell struct {
	name  string
	look  func() (value string, ok bool)
	told  string   // as it was acknowledged, or seen
	maybe []string // what was asked for since and not acknowledged
	key   bool     // once it is seen to be gone it never comes back
}

// gone is the value of what is not there.
const gone = ""

func newOffice(t *testing.T, a *attack) *office {
	o := &office{attack: a, names: map[string]*cell{}, signed: &signatures{}}
	o.receiver = httptest.NewServer(o.signed)
	t.Cleanup(o.receiver.Close)
	secret := newSecret(rand.New(rand.NewPCG(a.seed, 41)))
	made := rig.Must(t, 201, "POST", a.w.Admin("/admin/apps"), rig.Operator, `{"app_id":"office","name":"an office"}`).JSON(t)
	o.app, o.key = "office", made["api_key"].(string)
	o.signed.may(secret)
	rig.Must(t, 201, "PUT", a.w.Admin("/admin/apps/office/webhooks/calls"), rig.Operator, fmt.Sprintf(`{"url":%q,"secret":%q}`, o.receiver.URL+"/0", secret))
	o.cell("webhook", o.receiver.URL+"/0", o.field("/admin/apps/office/webhooks/calls", "url"))
	o.cell("secret", secret, o.secret)
	for i := range 6 {
		o.cell(fmt.Sprint("app-", i), gone, o.field(fmt.Sprint("/admin/apps/app-", i), "name"))
	}
	for i, sub := range a.w.Subscribers[called:] {
		id := sub["subscriber_id"].(string)
		if i < 4 {
			o.cell("link "+id, gone, func() (string, bool) { return o.linked(id) })
		}
		o.cell("subscriber "+id, sub["subscriber_name"].(string), o.field("/admin/subscribers/"+id, "subscriber_name"))
	}
	return o
}

func (o *office) cell(name, value string, look func() (string, bool)) *cell {
	c := &cell{name: name, look: look, told: value}
	o.cells, o.names[name] = append(o.cells, c), c
	return c
}

// field reads a member of what GET shows; gone if there is nothing.
func (o *office) field(path, member string) func() (string, bool) {
	return func() (string, bool) {
		got, err := o.admin("GET", path, "")
		if err != nil || got.Status != 200 {
			return seen(got, "", 404), err == nil
		}
		var v map[string]any
		if json.Unmarshal(got.Body, &v) != nil {
			return gone, false
		}
		s, ok := v[member].(string)
		return s, ok
	}
}

func (o *office) linked(id string) (string, bool) {
	got, err := rig.AskWith(o.client, "GET", "http://"+o.w.Addr("api")+"/apps/office/subscribers/"+id, o.key, "")
	return seen(got, "linked", 404), err == nil
}

// seen is the value that a status stands for; one that is not expected is a value too.
func seen(got rig.Answer, good string, none int) string {
	switch got.Status {
	case 200:
		return good
	case none:
		return gone
	}
	return fmt.Sprintf("status %d: %s", got.Status, got.Body)
}

// secret has a webhook sent, and finds out what it was signed with.
func (o *office) secret() (string, bool) {
	for range rig.Poll(10 * time.Second) {
		got, err := o.admin("PUT", "/admin/apps/office/webhooks/calls/test", "")
		if err != nil {
			return gone, false
		}
		if got.Status == 429 {
			continue
		}
		var v struct {
			Delivered bool `json:"delivered"`
		}
		if got.Status == 200 && json.Unmarshal(got.Body, &v) == nil && v.Delivered {
			return o.signed.last(), true
		}
		return fmt.Sprintf("status %d: %s", got.Status, got.Body), true
	}
	return gone, false
}

func (o *office) admin(method, path, body string, header ...string) (rig.Answer, error) {
	return rig.AskWith(o.client, method, o.at.Load().admin+path, rig.Operator, body, header...)
}

// change asks for cells to become a value; a 2xx is a promise.
func (o *office) change(kind, value, method, path, body string, cells ...*cell) (rig.Answer, bool) {
	for _, c := range cells {
		c.maybe = append(c.maybe, value)
	}
	got, err := o.admin(method, path, body)
	if err != nil || got.Status/100 != 2 {
		if err == nil && got.Status != 503 && got.Status != 409 && got.Status != 404 {
			o.book.problem(report.Refusals, "%s %s is answered with %d: %s", method, kind, got.Status, got.Body)
		}
		return got, false
	}
	for _, c := range cells {
		c.told, c.maybe = value, nil
	}
	o.book.mu.Lock()
	o.book.acked[kind]++
	o.book.mu.Unlock()
	return got, true
}

// work changes one thing after the other.
func (o *office) work(ctx context.Context, random *rand.Rand) {
	for pause(ctx, time.Duration(random.IntN(20))*time.Millisecond) {
		o.gate.RLock()
		o.step(random)
		o.gate.RUnlock()
	}
}

func (o *office) step(random *rand.Rand) {
	const hook = "/admin/apps/office/webhooks/calls"
	o.n++
	value := fmt.Sprint("value ", o.n)
	sub := o.w.Subscribers[called+random.IntN(4)]
	id := sub["subscriber_id"].(string)
	switch link := "/admin/apps/office/subscribers/" + id; random.IntN(8) {
	case 0:
		o.changeApp(random.IntN(6), value, random.IntN(3) == 0)
	case 1:
		o.changeKeys()
	case 2:
		o.change("links", "linked", "PUT", link, "", o.names["link "+id])
	case 3:
		o.change("links ended", gone, "DELETE", link, "", o.names["link "+id])
	case 4:
		url := fmt.Sprint(o.receiver.URL, "/", o.n)
		o.change("webhooks set", url, "PUT", hook, fmt.Sprintf(`{"url":%q}`, url), o.names["webhook"])
	case 5:
		secret := newSecret(random)
		o.signed.may(secret)
		o.change("secrets", secret, "PUT", hook+"/rotate-secret", fmt.Sprintf(`{"secret":%q,"overlap_seconds":0}`, secret), o.names["secret"])
	case 6:
		o.change("subscribers", value, "PUT", "/admin/subscribers/"+id, profile(sub, value), o.names["subscriber "+id])
	case 7:
		o.upload(value)
	}
}

func (o *office) changeApp(i int, value string, remove bool) {
	name := fmt.Sprint("app-", i)
	c, path, body := o.names[name], "/admin/apps/"+name, fmt.Sprintf(`{"name":%q}`, value)
	switch {
	case c.told == gone && len(c.maybe) == 0:
		o.change("apps made", value, "POST", "/admin/apps", fmt.Sprintf(`{"app_id":%q,"name":%q}`, name, value), c)
	case remove:
		o.change("apps deleted", gone, "DELETE", path, "", c)
	default:
		o.change("apps renamed", value, "PATCH", path, body, c)
	}
}

// changeKeys makes a key, or revokes the oldest. Of one that was made and not
// acknowledged nobody knows; those are cleared away when there are many.
func (o *office) changeKeys() {
	if len(o.alive) > 4 {
		o.change("keys revoked", gone, "DELETE", "/admin/apps/office/keys/"+o.alive[0].name, "", o.alive[0])
		o.alive = o.alive[1:]
		return
	}
	got, ok := o.change("keys", gone, "POST", "/admin/apps/office/keys", `{}`)
	if !ok {
		return
	}
	var made struct {
		ID  string `json:"key_id"`
		Key string `json:"api_key"`
	}
	if json.Unmarshal(got.Body, &made) != nil {
		o.book.problem(report.Durable, "a key is made as %s", got.Body)
		return
	}
	c := o.cell(made.ID, "good", func() (string, bool) {
		got, err := rig.AskWith(o.client, "GET", "http://"+o.w.Addr("api")+"/apps/office/subscribers", made.Key, "")
		return seen(got, "good", 401), err == nil
	})
	c.key = true
	o.alive = append(o.alive, c)
}

// upload changes the last four subscribers with one bulk upload.
func (o *office) upload(value string) {
	var lines string
	var cells []*cell
	for _, sub := range o.w.Subscribers[called+4:] {
		id := sub["subscriber_id"].(string)
		lines += fmt.Sprintf(`{"subscriber_id":%q,%s`, id, profile(sub, value)[1:]) + "\n"
		cells = append(cells, o.names["subscriber "+id])
	}
	o.change("uploads", value, "POST", "/admin/subscribers", lines, cells...)
}

func profile(sub map[string]any, name string) string {
	return fmt.Sprintf(`{"subscriber_number":%q,"network_id":%q,"provider_user_id":%q,"subscriber_name":%q}`,
		sub["subscriber_number"], sub["network_id"], sub["provider_user_id"], name)
}

// look reads everything back; what is seen has to stay. The gate is closed.
func (o *office) look() {
	var keep []*cell
	for _, c := range o.cells {
		value, ok := c.look()
		if !ok {
			o.t.Fatalf("%s cannot be read", c.name)
		}
		if value != c.told && !slices.Contains(c.maybe, value) {
			o.book.problem(report.Durable, "%s was acknowledged as %q (or %q) and is %q", c.name, c.told, c.maybe, value)
		}
		c.told, c.maybe = value, nil
		if !c.key || value != gone {
			keep = append(keep, c)
		} else {
			delete(o.names, c.name)
		}
	}
	o.cells = keep
	o.clear()
}

// clear revokes keys that nobody knows: the answer with them was lost.
func (o *office) clear() {
	keys := rig.Must(o.t, 200, "GET", o.w.Admin("/admin/apps/office"), rig.Operator, "").JSON(o.t)["keys"].([]any)
	if len(keys) < 50 {
		return
	}
	for _, k := range keys[1:] { // the first is the app's own
		if id := k.(map[string]any)["key_id"].(string); o.names[id] == nil {
			rig.Must(o.t, 204, "DELETE", o.w.Admin("/admin/apps/office/keys/"+id), rig.Operator, "")
		}
	}
}
