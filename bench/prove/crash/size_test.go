//go:build !race

package crash

const (
	flipsInTests = 1_000 // bits that flip without another wish
	seedsInTests = 50    // stories of power cuts
)
