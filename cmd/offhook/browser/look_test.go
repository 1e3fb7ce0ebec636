package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// named are the roles that mean nothing to somebody who cannot see them, unless
// they have a name.
var named = map[string]bool{
	"button": true, "link": true, "textbox": true, "searchbox": true, "combobox": true, "checkbox": true, "grid": true, "table": true,
	"navigation": true, "img": true, "meter": true, "complementary": true,
}

// nameless lists what has no name in the accessibility tree.
func (w *window) nameless() (all []string, seen int) {
	w.t.Helper()
	tree, err := chromedp.Call(w.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	require.NoError(w.t, err)
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		if !named[role] {
			continue
		}
		seen++
		if n.Name == nil || strings.Trim(string(n.Name.Value), `" `) == "" {
			all = append(all, role)
		}
	}
	return all, seen
}

// pale lists the texts in sight that have less contrast to what is behind them
// than 4.5:1 (WCAG 1.4.3). What is disabled may have less.
const pale = `(() => {
	const parse = (c) => (/^rgba?\(/.test(c) ? c.match(/[\d.]+/g).map(Number) : null);
	const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const over = (top, under) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + under[i] * (1 - (top[3] ?? 1)));
	const behind = (n) => { const c = parse(getComputedStyle(n).backgroundColor) ?? [0, 0, 0, 0]; return (c[3] ?? 1) === 1 ? c : over(c, n.parentElement ? behind(n.parentElement) : [255, 255, 255]); };
	const found = [];
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const n = texts.currentNode.parentElement;
		if (!texts.currentNode.nodeValue.trim() || n.closest("svg, :disabled, noscript, option, [hidden]") || !n.getClientRects().length) continue;
		let opacity = 1;
		for (let p = n; p; p = p.parentElement) opacity *= getComputedStyle(p).opacity;
		const back = behind(n), front = over([...parse(getComputedStyle(n).color).slice(0, 3), opacity], back);
		const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
		if ((a + 0.05) / (b + 0.05) < 4.5) found.push(((a + 0.05) / (b + 0.05)).toFixed(2) + " " + texts.currentNode.nodeValue.trim());
	}
	return found;
})()`

// places are all pages, for a site with a live call and an ended one.
func places(s *rig.Site, call string) map[string]string {
	return map[string]string{
		"calls": "#/", "call": "#/calls/" + call, "dial": "#/dial", "apps": "#/apps", "app": "#/apps/" + s.App,
		"webhook": "#/apps/" + s.App + "/webhooks/calls", "subscribers": "#/subscribers",
		"subscriber": "#/subscribers/" + s.Subscribers[0]["subscriber_id"].(string), "networks": "#/networks", "health": "#/health", "nothing": "#/nothing",
	}
}

func TestEveryPageHasNamesForItsControlsAndFitsEveryScreen(t *testing.T) {
	s, _ := site(t)
	for i, sub := range s.Subscribers[:3] {
		id := sub["subscriber_id"].(string)
		rig.Must(t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+1512555010%d","remote_name":"Copperfield Books and Sons, of Somewhere Rather Far Away"}`, id, i))
	}
	var call string
	for range rig.Poll(soon) {
		if list := rig.Must(t, 200, "GET", s.API("/calls"), s.Key, "").List(t); len(list) == 3 {
			call = list[0]["call_id"].(string)
			break
		}
	}
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/answer"), s.Key, "")
	rig.Must(t, 204, "PUT", s.API("/calls/"+call+"/hold"), s.Key, "")

	w := open(t, s.Addr("admin"))
	w.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	without, seen := w.nameless()
	require.Empty(t, without, "the way in")
	require.GreaterOrEqual(t, seen, 2)
	w.shot("login")
	w.login(rig.Operator)
	w.sees(".rows .row", "held")
	for name, hash := range places(s, call) {
		w.visit(hash)
		w.until("the page "+name, `document.querySelector("main h1, main h2") && document.title !== ""`)
		for i, size := range [][2]int64{{360, 740}, {1280, 800}, {2560, 1300}} {
			schemes := []string{"light", "dark"}
			if name != "calls" && name != "call" { // the others take turns
				schemes = schemes[i%2 : i%2+1]
			}
			for _, scheme := range schemes {
				w.size(size[0], size[1], scheme)
				w.until("the scheme", `document.documentElement.dataset.theme === `+quoted(scheme))
				require.LessOrEqual(t, js[int64](w, `Math.max(document.documentElement.scrollWidth, document.querySelector("main").scrollWidth)`), size[0], "%s is wider than %d px", name, size[0])
				require.Empty(t, js[[]string](w, pale), "%s at %d px, %s", name, size[0], scheme)
				require.True(t, js[bool](w, `document.querySelector("main h1")?.getClientRects().length > 0`), "%s at %d px has a heading", name, size[0])
				w.shot(fmt.Sprintf("%s-%d-%s", name, size[0], scheme))
			}
			without, seen := w.nameless()
			require.Empty(t, without, "%s at %d px", name, size[0])
			require.Greater(t, seen, 8, "%s at %d px has its controls", name, size[0])
		}
	}

	// What somebody chose is kept.
	w.size(1280, 800, "dark")
	w.press(".foot", "Switch to light")
	require.Equal(t, "light", js[string](w, `document.documentElement.dataset.theme`))
	w.do(chromedp.Reload())
	w.sees(".feed", "live")
	require.Equal(t, "light", js[string](w, `document.documentElement.dataset.theme`))
}

func TestAnOffhookThatIsGoneIsSaidAndTheBoardComesBack(t *testing.T) {
	dir := t.TempDir()
	env := rig.Anywhere("none")
	p := rig.Run(t, env, "serve", "--data-dir", dir)
	admin := p.Addr("admin")
	w := in(t, admin)
	w.mu.Lock()
	w.cut = true
	w.mu.Unlock()
	p.Kill()
	w.sees(".feed", "feed lost")
	env = append(env, "OFFHOOK_ADMIN_LISTEN="+admin)
	rig.Run(t, env, "serve", "--data-dir", dir)
	w.sees(".feed", "live")
	w.sees(".empty", "No live calls")
}
