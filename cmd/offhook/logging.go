package main

import (
	"io"
	"log/slog"
)

// newLogger writes one line for one event: key=value by default, on a
// terminal and elsewhere alike, since scripts wait for msg=ready.
func newLogger(w io.Writer, l Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.level()}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
