package browser

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/transport/webhook"
)

// arrived is a request that a receiver got.
type arrived struct {
	path   string
	header http.Header
	body   []byte
}

// receiver takes everything and passes it on.
func receiver(t *testing.T) (url string, got chan arrived) {
	got = make(chan arrived, 100)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		got <- arrived{r.URL.Path, r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

// secret is what the page shows once, by what it says it is.
func (w *window) secret(what string) string {
	w.t.Helper()
	find := `[...document.querySelectorAll(".secret")].find((n) => n.querySelector(".sub").innerText === ` + quoted(what) + `)`
	w.until(what, find)
	return js[string](w, find+`.querySelector("code").innerText`)
}

func TestAnAppIsMadeItsWebhookIsSetAndATestEventArrives(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	url, got := receiver(t)
	w := in(t, p.Addr("admin"))
	w.visit("#/apps")
	w.enter("#app-name", "Front desk")
	w.press(".page", "Create app")
	w.came("201", "Create app · Front desk")
	key := w.secret("API key")
	w.sees("table", "Front desk")
	w.press(".once", "Copy api key")
	w.until("what was copied is said", `/^(Copied|Selected)$/.test(document.querySelector(".secret button").innerText)`)
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "app-created")
	}
	app := js[string](w, `document.querySelector(".once a").hash.split("/").pop()`)
	rig.Must(t, 200, "GET", "http://"+p.Addr("api")+"/apps/"+app+"/calls", key, "")
	w.press(".once", "Done")
	require.NotContains(t, js[string](w, `document.documentElement.outerHTML`), key)

	w.visit("#/apps/" + app)
	w.sees(".hooks", "No webhook is set")
	w.enter("#hook-url", "not an address")
	w.press(".page", "Set")
	w.came("422", "Set calls webhook")
	w.enter("#hook-url", url+"/first")
	w.press(".page", "Set")
	w.came("201", "Set calls webhook")
	secret := w.secret("Secret of the calls webhook")
	w.sees(".hooks", url+"/first")

	w.visit("#/apps/" + app + "/webhooks/calls")
	w.press(".page", "Send test event")
	w.came("200", "delivered: the receiver said 200")
	first := <-got
	require.Equal(t, "/first", first.path)
	v, err := webhook.NewVerifier(secret)
	require.NoError(t, err)
	h := first.header
	require.NoError(t, v.Verify(time.Now(), h.Get("webhook-id"), h.Get("webhook-timestamp"), h.Get("webhook-signature"), first.body), "signed with the secret that was shown")
	require.True(t, json.Valid(first.body))

	// Somebody is linked and unlinked, on the app's page and on his own.
	who := rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/admin/subscribers?limit=1", rig.Operator, "").List(t)[0]["subscriber_id"].(string)
	w.visit("#/apps/" + app)
	w.enter("#link-subscriber", "nobody@nowhere.example")
	w.press(".page", "Link")
	w.came("404", "Link · nobody@nowhere.example")
	w.enter("#link-subscriber", who)
	w.press(".page", "Link")
	w.came("204", "Link · "+who)
	w.sees(`table[aria-label="Subscribers of the app"]`, who)
	w.visit("#/subscribers/" + strings.ReplaceAll(who, "@", "%40"))
	w.press(".links", "Unlink Front desk")
	w.came("204", "Unlink · Front desk")
	w.pick("#link-app", app)
	w.press(".page", "Link")
	w.came("204", "Link · Front desk")
	w.sees(".links", "Front desk")
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "subscriber-linked")
	}

	// It goes elsewhere, and nowhere.
	w.visit("#/apps/" + app)
	w.until("the address", `document.querySelector("#hook-url")?.value === `+quoted(url+"/first"))
	w.enter("#hook-url", url+"/second")
	w.press(".page", "Replace")
	w.came("200", "Replace calls webhook")
	w.sees(".hooks", url+"/second")
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "app-webhook")
	}
	w.visit("#/apps/" + app + "/webhooks/calls")
	w.press(".page", "Send test event")
	w.came("200", "delivered")
	require.Equal(t, "/second", (<-got).path)
	w.visit("#/apps/" + app)
	js[bool](w, `(window.confirm = () => true)()`)
	w.press(".page", "Remove")
	w.came("204", "Remove calls webhook")
	w.sees(".hooks", "No webhook is set")
}

// fits keeps a picture of the page, which is no wider than the screen.
func (w *window) fits(width int64, name string) {
	w.t.Helper()
	require.LessOrEqual(w.t, js[int64](w, `Math.max(document.documentElement.scrollWidth, document.querySelector("main").scrollWidth)`), width, name)
	w.shot(name + "-" + map[bool]string{true: "360", false: "1280"}[width == 360])
}
