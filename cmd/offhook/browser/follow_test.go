package browser

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// Two windows agree on a subscriber, whoever changed him, and so do lists.
func TestPagesFollowWhatOthersChange(t *testing.T) {
	s, _ := site(t)
	alice, bob := s.Subscribers[0], s.Subscribers[1]
	of := func(sub map[string]any) string { return url.PathEscape(sub["subscriber_id"].(string)) }
	here, there, list := in(t, s.Addr("admin")), in(t, s.Addr("admin")), in(t, s.Addr("admin"))
	here.visit("#/subscribers/" + of(alice))
	here.sees(".facts", "subscribed")
	here.sees(".links", "a CRM")
	there.visit("#/apps/" + s.App)
	people := `table[aria-label="Subscribers of the app"]`
	there.sees(people, bob["subscriber_id"].(string))
	list.visit("#/subscribers")
	list.sees(`table[aria-label="Subscribers"]`, bob["subscriber_id"].(string))

	// The list shows a call as it is, until it is over.
	placed, err := s.Place(bob, "+15129104114")
	require.NoError(t, err)
	require.Equal(t, 201, placed.Status)
	call := placed.JSON(t)["call_id"].(string)
	list.sees(`td[data-title="Now"]`, "active")
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/hold"), s.Key, "")
	list.sees(`td[data-title="Now"]`, "held")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+call), s.Key, "")
	list.until("nobody calls", `![...document.querySelectorAll('td[data-title="Now"]')].some((n) => n.innerText.trim())`)

	rig.Must(t, 204, "DELETE", s.Admin("/admin/apps/"+s.App+"/subscribers/"+of(alice)), rig.Operator, "")
	here.until("it is unlinked here", `document.querySelector(".links li") && !document.querySelector(".links").innerText.includes("a CRM")`)
	there.until("she is unlinked", `!document.querySelector('`+people+`').innerText.includes(`+quoted(alice["subscriber_id"].(string))+`)`)
	rig.Must(t, 204, "DELETE", s.Admin("/admin/subscribers/"+of(alice)), rig.Operator, "")
	here.sees(".page", "There is no such subscriber, or not any more.")
	here.until("nothing is said of her", `!document.querySelector(".page").innerText.includes("subscribed")`)
	list.until("she is not in the list", `!document.querySelector("table").innerText.includes(`+quoted(alice["subscriber_id"].(string))+`)`)

	// On the dial pad she cannot be called: it says whom it is that one cannot.
	list.choose(s, bob["subscriber_id"].(string))
	list.enter("#dial-number", "+15129104114")
	rig.Must(t, 204, "DELETE", s.Admin("/admin/apps/"+s.App+"/subscribers/"+of(bob)), rig.Operator, "")
	js[bool](list, `(([...document.querySelectorAll(".dial button")].find((b) => b.innerText === "Place call")).click(), true)`)
	list.sees("form.dial, .notices", bob["subscriber_id"].(string)+" is not there any more, or the app does not follow it any more")
	list.until("nobody can place a call for him", `[...document.querySelectorAll(".dial button")].find((b) => b.innerText === "Place call").disabled`)
}

// A page says that it could not read, and since when what it shows is old; and
// stops saying so.
func TestWhatCannotBeReadIsSaidOnThePage(t *testing.T) {
	s, _ := site(t)
	through := newWire(t, s.Addr("admin"))
	w := in(t, through.addr())
	w.broken()
	w.visit("#/networks")
	w.sees(".badge", "up")
	for _, as := range []condition{cut, dead} {
		through.set(as)
		w.sees(".page .trouble", "As it was at ")
		require.NotEqual(t, "none", js[string](w, `getComputedStyle(document.querySelector(".badge")).filter`), "what is old does not shine")
		through.set(whole)
		w.until("all is well", `document.querySelector(".page .trouble").innerText === "" && getComputedStyle(document.querySelector(".badge")).filter === "none"`)
	}
	through.set(cut)
	for _, page := range []string{"#/apps", "#/dial", "#/networks", "#/subscribers", "#/health", "#/apps/" + s.App} {
		w.visit(page)
		w.sees(".page .trouble", "Not read yet: offhook does not answer. Trying again.")
	}
	through.set(whole)
	w.sees(`table[aria-label="Keys"]`, "calls:control")
	w.until("all is well", `document.querySelector(".page .trouble").innerText === ""`)
}

// Hundreds of apps are one request.
func TestTheListOfAppsAsksOnceForAllOfThem(t *testing.T) {
	s, _ := site(t)
	const more = 150
	for i := range more {
		rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, fmt.Sprintf(`{"name":"App %03d","calls_webhook":{"url":%q}}`, i, s.Ledger.URL))
	}
	w := in(t, s.Addr("admin"))
	js[bool](w, `(performance.clearResourceTimings(), performance.setResourceTimingBufferSize(5000), true)`)
	w.visit("#/apps")
	w.sees("table", fmt.Sprintf("App %03d", more-1))
	w.until("their conditions", fmt.Sprintf(`[...document.querySelectorAll("td .badge")].filter((n) => n.innerText === "healthy").length > %d`, more))
	require.LessOrEqual(t, js[int](w, `performance.getEntriesByType("resource").filter((e) => e.name.includes("/admin/apps")).length`), 4)
}
