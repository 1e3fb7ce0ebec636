package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// lines lets three subscribers be called, one after another, and the first two
// answer in the other order.
func lines(t *testing.T) (s *rig.Site, calls []string) {
	t.Helper()
	s, _ = site(t)
	for i, sub := range s.Subscribers[:3] {
		id := sub["subscriber_id"].(string)
		rig.Must(t, 200, "PUT", s.Sim("/simulator/phones/"+id), "", `{"answer":"manual"}`)
		rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555010%d","remote_name":"Copperfield Books"}`, id, i))
		for range rig.Poll(soon) {
			list := rig.Must(t, 200, "GET", s.API("/subscribers/"+id+"/calls"), s.Key, "").List(t)
			if len(list) == 1 {
				calls = append(calls, list[0]["call_id"].(string))
				break
			}
		}
	}
	require.Len(t, calls, 3)
	for _, i := range []int{1, 0} {
		rig.Must(t, 204, "PUT", s.API("/calls/"+calls[i]+"/answer"), s.Key, "")
		s.Until(calls[i], "active")
	}
	return s, calls
}

// order is what the rows in sight have been put in order by, from above.
const order = `[...document.querySelectorAll(".rows .row:not([hidden])")].sort((a, b) => a.getAttribute("aria-rowindex") - b.getAttribute("aria-rowindex")).map((n) => n.id.slice(4)).join()`

func TestHeadsSortBothWaysAndSayWhich(t *testing.T) {
	s, _ := lines(t)
	w := in(t, s.Addr("admin"))
	w.until("three calls", `document.querySelectorAll(".rows .row:not([hidden])").length === 3`)
	by := `import("/console/calls.mjs").then(({ calls }) => [...calls.entries.values()].map((e) => [e.call.answered_at ?? e.call.created_at, e.id]).sort((a, b) => (a[0] - b[0]) * %d || (a[1] < b[1] ? -1 : 1)).map((x) => x[1]).join())`
	longest, shortest := js[string](w, fmt.Sprintf(by, 1)), js[string](w, fmt.Sprintf(by, -1))
	require.NotEqual(t, longest, shortest)
	head := `[...document.querySelectorAll(".head [role=columnheader]")].find((n) => n.innerText.startsWith("Duration"))`
	js[bool](w, `(`+head+`.querySelector("button").focus(), true)`)
	for _, want := range []struct{ sort, arrow, order string }{{"descending", "↓", longest}, {"ascending", "↑", shortest}, {"descending", "↓", longest}} {
		w.do(chromedp.KeyEvent("\r"))
		w.until("sorted "+want.sort, head+`.getAttribute("aria-sort") === `+quoted(want.sort)+` && `+head+`.innerText.includes(`+quoted(want.arrow)+`)`)
		w.until("the order "+want.sort, order+` === `+quoted(want.order))
		require.Equal(t, "sort", js[string](w, `document.activeElement.className`), "the head keeps the focus")
	}
	require.Equal(t, int64(1), js[int64](w, `document.querySelectorAll('.head [aria-sort="ascending"], .head [aria-sort="descending"]').length`))
}

func TestASmallScreenShowsPhaseAndLastEventAndSorts(t *testing.T) {
	s, calls := lines(t)
	rig.Must(t, 204, "PUT", s.API("/calls/"+calls[0]+"/hold"), s.Key, "")
	w := in(t, s.Addr("admin"))
	w.size(360, 740, "light")
	w.sees(row(calls[0]), "put on hold")
	inside := func(part string) {
		t.Helper()
		w.until(part+" is seen", fmt.Sprintf(`(() => { const row = document.getElementById("row-%s").getBoundingClientRect(), n = document.getElementById("row-%s").querySelector("%s").getBoundingClientRect(); return n.height > 8 && n.width > 8 && n.top >= row.top && n.bottom <= row.bottom && n.right <= 360; })()`, calls[2], calls[2], part))
	}
	inside(".last")
	inside(".phase")
	require.NotEmpty(t, w.text(row(calls[2])+" .phase"))
	w.pick(".sorts select", "subscriber down")
	up := `import("/console/calls.mjs").then(({ calls }) => [...calls.entries.values()].sort((a, b) => (a.call.subscriber_name.toLowerCase() < b.call.subscriber_name.toLowerCase() ? 1 : -1)).map((e) => e.id).join())`
	w.until("from Z", order+` === `+quoted(js[string](w, up)))
	require.Equal(t, "Calls", js[string](w, `document.querySelector("main h1").textContent`))
	require.NotEqual(t, "none", js[string](w, `getComputedStyle(document.querySelector("main h1")).display`))
	w.shot("board-360")
}

