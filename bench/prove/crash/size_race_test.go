//go:build race

package crash

// flipsInTests are fewer: a start takes twenty times as long here, and has few
// goroutines that could race.
const flipsInTests = 200
