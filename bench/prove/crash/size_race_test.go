//go:build race

package crash

// These are fewer: a start takes twenty times as long here, and has few
// goroutines that could race.
const (
	pointsInTests = 2_400
	flipsInTests  = 100
	seedsInTests  = 10
)
