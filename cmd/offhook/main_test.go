package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/bench/e2e"
)

func TestMain(m *testing.M) {
	if code, child := e2e.Become(); child {
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// ran is what one run of the program left behind.
type ran struct {
	code           int
	stdout, stderr string
	config         *Config // what serve was given; nil if it was not reached
}

func run(t *testing.T, env map[string]string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	var r ran
	p := program{stdout: &out, stderr: &errs, env: env,
		serve: func(_ context.Context, s serving) error { r.config = s.config; return nil }}
	r.code = p.run(args)
	r.stdout, r.stderr = out.String(), errs.String()
	return r
}

func TestHelpNamesEveryCommand(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {}} {
		r := run(t, nil, args...)
		require.Zero(t, r.code)
		for _, word := range []string{"serve", "simulate", "bench", "version", "OFFHOOK_", "Exit codes"} {
			require.Contains(t, r.stdout, word)
		}
	}
	r := run(t, nil, "simulate", "--help")
	require.Zero(t, r.code)
	for _, flag := range []string{"--listen", "--subscribers", "--calls-per-second", "--seed", "--write-config"} {
		require.Contains(t, r.stdout, flag)
	}
}

func TestAWrongCommandLineIsTwo(t *testing.T) {
	for _, args := range [][]string{
		{"serv"}, {"serve", "--lisen", ":1"}, {"serve", "extra"}, {"simulate", "--subscribers", "many"},
		{"simulate", "--subscribers", "0"}, {"simulate", "--subscribers", "79101"}, {"simulate", "--calls-per-second", "-1"},
		{"simulate", "--calls-per-second", "NaN"}, {"simulate", "--seed", "-1"}, {"bench", "--suite", "jornal"},
		{"bench", "--runs", "0"}, {"bench", "--round", "1h"},
	} {
		r := run(t, nil, args...)
		require.Equal(t, exitUsage, r.code, "%v: %s", args, r.stderr)
		require.NotEmpty(t, r.stderr)
		require.Empty(t, r.stdout)
	}
}

func TestASlipIsAnsweredWithTheHelpOfItsCommand(t *testing.T) {
	for line, want := range map[string]string{
		"app show":                 "expected \"<app>\"\nTry “offhook app show --help”.",
		"app":                      "Try “offhook app --help”.",
		"app key add":              "Try “offhook app key add --help”.",
		"app show x y":             "Try “offhook app show --help”.",
		"events tail --sate x":     "Try “offhook events tail --help”.",
		"nothing":                  "Try “offhook --help”.",
		"help nothing":             "unexpected argument nothing\nTry “offhook --help”.",
		"serve -c x":               "unknown flag -c, did you mean --config?\nTry “offhook serve --help”.",
		"app list -j":              "unknown flag -j, did you mean --json?",
		"app list -z":              "unknown flag -z; flags are words behind two dashes\n",
		"call record callhalf one": "Try “offhook call record --help”.",
	} {
		r := run(t, nil, strings.Fields(line)...)
		require.Equal(t, exitUsage, r.code, line)
		require.Contains(t, r.stderr, want, line)
	}
	require.Equal(t, "offhook: an argument is empty\nTry “offhook --help”.\n", run(t, nil, "").stderr)
}

func TestHelpIsACommandToo(t *testing.T) {
	for _, line := range []string{"", "call", "call place"} {
		r := run(t, nil, strings.Fields("help "+line)...)
		require.Zero(t, r.code)
		require.Equal(t, run(t, nil, strings.Fields(line+" --help")...).stdout, r.stdout)
		require.NotEmpty(t, r.stdout)
	}
}

func TestVersionSaysWhatWasBuilt(t *testing.T) {
	r := run(t, nil, "version")
	require.Zero(t, r.code)
	require.Regexp(t, `^offhook \S+ \(go\S+.*, \w+/\w+\)\n$`, r.stdout)
	require.Equal(t, r, run(t, nil, "--version"))
	require.Regexp(t, `(?s)^\{\s+"version": "\S+",\s+"go": "go\S+.*",\s+"platform": "\w+/\w+"\s+\}\n$`, run(t, nil, "version", "--json").stdout)
	require.Equal(t, "1.2.3", versionOf("1.2.3", nil))
	require.Equal(t, "dev", versionOf("", nil))
}

func TestFlagsReachServe(t *testing.T) {
	r := run(t, map[string]string{"OFFHOOK_LISTEN": "127.0.0.1:1", "OFFHOOK_DATA_DIR": "/from/env"},
		"serve", "--listen", "127.0.0.1:2", "--admin-listen=127.0.0.1:3")
	require.Zero(t, r.code, r.stderr)
	require.Equal(t, "127.0.0.1:2", r.config.Listen)
	require.Equal(t, "127.0.0.1:3", r.config.Admin.Listen)
	require.Equal(t, "/from/env", r.config.DataDir)
}

func TestTheConfigFileIsFoundByFlagAndByEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offhook.yaml")
	require.NoError(t, os.WriteFile(file, []byte("data_dir: /from/file\n"), 0o600))
	require.Equal(t, "/from/file", run(t, nil, "serve", "--config", file).config.DataDir)
	require.Equal(t, "/from/file", run(t, map[string]string{"OFFHOOK_CONFIG": file}, "serve").config.DataDir)
	r := run(t, map[string]string{"OFFHOOK_CONFIG": file}, "serve", "--config", file+".missing")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "offhook.yaml.missing: the config file cannot be read: no such file")
}

