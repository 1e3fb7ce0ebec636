package webhook

// A window is how many attempts one endpoint may have under way. It grows by
// one for each windowful of successes and is halved when the receiver shows
// that it has too much to do (additive increase, multiplicative decrease), so
// it finds what the receiver can take without being told.
type window struct {
	size float64
	max  float64
	skip int // failures that belong to the windowful that was already punished
}

const (
	windowStart = 8
	windowMax   = 64
)

func newWindow(limit int) window {
	limit = max(1, min(limit, windowMax))
	return window{size: float64(min(windowStart, limit)), max: float64(limit)}
}

// allows is how many attempts may be under way.
func (w *window) allows() int { return int(w.size) }

// good counts a success while inflight attempts were under way. A window that
// is not used up says nothing about more.
func (w *window) good(inflight int) {
	if w.skip > 0 {
		w.skip--
	}
	if inflight >= w.allows() {
		w.size = min(w.max, w.size+1/w.size)
	}
}

// bad counts a sign of too much. The attempts that were under way then are one
// sign together.
func (w *window) bad(inflight int) {
	if w.skip > 0 {
		w.skip--
		return
	}
	w.skip = inflight - 1
	w.size = max(1, w.size/2)
}
