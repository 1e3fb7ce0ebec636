package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// step is one package of attacks.
type step struct {
	name string
	args []string // of go test, after its flags
}

// steps begin with the short ones, so that what is broken shows early.
var steps = []step{
	{"owners and streams", []string{"-run", "^(TestNoInputIsLostAndNoNumberUsedTwice|TestModel)$", "./engine/actor", "./transport/webhook"}},
	{"upgrades", []string{"./bench/prove/upgrade"}},
	{"doors", []string{"./bench/prove/doors"}},
	{"hostile peers", []string{"./bench/prove/hostile/..."}},
	{"overload", []string{"./bench/prove/overload"}},
	{"what runs out", []string{"./bench/prove/scarce"}},
	{"kill -9", []string{"./bench/prove/kill9"}},
	{"soak", []string{"./bench/prove/soak"}},
	{"power cuts and flipped bits", []string{"./bench/prove/crash"}},
	{"whole node in virtual time", []string{"-tags", "maybe", "./bench/prove/sim"}},
}

func main() {
	race := flag.Bool("race", false, "with the race detector, as make test runs them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := prove(ctx, os.Stdout, *race)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
	}
	os.Exit(code)
}

// prove makes all attacks. The status is 0 if no promise broke.
func prove(ctx context.Context, out io.Writer, race bool) (int, error) {
	dir, err := os.MkdirTemp("", "offhook-prove")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rows")
	began, failed := time.Now(), 0
	for i, s := range steps {
		at := time.Now()
		fmt.Fprintf(out, "%d/%d %-28s ", i+1, len(steps), s.name)
		said, err := s.run(ctx, path, race)
		switch took := time.Since(at).Round(time.Second); {
		case ctx.Err() != nil:
			fmt.Fprintln(out, "stopped")
			return 1, context.Cause(ctx)
		case err != nil:
			failed++
			fmt.Fprintf(out, "FAILED after %s\n%s\n", took, said)
		default:
			fmt.Fprintf(out, "%s\n", took)
		}
	}
	lines, err := read(path)
	if err != nil {
		return 1, err
	}
	fmt.Fprintf(out, "\n%s in %s\n\n", commit(ctx), time.Since(began).Round(time.Second))
	violations := table(out, lines)
	if failed > 0 || violations > 0 {
		return 1, nil
	}
	return 0, nil
}

func (s step) run(ctx context.Context, report string, race bool) (string, error) {
	args := []string{"test", "-count=1", "-timeout", "20m", "-p", "1"} // packages side by side would slow each other
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, s.args...)...)
	cmd.Env = append(os.Environ(), "OFFHOOK_PROVE_REPORT="+report)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	said, err := cmd.CombinedOutput()
	if err != nil && errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("go is not installed: %w", err)
	}
	return string(said), err
}

// commit is what was attacked.
func commit(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "attacked"
	}
	name := "commit " + strings.TrimSpace(string(head))
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain").Output(); err == nil && len(changed) > 0 {
		name += ", changed,"
	}
	return name + " attacked"
}
