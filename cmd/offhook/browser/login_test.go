package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestOnlyTheTokenOpensTheConsoleAndItStaysInItsTab(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	w := open(t, p.Addr("admin"))
	w.login("not the token")
	w.sees(".wrong", "That is not the admin token.")
	w.login(rig.Operator)
	w.sees(".feed", "live")
	require.Equal(t, "", js[string](w, `document.cookie`))
	require.NotContains(t, js[string](w, `JSON.stringify(localStorage) + location.href + document.documentElement.outerHTML`), rig.Operator)

	w.do(chromedp.Reload())
	w.sees(".feed", "live")
	other := open(t, p.Addr("admin"))
	other.do(chromedp.WaitVisible(chromedp.CSS("#token")))

	// What came back is his who asked for it: the next one who logs in here has none of it.
	w.visit("#/apps")
	w.enter("#app-name", "Secret plans")
	w.press(".page", "Create app")
	w.until("an answer", `document.querySelector(".notice")`)
	w.visit("#/dial")
	w.sees(".record", "Secret plans")
	w.enter("#dial-number", "+15129104114")
	w.press(".foot", "Log out")
	w.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	require.Empty(t, w.text(".notices"))
	w.login(rig.Operator)
	w.sees(".feed", "live")
	w.visit("#/dial")
	w.sees(".record", "Nothing yet.")
	require.Empty(t, js[string](w, `document.querySelector("#dial-number").value`))

	w.press(".foot", "Log out")
	w.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	require.Equal(t, "{}", js[string](w, `JSON.stringify(sessionStorage)`))
	w.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("#token")))
}

func TestGuessingInTheBrowserIsSlowedDown(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	w := open(t, p.Addr("admin"))
	w.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	for range 5 {
		require.Equal(t, 401, js[int](w, `fetch("admin/about", {headers: {Authorization: "Bearer guess"}}).then((a) => a.status)`))
	}
	w.login(rig.Operator)
	w.sees(".wrong", "Too many wrong tokens: wait")
	require.Contains(t, p.Output(), "wrong admin token")
	require.NotContains(t, p.Output(), "Bearer guess")
}
