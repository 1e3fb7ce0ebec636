//go:build race

package crash

// These are fewer: a start takes twenty times as long here, and has few
// goroutines that could race.
const (
	flipsInTests = 200
	seedsInTests = 20
)
