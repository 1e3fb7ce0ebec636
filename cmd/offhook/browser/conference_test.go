package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// more chooses what can be done to the call beside the four, for the only call
// with a far end of that name, or on the call's own page.
func (w *window) more(what string) {
	w.t.Helper()
	w.until("more: "+what, `[...document.querySelectorAll('select[aria-label="More that can be done"] option')].some((o) => o.value === `+quoted(what)+`)`)
	w.pick(`select[aria-label="More that can be done"]`, what)
}

func TestCallsAreJoinedMutedPartedHandedOnAndRetrieved(t *testing.T) {
	s, _ := site(t)
	who := s.Subscribers[0]
	live := func() []map[string]any { return rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t) }
	place := func(number string) string {
		t.Helper()
		a, err := s.Place(who, number)
		require.NoError(t, err)
		require.Equal(t, 201, a.Status, string(a.Body))
		call := a.JSON(t)["call_id"].(string)
		s.Until(call, "active")
		return call
	}
	two := func() (first, second string) {
		t.Helper()
		first = place("+15129104114")
		rig.Must(t, 204, "PUT", s.API("/calls/"+first+"/hold"), s.Key, "")
		return first, place("+15129104115")
	}
	w := in(t, s.Addr("admin"))

	// Two calls are joined from the page of one, which is muted and not, and all ends.
	first, second := two()
	w.visit("#/calls/" + second)
	w.pick(`select[aria-label="Act as app"]`, s.App)
	w.more("conference")
	w.until("the only other call is ticked", `document.querySelector('.joins input[value="`+first+`"]:checked')`)
	w.press(".more", "Send")
	w.came("201", "Conference")
	w.sees(".call .facts", "conference-")
	w.more("mute")
	w.press(".more", "Send")
	w.came("204", "Mute")
	w.sees(".call .facts", "muted")
	w.more("deaf")
	w.press(".more", "Send")
	w.came("204", "Deaf")
	w.sees(".call .facts", "muted, deaf")
	w.more("unmute")
	w.press(".more", "Send")
	w.came("204", "Unmute")
	w.more("end_conference")
	w.press(".more", "Send")
	w.came("204", "End conference")
	w.sees(".call-title", "released")
	require.Empty(t, live())

	// Of four calls three are joined, by the keys alone; the fourth stays out.
	var four []string
	for i := range 4 {
		if i > 0 {
			rig.Must(t, 204, "PUT", s.API("/calls/"+four[i-1]+"/hold"), s.Key, "")
		}
		four = append(four, place(fmt.Sprintf("+1512910412%d", i)))
	}
	w.visit("#/calls/" + four[3])
	w.pick(`select[aria-label="Act as app"]`, s.App)
	w.more("conference")
	w.until("three others", `document.querySelectorAll(".joins input").length === 3`)
	require.True(t, js[bool](w, `!document.querySelector(".joins input:checked") && document.querySelector(".more button").disabled`), "nobody is joined unasked")
	require.Equal(t, "Zilkr LLC · +15129104120 · held", js[string](w, `document.querySelector('.joins input[value="`+four[0]+`"]').closest("label").innerText`))
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "conference")
	}
	without, _ := w.nameless()
	require.Empty(t, without)
	w.do(chromedp.SendKeys(chromedp.CSS(`select[aria-label="More that can be done"]`), "\t"))
	for range 3 {
		if on := js[string](w, `document.activeElement.value`); on == four[0] || on == four[2] {
			w.do(chromedp.SendKeys(chromedp.CSS(":focus"), " "))
		}
		w.do(chromedp.SendKeys(chromedp.CSS(":focus"), "\t"))
	}
	w.until("what is ticked stays so while the calls go on", `document.querySelectorAll(".joins input:checked").length === 2`)
	require.Equal(t, "Send", js[string](w, `document.activeElement.innerText`))
	w.do(chromedp.SendKeys(chromedp.CSS(":focus"), "\r"))
	w.came("201", "Conference")
	joined := map[bool]int{}
	for _, c := range live() {
		joined[c["conference_id"] != nil]++
		require.Equal(t, c["call_id"] != four[1], c["conference_id"] != nil, "%v", c)
	}
	require.Equal(t, map[bool]int{true: 3, false: 1}, joined)
	w.more("end_conference")
	w.press(".more", "Send")
	w.came("204", "End conference")
	rig.Must(t, 204, "DELETE", s.API("/calls/"+four[1]), s.Key, "")
	require.Empty(t, live())

	// One call is handed on to the other.
	first, second = two()
	w.visit("#/calls/" + first)
	w.pick(`select[aria-label="Act as app"]`, s.App)
	w.more("consult_transfer")
	w.pick(`select[aria-label="The other call"]`, second)
	w.press(".more", "Send")
	w.came("204", "Consult transfer")
	w.sees(".call-title", "released")
	w.until("nothing can be done to a call that is over", `!document.querySelector(".call-do button:not(:disabled):not([hidden])")`)

	// What is parked is retrieved from the dial pad.
	parked := place("+15129104116")
	rig.Must(t, 204, "PUT", s.API("/calls/"+parked+"/park"), s.Key, `{"extension":"70001"}`)
	w.choose(s, who["subscriber_id"].(string))
	w.enter("#dial-number", "70001")
	w.press(".dial", "Retrieve parked call")
	w.came("201", "Retrieve · 70001")
	w.sees(".mine .chip", "active")
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "retrieved")
	}
}
