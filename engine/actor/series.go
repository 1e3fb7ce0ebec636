package actor

import "sync/atomic"

// series are the members of a metric's family by number. Each is found by its
// labels once, when it is first counted: until then it is not shown.
type series[T any] []atomic.Pointer[T]

func (s series[T]) at(i int, find func() T) T {
	if i >= len(s) {
		return find()
	}
	if p := s[i].Load(); p != nil {
		return *p
	}
	found := find()
	s[i].Store(&found)
	return found
}
