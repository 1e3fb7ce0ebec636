package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take to come up, or to go.
const patience = time.Minute

// server is a process of a peer, started here.
type server struct {
	cmd  *exec.Cmd
	said tail
	gone chan struct{} // closed when the process ended
	err  error         // how; set before gone is closed
}

// start starts a server with a process group of its own: a Ctrl-C at the
// terminal is for the bench, which ends what it started.
func start(cmd *exec.Cmd) (*server, error) {
	s := &server{cmd: cmd, gone: make(chan struct{})}
	cmd.Stderr = &s.said
	if cmd.Stdout == nil {
		cmd.Stdout = &s.said
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		s.err = cmd.Wait()
		close(s.gone)
	}()
	return s, nil
}

// ready waits until it answers.
func (s *server) ready(ctx context.Context, answers func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.gone:
			return fmt.Errorf("%s ended (%v): %s", filepath.Base(s.cmd.Path), s.err, s.said.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", filepath.Base(s.cmd.Path), errors.Join(err, ctx.Err()))
		case <-again.C:
		}
	}
}

// stop ends the process. What it holds in memory is not written out: its
// directory is removed next.
func (s *server) stop(how syscall.Signal) error {
	err := s.cmd.Process.Signal(how)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.gone:
	case <-late.C:
		err = errors.Join(err, fmt.Errorf("%s did not end in %v", filepath.Base(s.cmd.Path), patience), s.cmd.Process.Kill())
		<-s.gone
	}
	return err
}

// tail keeps the end of what a process says.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - 2048; over > 0 {
		t.b = t.b[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}
