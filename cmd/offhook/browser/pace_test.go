package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/profiler"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// measured is how long the board is held under load, and whether that is a
// measurement: "make console-load" says for how long, and a test by itself is
// there to see that it works.
func measured(t *testing.T) (seconds int, really bool) {
	t.Helper()
	text := os.Getenv("OFFHOOK_CONSOLE_SECONDS")
	if text == "" {
		return 3, false
	}
	seconds, err := strconv.Atoi(text)
	require.NoError(t, err)
	return seconds, true
}

// watch has the page note from now on how often it stood still, and each frame.
func (w *window) watch() {
	w.t.Helper()
	js[bool](w, `(() => {
		window.long = [];
		new PerformanceObserver((l) => window.long.push(...l.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
		window.frames_ = 0;
		const count = () => { window.frames_++; requestAnimationFrame(count); };
		requestAnimationFrame(count);
		return true;
	})()`)
}

// standstill is what is known of tasks over 50 ms, in milliseconds.
type standstill struct {
	n              int
	total, longest float64
}

func (s standstill) String() string {
	return fmt.Sprintf("%d long tasks (over 50 ms), %.0f ms together, the longest %.0f ms", s.n, s.total, s.longest)
}

// stood is how often the page stood still since watch, and how many frames were drawn.
func (w *window) stood() (s standstill, frames int) {
	w.t.Helper()
	for _, ms := range js[[]float64](w, `window.long`) {
		s.n++
		s.total += ms
		s.longest = max(s.longest, ms)
	}
	return s, js[int](w, `window.frames_`)
}

// heap is what the page's scripts keep, in MB.
func (w *window) heap() float64 {
	w.t.Helper()
	return js[float64](w, `(window.gc?.(), window.gc?.(), performance.memory.usedJSHeapSize / 1e6)`)
}

// profile samples what the page's scripts do, until the end is called, into the
// file that OFFHOOK_CONSOLE_PROFILE names; Chromium's developer tools show it.
func (w *window) profile() (end func()) {
	w.t.Helper()
	file := os.Getenv("OFFHOOK_CONSOLE_PROFILE")
	if file == "" {
		return func() {}
	}
	_, err := chromedp.Call(w.ctx, profiler.Enable, cdp.Empty{})
	require.NoError(w.t, err)
	_, err = chromedp.Call(w.ctx, profiler.Start, cdp.Empty{})
	require.NoError(w.t, err)
	return func() {
		w.t.Helper()
		got, err := chromedp.Call(w.ctx, profiler.Stop, cdp.Empty{})
		require.NoError(w.t, err)
		b, err := json.Marshal(got.Profile)
		require.NoError(w.t, err)
		require.NoError(w.t, os.WriteFile(file, b, 0o600))
	}
}
