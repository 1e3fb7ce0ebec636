package simulator

import (
	"context"
	"io"
	"net/http"
	"time"
)

// slowBody is a document to be POSTed, in pieces with a rest between them
// where slow_reader is in force.
type slowBody struct {
	ctx   context.Context
	left  []byte
	pause time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, io.EOF
	}
	if b.pause > 0 {
		p = p[:min(len(p), slowPiece)]
		t := time.NewTimer(b.pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// drain reads an answer to its end, so that its connection serves again.
func drain(res *http.Response) {
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxBody))
	_ = res.Body.Close()
}
