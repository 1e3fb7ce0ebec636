package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// site is a running offhook with an app of our own, and nobody calling.
func site(t *testing.T) (*rig.Site, *rig.Ledger) {
	l := rig.NewLedger(t)
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	s := rig.Connect(t, p, l, 3)
	s.Followed(len(s.Subscribers))
	return s, l
}

// choose makes the dial pad be that of a subscriber and the app.
func (w *window) choose(s *rig.Site, subscriber string) {
	w.t.Helper()
	w.visit("#/dial")
	w.pick("#dial-app", s.App)
	option := `document.querySelector('#dial-subscriber-list [data-value="` + subscriber + `"]')`
	w.until("somebody is offered", `document.querySelector("#dial-subscriber").value`)
	js[bool](w, `(document.querySelector("#dial-subscriber").focus(), true)`)
	w.enter("#dial-subscriber", subscriber)
	w.until(subscriber+" is found", option)
	js[bool](w, `(`+option+`.click(), document.activeElement.blur(), true)`)
}

// pick chooses of a list, once it is offered.
func (w *window) pick(list, value string) {
	w.t.Helper()
	w.until(value+" in "+list, fmt.Sprintf(`[...document.querySelectorAll(%s + " option")].some((o) => o.value === %s)`, quoted(list), quoted(value)))
	js[bool](w, fmt.Sprintf(`((n) => { n.value = %s; n.dispatchEvent(new Event("change")); return true; })(document.querySelector(%s))`, quoted(value), quoted(list)))
}

func TestACallIsPlacedHeldResumedAndEndedAndTwoWindowsAgree(t *testing.T) {
	s, l := site(t)
	who := s.Subscribers[0]
	name := who["subscriber_name"].(string)
	here, there := in(t, s.Addr("admin")), in(t, s.Addr("admin"))
	there.sees(".empty", "No live calls")

	here.choose(s, who["subscriber_id"].(string))
	here.do(chromedp.SendKeys(chromedp.CSS("#dial-number"), "+1512910"))
	for _, key := range "4114" {
		here.press(".keys", string(key))
	}
	require.Equal(t, "+15129104114", js[string](here, `document.querySelector("#dial-number").value`))
	here.press(".dial", "Place call")
	here.came("201", "Place")

	there.sees(".rows .row", name)
	both := func(state string) {
		t.Helper()
		here.sees(".mine .chip", state)
		there.sees(".rows .row .chip", state)
	}
	both("active")
	list := rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t)
	require.Len(t, list, 1)
	call := list[0]["call_id"].(string)
	require.Equal(t, "row-"+call, js[string](there, `document.querySelector(".rows .row:not([hidden])").id`))

	here.press(".mine", "Hold")
	here.came("204", "Hold")
	both("held")
	require.Equal(t, "held", s.State(call))
	here.press(".mine", "Resume")
	here.came("204", "Resume")
	both("active")
	here.press(".mine", "End")
	here.came("204", "End")
	both("released")
	there.until("the row is gone", `document.querySelectorAll(".rows .row:not([hidden])").length === 0`)
	l.Wait(t, "the story of the call", func() bool { return len(l.States(call)) == 5 })
	l.Audit(t)

	// What was asked is on record, the newest first.
	require.Regexp(t, `(?s)204.*End.*204.*Resume.*204.*Hold.*201.*Place`, here.text(".record"))

	// Its page is still there, with all that happened.
	here.visit("#/calls/" + call)
	here.sees(".call-title", "released")
	here.sees(".call .facts", "+15129104114")
}

func TestAPhoneRingsAndIsAnsweredAndWhatIsRefusedSaysWhy(t *testing.T) {
	s, _ := site(t)
	who := s.Subscribers[1]["subscriber_id"].(string)
	w := in(t, s.Addr("admin"))
	w.choose(s, who)
	w.enter("#ring-name", "Jenny Ott")
	w.enter("#ring-from", "+15125550142")
	w.press(".ring", "Ring")
	w.came("201", "Ring")
	w.sees(".mine .chip", "ringing")
	w.sees(".mine", "from Jenny Ott")
	require.True(t, js[bool](w, `[...document.querySelectorAll(".mine button")].find((b) => b.innerText === "Hold").disabled`), "a ringing call cannot be held")
	w.press(".mine", "Answer")
	w.came("204", "Answer")
	w.sees(".mine .chip", "active")

	// The far end hangs up: nobody here asked for it, and the page shows it.
	call := rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t)[0]
	rig.Must(t, 200, "POST", s.Sim("/simulator/calls/"+call["provider_call_id"].(string)+"/remote-hangup"), "", "")
	w.sees(".mine .chip", "released")

	w.enter("#dial-number", "911")
	w.press(".dial", "Place call")
	w.came("422", "number_not_allowed")
	require.JSONEq(t, `[]`, string(rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").Body))
}

func TestTheBoardIsUsedWithTheKeyboard(t *testing.T) {
	s, _ := site(t)
	for i, sub := range s.Subscribers[:3] {
		id := sub["subscriber_id"].(string)
		rig.Must(t, 200, "PUT", s.Sim("/simulator/phones/"+id), "", `{"answer":"manual"}`)
		rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555010%d"}`, id, i))
	}
	w := in(t, s.Addr("admin"))
	w.until("three calls", `document.querySelectorAll(".rows .row:not([hidden])").length === 3`)
	w.do(chromedp.KeyEvent("/"))
	require.Equal(t, "search", js[string](w, `document.activeElement.type`))
	w.enter("input[type=search]", "") // the protocol types the key even if the page took it
	w.do(chromedp.KeyEvent("+15125550101"))
	w.until("the one that was looked for", `document.querySelectorAll(".rows .row:not([hidden])").length === 1`)
	w.enter("input[type=search]", "")
	w.do(chromedp.KeyEvent("\u001b"))
	require.Equal(t, "grid", js[string](w, `document.activeElement.getAttribute("role")`))
	down := `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true, cancelable: true}))`
	js[bool](w, down)
	js[bool](w, down)
	w.until("the second is chosen", `document.querySelector('.row[aria-selected="true"]')?.getAttribute("aria-rowindex") === "3" && document.activeElement.getAttribute("aria-activedescendant") === document.querySelector('.row[aria-selected="true"]').id`)
	chosen := js[string](w, `document.querySelector('.row[aria-selected="true"]').id`)
	js[bool](w, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true}))`)
	w.until("its page", `location.hash === "#/calls/" + `+quoted(chosen[len("row-"):]))
	w.sees(".call-title", "ringing")
}
