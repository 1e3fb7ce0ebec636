// Command offhook is one normalised Calls API over the call platforms of
// UCaaS providers: the server, a make-believe platform to try it with, and
// what is needed to look after them.
//
// Exit codes: 0 all is well, which includes a drained stop; 1 something
// failed, or a second signal cut a drain short; 2 the command line or the
// configuration is wrong; 3 no offhook answers; 4 it refuses; 141 nobody reads
// any more what is printed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"offhook/bench/e2e"
	"offhook/transport/client"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
	exitAway    = 3
	exitRefused = 4
	exitUnread  = 128 + 13 // as a shell says it of what SIGPIPE killed
)

func main() {
	if code, child := e2e.Become(); child {
		os.Exit(code)
	}
	env := map[string]string{}
	for _, e := range os.Environ() {
		name, value, _ := strings.Cut(e, "=")
		env[name] = value
	}
	p := program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: env, serve: serve}
	os.Exit(p.run(os.Args[1:]))
}

// program is one run of offhook with the world it runs in.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            map[string]string
	serve          func(ctx context.Context, s serving) error
}

// serving is what serve begins with.
type serving struct {
	config *Config
	log    *logs
	stdout io.Writer
	again  func() (*Config, error) // reads the configuration once more
	reload <-chan os.Signal        // asks for that
	notify notify                  // who started offhook
	stderr io.Writer               // for what ends the process from elsewhere
}

// say is how an error is told that nobody returns any more.
func (s serving) say(err error) { fmt.Fprintf(s.stderr, "offhook: %v\n", err) }

type commands struct {
	Serve    serveCmd    `cmd:"" help:"Run the API. With no configuration it brings its own phones, and prints what to try."`
	Simulate simulateCmd `cmd:"" help:"Run the simulator alone: a make-believe BroadWorks with phones behind it."`
	Listen   listenCmd   `cmd:"" help:"Receive webhooks here: verify them, print them, judge their order, and misbehave if asked to."`
	Bench    benchCmd    `cmd:"" help:"Measure what things cost on this machine, each beside its baseline."`

	App        appCmd        `cmd:"" help:"The apps, and their keys."`
	Subscriber subscriberCmd `cmd:"" help:"Whose calls are followed."`
	Network    networkCmd    `cmd:"" help:"The platforms."`
	Call       callCmd       `cmd:"" help:"See calls, place them, and change them."`
	Events     eventsCmd     `cmd:"" help:"What happens, as it happens, and what happened."`
	Webhook    webhookCmd    `cmd:"" help:"Where events are sent, and what became of them."`

	Backup  backupCmd  `cmd:"" help:"Copy what is stored, while offhook runs or not."`
	Restore restoreCmd `cmd:"" help:"Put a backup in the place of a data directory."`
	Status  statusCmd  `cmd:"" help:"Is it up, and is it ready? Exits with 1 if it is not ready."`
	Log     logCmd     `cmd:"" help:"Show how much is logged, or change it until the next start."`
	Doctor  doctorCmd  `cmd:"" help:"Look for what is wrong here, and say what to do about it."`
	Version versionCmd `cmd:"" help:"Print the version."`
	Help    helpCmd    `cmd:"" help:"Show what a command takes."`

	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
	Complete   completeCmd   `cmd:"" name:"__complete" hidden:""`
}

const description = `One Calls API over the call platforms of UCaaS providers.

Every setting of the config file can also be given in the environment: its path in upper case with "_", behind OFFHOOK_,
as in OFFHOOK_ADMIN_LISTEN. Flags win over the environment, the environment over the file, the file over the defaults.

Exit codes: 0 all is well; 1 something failed; 2 the command line or the configuration is wrong;
3 no offhook answers; 4 it refuses.`

// exiting is how kong leaves after --help.
type exiting int

func (p *program) run(args []string) (code int) {
	var cli commands
	parser, err := kong.New(&cli, kong.Name("offhook"), kong.Description(description),
		kong.Writers(p.stdout, p.stderr), kong.Exit(func(code int) { panic(exiting(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.Vars{"sim_listen": defaultSimListen},
		kong.BindTo(p.stdout, (*io.Writer)(nil)), kong.Bind(p))
	if err != nil {
		panic(err) // the commands above are wrong
	}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exiting:
			code = int(r)
		default:
			panic(r)
		}
	}()
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case len(args) == 1 && args[0] == "--version":
		args = []string{"version"}
	}
	chosen, err := parser.Parse(args)
	if err == nil {
		err = chosen.Run()
	}
	var unparsed *kong.ParseError
	var wrong *configError
	var cut *cutShort
	var sick *unwell
	var misused *usageError
	var away *unreached
	var refused *client.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &unparsed):
		fmt.Fprintf(p.stderr, "offhook: %s\nTry “%s”.\n", slip(unparsed), strings.Join(strings.Fields("offhook "+words(unparsed.Context)+" --help"), " "))
		return exitUsage
	case errors.As(err, &wrong):
		fmt.Fprintf(p.stderr, "offhook: the configuration is wrong\n%v\n", wrong)
		return exitUsage
	case errors.As(err, &cut), errors.As(err, &sick):
		return exitFailure // it said so itself
	case errors.Is(err, errUnread):
		return exitUnread // head and the like wanted no more
	case errors.As(err, &misused):
		fmt.Fprintf(p.stderr, "offhook: %v\nTry “offhook %s --help”.\n", err, words(chosen))
		return exitUsage
	case errors.As(err, &away):
		fmt.Fprintf(p.stderr, "offhook: %v\n", err)
		return exitAway
	case errors.As(err, &refused):
		fmt.Fprintf(p.stderr, "offhook: %v\n", clean(err.Error()))
		return exitRefused
	}
	fmt.Fprintf(p.stderr, "offhook: %v\n", err)
	return exitFailure
}

type serveCmd struct {
	Config      string `help:"Config file (YAML). Also OFFHOOK_CONFIG." placeholder:"FILE"`
	DataDir     string `help:"Where everything is kept." placeholder:"DIR"`
	Listen      string `help:"Address of the public listener." placeholder:"ADDR"`
	AdminListen string `help:"Address of the admin listener." placeholder:"ADDR"`
}

func (c serveCmd) Run(p *program) error {
	file := c.Config
	if file == "" {
		file = p.env["OFFHOOK_CONFIG"]
	}
	load := func() (*Config, error) {
		return loadConfig(sources{File: file, Env: p.env, DataDir: c.DataDir, Listen: c.Listen, AdminListen: c.AdminListen})
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	log := newLogs(p.stderr, cfg.Log)
	for _, w := range cfg.Warnings {
		log.Warn("configuration", "warning", w)
	}
	setCollector(p.env, os.DirFS("/"))
	reload := make(chan os.Signal, 1) // one that waits stands for all
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	s := serving{config: cfg, log: log, stdout: p.stdout, again: load, reload: reload, notify: notify(p.env["NOTIFY_SOCKET"]), stderr: p.stderr}
	return p.untilSignal(log.Logger, func(ctx context.Context) error { return p.serve(ctx, s) })
}