func TestTheFocusGoesWhereOneGoes(t *testing.T) {
	s, calls := lines(t)
	w := in(t, s.Addr("admin"))
	w.until("three calls", `document.querySelectorAll(".rows .row:not([hidden])").length === 3`)
	require.Equal(t, "2 active", js[string](w, `document.querySelector('.tile[data-state="active"]').textContent`))
	require.False(t, js[bool](w, `document.querySelector(".tiles").querySelector("[aria-label]") !== null`), "the count is part of the name")
	js[bool](w, `(document.querySelector(".grid").focus(), true)`)
	for _, key := range []string{kb.ArrowDown, "\r"} {
		w.do(chromedp.KeyEvent(key))
	}
	w.sees(".call-title", "Copperfield")
	w.until("the focus is on its heading", `document.activeElement.tagName === "H1" && document.activeElement.innerText === "Copperfield Books"`)
	w.do(chromedp.KeyEvent("\u001b"))
	w.until("back on the list", `location.hash === "#/" && document.activeElement.getAttribute("role") === "grid"`)

	// What is over is said in words, and can be read.
	rig.Must(t, 204, "DELETE", s.API("/calls/"+calls[0]), s.Key, "")
	w.until("one is over, and can be read", `document.querySelector('.row[data-over="true"]') && `+pale+`.length === 0`)
	for _, page := range []string{"#/apps/" + s.App, "#/apps/" + s.App + "/webhooks/calls", "#/subscribers/" + s.Subscribers[0]["subscriber_id"].(string)} {
		w.visit(page)
		w.until("its heading", `document.querySelector("main h1")`)
		js[bool](w, `(document.activeElement.blur(), true)`)
		w.do(chromedp.KeyEvent("\u001b"))
		w.until("one up from "+page, `location.hash.length < `+fmt.Sprint(len(page)))
	}
	w.visit("#/apps/" + s.App)
	w.sees(`table[aria-label="Keys"] thead`, "Actions")
}

func TestTheTimelineOfALiveCallRunsToNow(t *testing.T) {
	s, calls := lines(t)
	w := in(t, s.Addr("admin"))
	w.visit("#/calls/" + calls[0])
	w.sees(".lanes", "now")
	open := `document.querySelector('.bar[data-state="active"][data-open]')`
	w.until("active", open)
	wide := func() float64 { return js[float64](w, open+`.getBoundingClientRect().width`) }
	w.press(".timeline", "To scale")
	require.Equal(t, "true", js[string](w, `document.querySelector(".timeline .card-head button").getAttribute("aria-pressed")`))
	w.sees(".scale", "To scale: a second is as wide everywhere.")
	pressed := js[string](w, `getComputedStyle(document.querySelector(".timeline .card-head button")).backgroundColor`)
	was := wide()
	for range rig.Poll(soon) { // the longer it lasts the more of the line it has
		if wide() > was+4 {
			break
		}
	}
	require.Greater(t, wide(), was+4)
	shares := js[bool](w, `import("/console/calls.mjs").then(({ calls }) => {
		const c = calls.entries.get(`+quoted(calls[0])+`).call, now = calls.now();
		const bar = (s) => document.querySelector('.bar[data-state="' + s + '"]').getBoundingClientRect().width;
		return Math.abs(bar("active") / bar("ringing") / ((now - c.answered_at) / (c.answered_at - c.created_at)) - 1) < 0.5;
	})`)
	require.True(t, shares, "to scale")
	w.press(".timeline", "To scale")
	require.NotEqual(t, pressed, js[string](w, `getComputedStyle(document.querySelector(".timeline .card-head button")).backgroundColor`))
	w.sees(".scale", "Gaps are not to scale")
	w.sees(".legend", "provider said")
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "timeline")
	}
	rig.Must(t, 204, "DELETE", s.API("/calls/"+calls[0]), s.Key, "")
	w.until("it ends with what happened last", `!document.querySelector(".lanes").textContent.includes("now") && document.querySelector('.bar[data-state="released"]')`)
}

// row is where a call is on the board.
func row(call string) string { return `[id="row-` + call + `"]` }

// What came while the feed was lost is told when it is back, with the time at
// which it was, and no call is said to go on while nobody confirms it.
func TestCallsThatWentOnWhileTheFeedWasLostHaveTheirOwnTimes(t *testing.T) {
	s, _ := site(t)
	place := func(i int) string {
		t.Helper()
		a, err := s.Place(s.Subscribers[i], fmt.Sprintf("+1512910411%d", i))
		require.NoError(t, err)
		require.Equal(t, 201, a.Status, string(a.Body))
		call := a.JSON(t)["call_id"].(string)
		s.Until(call, "active")
		return call
	}
	through := newWire(t, s.Addr("admin"))
	w := in(t, through.addr())
	w.broken()
	held, ended := place(0), place(2)
	w.until("two calls", `document.querySelectorAll(".rows .row:not([hidden])").length === 2`)
	through.set(cut)
	w.sees(".feed", "feed lost")
	w.sees("main > .trouble", "The feed is lost since")
	rig.Must(t, 204, "PUT", s.API("/calls/"+held+"/hold"), s.Key, "")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+ended), s.Key, "")
	answered := place(1)
	w.until("some seconds later", `import("/console/calls.mjs").then(({ calls }) => calls.now() - calls.old > 3000)`)
	w.until("a call that nobody confirms does not go on", `Promise.all([import("/console/calls.mjs"), import("/console/format.mjs")]).then(([{ calls }, { length }]) => length(calls.old - calls.entries.get(`+quoted(held)+`).call.answered_at) === document.querySelector(`+quoted(row(held)+" .time")+`).innerText.trim())`)

	through.set(whole)
	w.sees(".feed", "live")
	w.sees(row(answered), "answered")
	w.sees(row(held), "put on hold")
	require.Empty(t, w.text("main > .trouble"))
	require.True(t, js[bool](w, `document.getElementById("row-`+ended+`") === null || document.getElementById("row-`+ended+`").hidden`), "what ended is gone")
	for call, at := range map[string]string{answered: "answered_at", held: "held_at"} {
		require.True(t, js[bool](w, fmt.Sprintf(`import("/console/calls.mjs").then(({ calls }) => { const e = calls.entries.get(%q); return e.at === e.call.%s && !e.within; })`, call, at)), at)
	}

	// What is news again is now.
	rig.Must(t, 204, "PUT", s.API("/calls/"+held+"/resume"), s.Key, "")
	w.sees(row(held), "resumed")
}
