package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLogsAreTextForPeopleAndJSONForCollectors(t *testing.T) {
	var text, lines bytes.Buffer
	newLogger(&text, Log{Level: "info", Format: "text"}).Info("ready", "api", "127.0.0.1:8080")
	require.Contains(t, text.String(), "msg=ready api=127.0.0.1:8080\n")
	newLogger(&lines, Log{Level: "warn", Format: "json"}).Info("ready")
	require.Empty(t, lines.String())
	newLogger(&lines, Log{Level: "debug", Format: "json"}).Debug("ready")
	require.Contains(t, lines.String(), `"msg":"ready"`)
	lines.Reset()
	newLogger(&lines, Log{Level: "info", Format: "auto"}).Info("ready")
	require.True(t, json.Valid(lines.Bytes()), "a buffer is no terminal: %s", &lines)
	pipe, end, err := os.Pipe()
	require.NoError(t, err)
	defer pipe.Close()
	defer end.Close()
	require.False(t, terminal(end), "nor is a pipe")
	if tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil { // where there are any
		require.True(t, terminal(tty))
		require.NoError(t, tty.Close())
	}
}

func TestLengthsOfTimeAreTheSameInBothFormats(t *testing.T) {
	for format, want := range map[string]string{formatText: " after=11.477s ", formatJSON: `"after":"11.477s",`} {
		var out bytes.Buffer
		newLogs(&out, Log{Level: "info", Format: format}).With("before", time.Minute).Info("event stream ended", "after", 11477*time.Millisecond, "n", 3)
		require.Contains(t, out.String(), want)
		require.Contains(t, out.String(), "1m0s")
	}
}

// Whoever starts offhook waits for msg=ready and reads the addresses behind it,
// whatever the format and the level.
func TestTheReadyLineIsTheSameForScriptsInEveryFormat(t *testing.T) {
	for _, format := range []string{"text", "json", "auto"} {
		var out bytes.Buffer
		newLogs(&out, Log{Level: "error", Format: format}).ready("api", "127.0.0.1:8080", "admin", "127.0.0.1:8081", "version", "dev")
		line := out.String()
		require.Contains(t, line, " msg=ready api=127.0.0.1:8080 admin=127.0.0.1:8081 version=dev")
		require.Equal(t, 1, strings.Count(line, "\n"))
		if format == "text" {
			continue
		}
		var fields map[string]string
		require.NoError(t, json.Unmarshal(out.Bytes(), &fields), line)
		require.Equal(t, "ready", fields["msg"])
		require.Equal(t, "127.0.0.1:8081", fields["admin"])
	}
}

func TestTheLevelChangesWhileItRuns(t *testing.T) {
	var out bytes.Buffer
	l := newLogs(&out, Log{Level: "warn", Format: "text"})
	derived := l.With("part", "of it")
	derived.Info("unheard")
	l.level.Set(slog.LevelDebug)
	derived.Debug("heard")
	require.NotContains(t, out.String(), "unheard")
	require.Contains(t, out.String(), "msg=heard part=\"of it\"")
}
