package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// soon is how long anything may take to be seen on the screen.
const soon = 20 * time.Second

// chromium is the browser of the machine. Without one the tests fail: "make
// test" installs it where it may, and names it elsewhere.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is missing; .ci/needs installs it on Debian")
	return ""
}

var (
	browserMu sync.Mutex
	browsers  = map[*testing.T]context.Context{}
)

// browser is the one browser of a test; its windows share it.
func browser(t *testing.T) context.Context {
	t.Helper()
	browserMu.Lock()
	defer browserMu.Unlock()
	if ctx := browsers[t]; ctx != nil {
		return ctx
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	options = append(options, chromedp.Flag("enable-precise-memory-info", true), chromedp.Flag("js-flags", "--expose-gc"))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeAll := chromedp.NewContext(allocator)
	require.NoError(t, chromedp.Do(ctx), "Chromium does not start")
	browsers[t] = ctx
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		closeAll()
		stop()
	})
	return ctx
}

// window is one tab with the console in it.
type window struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu     sync.Mutex
	wrongs []string // what the page complained of
	cut    bool     // connections break, as the story has it
}

// open opens the console in a new tab, not logged in. What the page complains
// of until the test ends fails it.
func open(t *testing.T, admin string) *window {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser(t))
	w := &window{t: t, ctx: ctx, base: "http://" + admin}
	require.NoError(t, chromedp.Do(ctx), "no tab") // whose life is not that of one step
	said := chromedp.Console(ctx)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for m, err := range said {
			if err != nil {
				return
			}
			w.complain(m)
		}
	}()
	t.Cleanup(func() {
		if t.Failed() {
			w.shot("failed-" + t.Name())
		}
		stop()
		<-read
		w.mu.Lock()
		defer w.mu.Unlock()
		require.Empty(t, w.wrongs, "the page complained")
	})
	w.size(1280, 800, "light")
	w.do(chromedp.Navigate(w.base + "/console"))
	return w
}

// complain keeps errors. That a request was refused is a line of the browser's
// own, and no fault of the page; the tests that have requests refused say why.
func (w *window) complain(m chromedp.ConsoleMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Source == "network" && (strings.Contains(m.Text, "the server responded with a status of 4") || w.cut && strings.Contains(m.Text, "net::ERR")) {
		return
	}
	if m.IsException() || m.Type == "error" || m.Type == "warning" || m.Source == "security" {
		w.wrongs = append(w.wrongs, m.String()+" "+m.URL)
	}
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, soon)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		w.t.Fatalf("%v\n%s", err, w.text("body"))
	}
}

// js is the value of an expression in the page.
func js[T any](w *window, expression string) T {
	w.t.Helper()
	ctx, stop := context.WithTimeout(w.ctx, soon)
	defer stop()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(w.t, err, expression)
	return v
}

// until waits for an expression, or what it promises, to be true.
func (w *window) until(what, expression string) {
	w.t.Helper()
	for range rig.Poll(soon) {
		if js[bool](w, "(async () => Boolean(await ("+expression+")))()") {
			return
		}
	}
	w.shot("failed-" + w.t.Name())
	w.t.Fatalf("not seen: %s\n%s", what, w.text("body"))
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// text is what is read in an element.
func (w *window) text(selector string) string {
	ctx, stop := context.WithTimeout(w.ctx, soon)
	defer stop()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector(`+quoted(selector)+`)?.innerText ?? ""`))
	return v
}

// sees waits until an element has a text in it.
func (w *window) sees(selector, text string) {
	w.t.Helper()
	w.until(selector+" with "+text, fmt.Sprintf(`[...document.querySelectorAll(%s)].some((n) => n.innerText.includes(%s))`, quoted(selector), quoted(text)))
}

// press presses the button of a name, within an element, once it can be.
func (w *window) press(within, name string) {
	w.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%s + " button")].find((b) => (b.getAttribute("aria-label") ?? b.innerText).trim() === %s && !b.disabled && !b.hidden)`, quoted(within), quoted(name))
	w.until("a button "+name, find)
	js[bool](w, "("+find+".click(), true)")
}

// came waits for the answer to what was pressed last.
func (w *window) came(status, what string) {
	w.t.Helper()
	w.until("an answer "+status+" to "+what, fmt.Sprintf(`[...document.querySelectorAll(".notice")].some((n) => n.querySelector(".status").innerText === %s && n.innerText.includes(%s))`, quoted(status), quoted(what)))
	js[bool](w, `(document.querySelectorAll(".notice").forEach((n) => n.remove()), true)`)
}

func (w *window) login(token string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible(chromedp.CSS("#token")))
	w.enter("#token", "")
	w.do(chromedp.SendKeys(chromedp.CSS("#token"), token+"\r"))
}

// enter has a field hold a text.
func (w *window) enter(field, text string) {
	w.t.Helper()
	w.until("the field "+field, "document.querySelector("+quoted(field)+")")
	js[bool](w, fmt.Sprintf(`((n) => { n.value = %s; n.dispatchEvent(new Event("input")); return true; })(document.querySelector(%s))`, quoted(text), quoted(field)))
}

// in is open and login, with the feed running.
func in(t *testing.T, admin string) *window {
	t.Helper()
	w := open(t, admin)
	w.login(rig.Operator)
	w.sees(".feed", "live")
	return w
}

func (w *window) visit(hash string) {
	w.t.Helper()
	js[bool](w, "(location.hash = "+quoted(hash)+", true)")
}

func (w *window) size(width, height int64, scheme string) {
	w.t.Helper()
	_, err := chromedp.Call(w.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
	require.NoError(w.t, err)
	_, err = chromedp.Call(w.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	require.NoError(w.t, err)
}

// artefacts is where pictures are kept for people to look at; git ignores it.
const artefacts = "../../../bin/console"

// shot keeps a picture of the screen.
func (w *window) shot(name string) {
	b, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		w.t.Logf("no picture of %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(artefacts, 0o750); err == nil {
		err = os.WriteFile(filepath.Join(artefacts, strings.ReplaceAll(name, "/", "-")+".png"), b, 0o600)
		require.NoError(w.t, err)
	}
}
