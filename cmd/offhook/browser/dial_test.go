package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// Any of thousands is found on the dial pad, with the keys.
func TestTheDialPadFindsAnyOfThousands(t *testing.T) {
	s, _ := site(t)
	network := s.Subscribers[0]["network_id"]
	var all strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&all, `{"subscriber_id":"zz%04d@example.com","subscriber_number":"+1512777%04d","subscriber_name":"Person %04d","network_id":%q,"apps":[%q]}`+"\n", i, i, i, network, s.App)
	}
	a, err := rig.Ask("POST", s.Admin("/admin/subscribers"), rig.Operator, all.String(), "Content-Type", "application/x-ndjson")
	require.NoError(t, err)
	require.Equal(t, 200, a.Status, string(a.Body))

	w := in(t, s.Addr("admin"))
	w.visit("#/dial")
	w.pick("#dial-app", s.App)
	w.until("the first is chosen", `document.querySelector("#dial-subscriber").value.includes("·")`)
	w.do(chromedp.SendKeys(chromedp.CSS("#dial-subscriber"), "person 14"))
	w.until("what is like that", `document.querySelectorAll("#dial-subscriber-list [role=option]").length === 20`)
	w.sees(".drop", "There are more: type on.")
	require.Equal(t, "true", js[string](w, `document.querySelector("#dial-subscriber").getAttribute("aria-expanded")`))
	require.True(t, js[bool](w, `[...document.querySelectorAll(".dial button")].find((b) => b.innerText === "Place call").disabled`), "nobody is chosen while one types")
	w.do(chromedp.SendKeys(chromedp.CSS("#dial-subscriber"), "97"))
	w.until("the one", `document.querySelectorAll("#dial-subscriber-list [role=option]").length === 1`)
	without, _ := w.nameless()
	require.Empty(t, without)
	require.Equal(t, "dial-subscriber-0", js[string](w, `document.activeElement.getAttribute("aria-activedescendant")`))
	w.do(chromedp.SendKeys(chromedp.CSS("#dial-subscriber"), "\r"))
	w.until("he is chosen", `document.querySelector("#dial-subscriber").value === "Person 1497 · +15127771497" && document.querySelector("#dial-subscriber").getAttribute("aria-expanded") === "false"`)

	// Escape brings him back who was chosen before one typed.
	w.do(chromedp.SendKeys(chromedp.CSS("#dial-subscriber"), "x"))
	w.sees(".drop", "Nobody whom this app follows is like that.")
	w.do(chromedp.KeyEvent("\u001b"))
	w.until("he is back", `document.querySelector("#dial-subscriber").value === "Person 1497 · +15127771497"`)
	for _, width := range []int64{360, 1280} {
		w.size(width, 800, "light")
		w.do(chromedp.KeyEvent(kb.ArrowDown))
		w.until("all of them", `document.querySelectorAll("#dial-subscriber-list [role=option]").length === 20`)
		w.fits(width, "dial-found")
		w.do(chromedp.KeyEvent("\u001b"))
	}
}
