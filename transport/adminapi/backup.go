package adminapi

import (
	"path/filepath"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/problem"
)

// Backups makes copies of what is stored, on the server's own disks.
type Backups interface {
	// Backup makes a copy that appears as dir when it is whole. It refuses with
	// a problem.
	Backup(dir string) error
}

// backup copies everything that is durable now. One copy is made at a time.
func (s *Server) backup(ctx *fasthttp.RequestCtx) error {
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	dir, err := doc.Required("dir")
	if err != nil {
		return err
	}
	if !filepath.IsAbs(dir) {
		return problem.Invalid("dir", "must be an absolute path on the server")
	}
	if !s.backingUp.TryLock() {
		return problem.New(engine.CodeConflict, "a backup is being made")
	}
	defer s.backingUp.Unlock()
	began := s.config.Now()
	dir = filepath.Clean(dir)
	if err := s.config.Backups.Backup(dir); err != nil {
		return err
	}
	took := max(s.config.Now().Sub(began)/time.Millisecond, 0)
	s.config.Log.Info("backup made", "dir", dir, "ms", int64(took))
	return writeJSON(ctx, fasthttp.StatusCreated, struct {
		Dir    string `json:"dir"`
		TookMS int64  `json:"took_ms"`
	}{dir, int64(took)})
}
