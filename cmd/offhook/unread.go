package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// errUnread says that whoever read standard output has gone, as head does.
var errUnread = errors.New("nobody reads standard output any more")

// whileRead runs fn, which has something to clean up, until it returns or nobody
// reads any more what it prints. Other commands are killed then by SIGPIPE, as
// tools are.
func (p *program) whileRead(ctx context.Context, fn func(ctx context.Context, out io.Writer) error) error {
	signal.Ignore(syscall.SIGPIPE)
	ctx, end := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if f, ok := p.stdout.(*os.File); ok && unread(ctx, f) {
			end(errUnread)
		}
	}()
	err := fn(ctx, &readWriter{p.stdout, end})
	gone := errors.Is(context.Cause(ctx), errUnread)
	end(nil)
	<-watched
	if gone && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, errUnread)) {
		return errUnread
	}
	return err
}

// readWriter ends a command at the first write that nobody takes.
type readWriter struct {
	io.Writer
	end context.CancelCauseFunc
}

func (w *readWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		w.end(errUnread)
		return n, errUnread
	}
	return n, err
}

// unread waits for the other end of a pipe to be closed, since there may be
// nothing to write for hours. It reports false when ctx ended first, or where
// that cannot be seen, as of a file.
func unread(ctx context.Context, f *os.File) bool {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	defer func() { _ = syscall.Close(poll) }()
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	failed := raw.Control(func(fd uintptr) {
		err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{}) // errors are told unasked
	})
	if failed != nil || err != nil {
		return false
	}
	events := make([]syscall.EpollEvent, 1)
	for ctx.Err() == nil {
		n, err := syscall.EpollWait(poll, events, lookEvery)
		switch {
		case n > 0:
			return events[0].Events&(syscall.EPOLLERR|syscall.EPOLLHUP) != 0
		case err != nil && !errors.Is(err, syscall.EINTR):
			return false
		}
	}
	return false
}

const lookEvery = 100 // ms: how long the end of a command waits for unread to see it
