//go:build !race

package crash

// flipsInTests is how many bits flip without another wish.
const flipsInTests = 1_000
