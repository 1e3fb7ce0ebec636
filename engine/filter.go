package engine

import "slices"

// Filter says which transitions an app wants to be told of. What it does not
// let through is not numbered: a stream stays gap-free. The zero Filter lets
// everything through.
type Filter struct {
	States      uint8    // bit 1<<State for each wanted state; zero means all
	Directions  uint8    // bit 1<<Direction for each wanted direction; zero means all
	Subscribers []string // folded ids, sorted; empty means all
}

// Empty reports whether the filter lets everything through.
func (f *Filter) Empty() bool { return f.States == 0 && f.Directions == 0 && len(f.Subscribers) == 0 }

// Passes reports whether the app wants to know of a call of a subscriber
// (folded id) being in its state.
func (f *Filter) Passes(subscriber string, c *Call) bool {
	switch {
	case f == nil:
		return true
	case f.States != 0 && f.States&(1<<c.State) == 0:
		return false
	case f.Directions != 0 && f.Directions&(1<<c.Direction) == 0:
		return false
	case len(f.Subscribers) > 0:
		_, found := slices.BinarySearch(f.Subscribers, subscriber)
		return found
	}
	return true
}

// Wants is what an app wants to be told.
type Wants struct {
	Filter   Filter
	Extended bool // changes of detail too
}
