package adminapi

import (
	"log/slog"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/transport/problem"
)

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

func (s *Server) getLog(ctx *fasthttp.RequestCtx) error {
	return writeJSON(ctx, fasthttp.StatusOK, struct {
		Level string `json:"level"`
	}{strings.ToLower(s.config.LogLevel.Level().String())})
}

// putLog changes how much is logged, until a restart or until the configuration
// is read again.
func (s *Server) putLog(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	word, err := doc.Required("level")
	if err != nil {
		return err
	}
	level, ok := logLevels[word]
	if !ok {
		return problem.Invalid("level", "must be debug, info, warn or error")
	}
	was := s.config.LogLevel.Level()
	s.config.LogLevel.Set(level)
	if was != level {
		// Said at whatever level, for it is why lines end; it is no error.
		line := slog.NewRecord(time.Now(), slog.LevelInfo, "log level changed", 0)
		line.Add("from", strings.ToLower(was.String()), "to", word)
		_ = s.config.Log.Handler().Handle(ctx, line)
	}
	return s.getLog(ctx)
}
