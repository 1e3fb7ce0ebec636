package rig

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Operator is the admin token of every offhook that a rig runs.
const Operator = "a-token-for-tests-only"

// Races is what a program with the race detector is to have in its environment.
// By itself it would sleep for a second before each exit, for others to say
// something yet.
const Races = "GORACE=halt_on_error=1 atexit_sleep_ms=20"

// Process is one running offhook.
type Process struct {
	Ready time.Duration // from its start to its ready line

	t     testing.TB
	cmd   *exec.Cmd
	args  []string
	ended chan struct{}
	err   error         // of Wait, once ended is closed
	up    chan struct{} // closed with the ready line

	mu   sync.Mutex
	said map[string]string // by the ready line: api, admin, simulator …
	log  bytes.Buffer
}

var (
	readyLine = regexp.MustCompile(`\bmsg=ready\b`)
	logPairs  = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)
)

// Run starts the program with the race detector and waits for its ready line.
func Run(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	return Checked.Run(t, env, args...)
}

// Run starts the program and waits for its ready line.
func (prog *Program) Run(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	return prog.Launch(t, env, args...).Await(t)
}

// Await waits for the ready line.
func (p *Process) Await(t testing.TB) *Process {
	t.Helper()
	select {
	case <-p.ended:
		t.Fatalf("offhook %s ended: %v\n%s", strings.Join(p.args, " "), p.err, p.Output())
	case <-time.After(60 * time.Second):
		t.Fatalf("offhook %s is not ready\n%s", strings.Join(p.args, " "), p.Output())
	case <-p.up:
	}
	return p
}

// Launch starts the program and does not wait. It is killed when t ends.
func (prog *Program) Launch(t testing.TB, env []string, args ...string) *Process {
	t.Helper()
	return launch(t, exec.Command(prog.Path(t), args...), env) // #nosec G204 -- our own program
}

// Limited starts the program through sh with limits of the shell (ulimit) set
// before, as "-n 128".
func (prog *Program) Limited(t testing.TB, limits string, env []string, args ...string) *Process {
	t.Helper()
	line := "ulimit " + limits + ` && exec "$0" "$@"`
	return launch(t, exec.Command("sh", append([]string{"-c", line, prog.Path(t)}, args...)...), env) // #nosec G204 -- our own program
}

func launch(t testing.TB, cmd *exec.Cmd, env []string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd, args: cmd.Args[1:], ended: make(chan struct{}), up: make(chan struct{})}
	cmd.Env = append(os.Environ(), append([]string{"OFFHOOK_ADMIN_TOKEN=" + Operator, "OFFHOOK_LOG_FORMAT=text", Races}, env...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	cmd.Stdout = writerFunc(p.write)
	began := time.Now()
	require.NoError(t, cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Text()
			_, _ = p.write([]byte(line + "\n"))
			if readyLine.MatchString(line) && p.ready(line) {
				p.Ready = time.Since(began)
				close(p.up)
			}
		}
	}()
	go func() {
		<-read
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		crashed := p.over() && p.err != nil
		p.Kill()
		if t.Failed() && !crashed { // those that were killed in the story are past
			out := p.Output()
			t.Logf("offhook %s said:\n%s", strings.Join(p.args, " "), out[max(0, len(out)-8000):])
		}
	})
	return p
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// logKept bounds what is kept of a process's output: its last part matters.
const logKept = 8 << 20

func (p *Process) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log.Len() > logKept {
		p.log.Next(logKept / 2)
	}
	return p.log.Write(b)
}

// ready reads the addresses; it reports whether the line was the first.
func (p *Process) ready(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := p.said == nil
	p.said = map[string]string{}
	for _, kv := range logPairs.FindAllStringSubmatch(line, -1) {
		p.said[kv[1]] = strings.Trim(kv[2], `"`)
	}
	return first
}

// Output is what the process has printed, its log included; of a long story the end.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Addr is an address of the ready line: api, admin, simulator …
func (p *Process) Addr(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said[name]
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process is over.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err is how an ended process ended: nil for exit 0.
func (p *Process) Err() error {
	<-p.ended
	return p.err
}

func (p *Process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill is kill -9.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Drain is SIGTERM; the program must end by itself with status 0.
func (p *Process) Drain() {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		require.NoError(p.t, p.err, "SIGTERM drains and exits 0")
	case <-time.After(30 * time.Second):
		p.t.Fatal("SIGTERM did not end the program")
	}
}

// ExitCode is the status of an ended process; -1 if a signal ended it.
func (p *Process) ExitCode() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}