func TestABrokenConfigIsTwoAndAllOfItIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offhook.yaml")
	require.NoError(t, os.WriteFile(file, []byte("lisen: \":8080\"\n\nretention: 7\n"), 0o600))
	r := run(t, nil, "serve", "--config", file)
	require.Equal(t, exitUsage, r.code)
	require.Nil(t, r.config)
	require.Equal(t, "offhook: the configuration is wrong\n"+
		"offhook.yaml:1: lisen: there is no such setting; did you mean \"listen\"?\n"+
		"offhook.yaml:3: retention: \"7\" is no length of time; write it with its unit, as in 2s, 90m or 168h\n", r.stderr)
}

func TestAMisspeltVariableIsLogged(t *testing.T) {
	r := run(t, map[string]string{"OFFHOOK_LISTENS": ":1", "OFFHOOK_PORT": "tcp://10.0.0.1:80", "OFFHOOK_SERVICE_HOST": "10.0.0.1"}, "serve")
	require.Zero(t, r.code)
	require.Contains(t, r.stderr, "OFFHOOK_LISTENS is not read; did you mean OFFHOOK_LISTEN?")
	require.Equal(t, 1, strings.Count(r.stderr, "\n"), "what Kubernetes makes up is not mentioned: %s", r.stderr)
}

func TestTheFirstSignalDrainsTheSecondDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		log := newLogger(&lines, Log{Level: "info"})
		signals := make(chan os.Signal, 2)
		ended := make(chan error, 1)
		drained := make(chan struct{})
		work := func(ctx context.Context) error { <-ctx.Done(); <-drained; return nil }

		go func() { ended <- runUntil(log, signals, work) }()
		signals <- syscall.SIGTERM
		synctest.Wait()
		require.Empty(t, ended, "it drains")
		close(drained)
		require.NoError(t, <-ended)

		drained = make(chan struct{})
		go func() { ended <- runUntil(log, signals, work) }()
		signals <- syscall.SIGINT
		signals <- syscall.SIGINT // who signals a process and its group sends it twice
		synctest.Wait()
		require.Empty(t, ended, "it drains")
		time.Sleep(together)
		signals <- syscall.SIGINT
		cut := &cutShort{}
		require.ErrorAs(t, <-ended, &cut)
		close(drained) // what the end of the process would do
	})
}
