package webhooks

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Main is the command. It returns the exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C waits for nothing
	return run(ctx, args, os.Stdout, os.Stderr)
}

type flags struct {
	Runs       int           `default:"5" help:"Runs of everything; the table shows their median."`
	Round      time.Duration `default:"1500ms" help:"How long one measurement takes, about."`
	Rate       int           `default:"0" help:"Events a second for latency and isolation. 0 is 30 % of what can be journaled and delivered."`
	Pairs      int           `default:"10" help:"Pairs of rounds for the isolation figure. 0 leaves it out."`
	Streams    []int         `default:"100,1000,10000" help:"Numbers of streams."`
	Quiet      time.Duration `default:"0s" help:"How long it may take, in all, to wait for other programs and to measure again what they disturbed."`
	JSON       bool          `help:"Print JSON; the table goes to standard error."`
	Dir        string        `help:"Where the stores are made. The disk decides the latency. The system's temporary directory if empty." placeholder:"DIR"`
	CPUProfile string        `name:"cpu-profile" help:"Write a CPU profile of the whole run." placeholder:"FILE"`
}

func (f *flags) plan() plan {
	return plan{
		Runs: f.Runs, Round: f.Round, Streams: f.Streams, Rate: f.Rate,
		Pairs: f.Pairs, Endpoints: 100, PerApp: 10, Quiet: f.Quiet, Dir: f.Dir,
	}
}

// run is the program; what it returns is its exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	parser := kong.Must(&f, kong.Name("webhooks"), kong.Description("Measures how offhook delivers webhooks, over loopback."), kong.Writers(stdout, stderr))
	if _, err := parser.Parse(args); err != nil {
		fmt.Fprintf(stderr, "webhooks: %v\n", err)
		return exitUsage
	}
	p := f.plan()
	if err := p.validate(); err != nil {
		fmt.Fprintf(stderr, "webhooks: %v\n", err)
		return exitUsage
	}
	if err := f.measure(ctx, p, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "webhooks: %v\n", err)
		return exitFailure
	}
	return exitOK
}

func (f *flags) measure(ctx context.Context, p plan, stdout, stderr io.Writer) (err error) {
	if f.CPUProfile != "" {
		file, err := os.Create(f.CPUProfile)
		if err != nil {
			return err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	r, err := measure(ctx, p, stderr)
	if err != nil {
		return err
	}
	if !f.JSON {
		return r.table(stdout)
	}
	if err := r.table(stderr); err != nil {
		return err
	}
	return r.json(stdout)
}
