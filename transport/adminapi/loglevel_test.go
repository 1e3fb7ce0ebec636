package adminapi

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheLogLevelChangesWhileItRunsAndOnAFullDiskToo(t *testing.T) {
	level := &slog.LevelVar{}
	o := newOffice(t, func(c *Config) { c.LogLevel, c.Full = level, func() bool { return true } })
	o.do("GET", "/admin/log", "").want(t, 200, `{"level":"info"}`)
	o.do("PUT", "/admin/log", `{"level":"debug"}`).want(t, 200, `{"level":"debug"}`)
	require.Equal(t, slog.LevelDebug, level.Level())
	for _, wrong := range []string{`{"level":"loud"}`, `{"level":"DEBUG"}`, `{"level":""}`, `{"level":7}`, `{}`} {
		o.do("PUT", "/admin/log", wrong).wantProblem(t, 422, "invalid_field")
	}
	o.send("PUT", "/admin/log", nil, "Authorization", "Bearer x").wantProblem(t, 401, "unauthorized")
	require.Equal(t, slog.LevelDebug, level.Level(), "what is refused changes nothing")
}
