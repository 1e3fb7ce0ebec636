//go:build !race

package crash

const (
	pointsInTests = 6_600 // writes before which the power goes, without another wish
	flipsInTests  = 1_000 // bits that flip
	seedsInTests  = 50    // stories of power cuts
)
