//go:build !linux

// Package pacer waits for moments that come every few hundred microseconds, for
// open loops.
package pacer

import "time"

// Timer wakes a goroutine at a time, as exactly as Go's timers do.
type Timer struct{}

// New makes one; Close it.
func New() (*Timer, error) { return &Timer{}, nil }

// Until returns at a time, or at once if it has passed.
func (*Timer) Until(t time.Time) error {
	time.Sleep(time.Until(t))
	return nil
}

// Close does nothing here.
func (*Timer) Close() error { return nil }
