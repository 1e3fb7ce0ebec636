package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Formats of the log.
const (
	formatAuto = "auto" // text on a terminal, JSON elsewhere
	formatText = "text"
	formatJSON = "json"
)

// logs is the log of a program that runs for long: its level can be changed.
type logs struct {
	*slog.Logger
	level *slog.LevelVar
	json  bool
	ids   *logIDs // of subscribers, whose own are not logged
}

// newLogs writes one line for one event, for people or for a collector.
func newLogs(w io.Writer, l Log) *logs {
	level := &slog.LevelVar{}
	level.Set(l.level())
	all := &logs{level: level, json: l.Format == formatJSON || l.Format == formatAuto && !terminal(w), ids: newLogIDs()}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return all.ids.hide(a) }}
	if all.json {
		options.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr { return readableTimes(all.ids.hide(a)) }
		all.Logger = slog.New(slog.NewJSONHandler(w, options))
	} else {
		all.Logger = slog.New(slog.NewTextHandler(w, options))
	}
	return all
}

// readableTimes has lengths of time as in the text log, 1.5s: as a number they
// would be nanoseconds, which nobody guesses.
func readableTimes(a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// newLogger is the log of a program that somebody watches.
func newLogger(w io.Writer, l Log) *slog.Logger { return newLogs(w, l).Logger }

// ready says that offhook is up, at whatever level. Scripts wait for msg=ready
// and read the addresses behind it, so the JSON line has that text in it too.
func (l *logs) ready(args ...any) {
	if !l.json {
		l.tell("ready", args...)
		return
	}
	var text bytes.Buffer
	(&logs{Logger: slog.New(slog.NewTextHandler(&text, nil))}).tell("ready", args...)
	l.tell("ready", append(args, "line", strings.TrimSuffix(text.String(), "\n"))...)
}

// tell says something at whatever level.
func (l *logs) tell(msg string, args ...any) {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, msg, 0)
	r.Add(args...)
	_ = l.Handler().Handle(context.Background(), r)
}

// terminal reports whether somebody reads along.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	is, err := f.Stat()
	return err == nil && is.Mode()&os.ModeCharDevice != 0
}
