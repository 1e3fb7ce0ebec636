// Package child runs parts of a benchmark in processes of their own: the
// program starts itself again in a role, and asks for what it needs over the
// child's standard input and output. A child ends with its parent, however that
// ends; a signal to the whole group leaves it to the parent, who still wants
// its answers.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// roleVar in the environment makes a program a child.
const roleVar = "OFFHOOK_BENCH_CHILD"

// service is the name of what a child offers.
const service = "Child"

// Patience is how long anything may take that ought to come.
const Patience = 90 * time.Second

// Roles are what a program can be as a child: each makes the value whose
// methods the parent calls, as net/rpc has it.
type Roles map[string]func() (any, error)

// Become runs the role that this process was started in, until its parent lets
// go of it, and returns the exit code. A process that nobody made a child of is
// none.
func (r Roles) Become() (code int, child bool) {
	role := os.Getenv(roleVar)
	if role == "" {
		return 0, false
	}
	if err := r.serve(role, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		return 1, true
	}
	return 0, true
}

func (r Roles) serve(role string, in io.ReadCloser, out io.WriteCloser) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
	made, ok := r[role]
	if !ok {
		return errors.New("there is no such role")
	}
	offered, err := made()
	if err != nil {
		return err
	}
	calls := rpc.NewServer()
	if err := calls.RegisterName(service, offered); err != nil {
		return err
	}
	ended := make(chan struct{})
	go calls.ServeConn(pipe{&untilEnd{ReadCloser: in, ended: ended}, out})
	<-ended // and not for questions that are being answered: nobody is there
	return nil
}

// untilEnd says when there is nothing more to read.
type untilEnd struct {
	io.ReadCloser
	once  sync.Once
	ended chan struct{}
}

func (r *untilEnd) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if err != nil {
		r.once.Do(func() { close(r.ended) })
	}
	return n, err
}

// pipe makes one connection of two ends.
type pipe struct {
	io.ReadCloser
	out io.WriteCloser
}

func (p pipe) Write(b []byte) (int, error) { return p.out.Write(b) }

func (p pipe) Close() error {
	err := p.out.Close()
	if inErr := p.ReadCloser.Close(); err == nil {
		err = inErr
	}
	return err
}

// Process is a child, seen from its parent.
type Process struct {
	role  string
	cmd   *exec.Cmd
	calls *rpc.Client
}

// Start starts this program again in a role.
func Start(role string, stderr io.Writer) (*Process, error) {
	p, err := start(role, stderr)
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	return p, nil
}

func start(role string, stderr io.Writer) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self) // #nosec G204 -- this program
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{role: role, cmd: cmd, calls: rpc.NewClient(pipe{out, in})}, nil
}

// Ask calls a method of a child. ctx only ends the waiting: what is answered
// after that goes where nobody looks.
func Ask[Reply any](ctx context.Context, p *Process, what string, args any) (answer Reply, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience+5*time.Second)
	defer cancel()
	reply := new(Reply)
	call := p.calls.Go(service+"."+what, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return answer, fmt.Errorf("the %s: %s: %w", p.role, what, call.Error)
		}
		return *reply, nil
	case <-ctx.Done():
		return answer, fmt.Errorf("the %s: %s: %w", p.role, what, ctx.Err())
	}
}

// End ends a child: by closing its input, or by force.
func (p *Process) End() error {
	err := p.calls.Close()
	timer := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	return errors.Join(err, p.cmd.Wait())
}
