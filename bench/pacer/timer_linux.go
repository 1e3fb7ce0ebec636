// Package pacer waits for moments that come every few hundred microseconds, for
// open loops.
package pacer

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// Timer wakes a goroutine at a time, late by microseconds. Go's own timers are
// late by up to a millisecond in a process with little to do, and to sleep in
// a system call would keep one of the few processors from those we measure.
type Timer struct {
	file *os.File
	fd   uintptr
}

// From <sys/timerfd.h>; TFD_NONBLOCK and TFD_CLOEXEC are the flags of open(2).
const clockMonotonic = 1

// New makes one; Close it.
func New() (*Timer, error) {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, fmt.Errorf("timerfd_create: %w", errno)
	}
	return &Timer{os.NewFile(fd, "timer"), fd}, nil
}

// Until returns at a time, or at once if it has passed.
func (p *Timer) Until(t time.Time) error {
	left := time.Until(t)
	if left <= 0 {
		return nil
	}
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(int64(left))}
	if _, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, p.fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0); errno != 0 {
		return fmt.Errorf("timerfd_settime: %w", errno)
	}
	var expirations [8]byte
	_, err := p.file.Read(expirations[:]) // the poller waits: the file does not block
	return err
}

// Close lets go of the timer.
func (p *Timer) Close() error { return p.file.Close() }
