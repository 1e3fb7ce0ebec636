package browser

import (
	"testing"

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
	w.pick(`select[aria-label="The other call"]`, first)
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.fits(width, "conference")
	}
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
