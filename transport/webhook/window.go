package webhook

// A window is how many attempts one endpoint may have under way. It grows by
// one for each windowful of successes and is halved when the receiver shows
// that it has too much to do (additive increase, multiplicative decrease), so
// it finds what the receiver can take without being told.
type window struct {
	size float64
	max  float64
	// epoch counts the halvings. Attempts of an older one belong to the
	// windowful that was punished already.
	epoch uint32
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
	if inflight >= w.allows() {
		w.size = min(w.max, w.size+1/w.size)
	}
}

// bad counts a sign of too much from an attempt that began in epoch.
func (w *window) bad(epoch uint32) {
	if epoch == w.epoch {
		w.epoch++
		w.size = max(1, w.size/2)
	}
}
