package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// cutShort says that a second signal ended the program before it had drained.
type cutShort struct{ signal os.Signal }

func (c *cutShort) Error() string { return "stopped at once by a second " + c.signal.String() }

// untilSignal runs fn until it returns or a signal asks it to stop. The first
// one ends its context, and fn drains; at the second nothing is waited for.
// Signals besides SIGINT and SIGTERM are named.
func (p *program) untilSignal(log *slog.Logger, fn func(context.Context) error, more ...os.Signal) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, append(more, syscall.SIGINT, syscall.SIGTERM)...)
	defer signal.Stop(signals)
	return runUntil(log, signals, fn)
}

// closing is the signal of a terminal that is closed; none under nohup.
func closing() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	return []os.Signal{syscall.SIGHUP}
}

// together is how close a second signal may come that is taken for the first:
// whoever signals a process and its group sends it twice.
const together = 100 * time.Millisecond

func runUntil(log *slog.Logger, signals <-chan os.Signal, fn func(context.Context) error) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	var asked time.Time
	for {
		select {
		case err := <-done:
			return err
		case s := <-signals:
			switch since := time.Since(asked); {
			case asked.IsZero():
			case since < together:
				continue
			default:
				log.Warn("stopping at once", "signal", s.String())
				return &cutShort{s}
			}
			asked = time.Now()
			log.Info("draining", "signal", s.String())
			stop()
		}
	}
}
