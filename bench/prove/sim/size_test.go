//go:build !race

package sim

const hoursInTests = 2 // of virtual time, without another wish
