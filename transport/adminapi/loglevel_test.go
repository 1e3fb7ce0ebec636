package adminapi

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLogLevelChangesWhileItRunsAndOnAFullDiskToo(t *testing.T) {
	level, log := &slog.LevelVar{}, &bytes.Buffer{}
	o := newOffice(t, func(c *Config) {
		c.LogLevel, c.Full = level, func() bool { return true }
		c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level}))
	})
	o.do("GET", "/admin/log", "").want(t, 200, `{"level":"info"}`)
	o.do("PUT", "/admin/log", `{"level":"debug"}`).want(t, 200, `{"level":"debug"}`)
	require.Equal(t, slog.LevelDebug, level.Level())
	for _, wrong := range []string{`{"level":"loud"}`, `{"level":"DEBUG"}`, `{"level":""}`, `{"level":7}`, `{}`} {
		o.do("PUT", "/admin/log", wrong).wantProblem(t, 422, "invalid_field")
	}
	o.send("PUT", "/admin/log", nil, "Authorization", "Bearer x").wantProblem(t, 401, "unauthorized")
	require.Equal(t, slog.LevelDebug, level.Level(), "what is refused changes nothing")
	log.Reset()
	o.do("PUT", "/admin/log", `{"level":"error"}`).want(t, 200, `{"level":"error"}`)
	require.Contains(t, log.String(), `level=INFO msg="log level changed" from=debug to=error`, "it is said, and is no error")
}
