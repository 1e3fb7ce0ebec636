// Package figures is what a measurement is: values run by run beside those of a
// baseline from the same run, what is asked of them, and how they are shown. It
// measures nothing itself but the machine.
package figures
