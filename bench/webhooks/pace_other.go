//go:build !linux

package main

import "time"

// pacer wakes a goroutine at a time, as exactly as Go's timers do.
type pacer struct{}

func newPacer() (*pacer, error) { return &pacer{}, nil }

// until returns at a time, or at once if it has passed.
func (*pacer) until(t time.Time) error {
	time.Sleep(time.Until(t))
	return nil
}

func (*pacer) close() error { return nil }
