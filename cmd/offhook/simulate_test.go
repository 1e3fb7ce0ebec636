package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider/simulator"
)

// lines is a log that can be waited for.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1024)} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.more <- struct{}{} }()
	return l.text.Write(b)
}

// wait returns the first line that has word in it.
func (l *lines) wait(t *testing.T, word string) string {
	t.Helper()
	for {
		l.mu.Lock()
		for _, line := range strings.Split(l.text.String(), "\n") {
			if strings.Contains(line, word) {
				l.mu.Unlock()
				return line
			}
		}
		l.mu.Unlock()
		select {
		case <-l.more:
		case <-time.After(time.Minute):
			t.Fatalf("no line with %q: %s", word, l.text.String())
		}
	}
}

// logged is the value of a key in a line of log.
func logged(line, key string) string {
	_, rest, _ := strings.Cut(line, " "+key+"=")
	value, _, _ := strings.Cut(rest, " ")
	return value
}

// simulating runs the simulator until the test or stop ends it.
func simulating(t *testing.T, listen, file string) (ready string, stop func()) {
	t.Helper()
	log := newLines()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cfg := simulator.Config{Subscribers: 5, Seed: 7}
	go func() {
		done <- simulate(ctx, cfg, simListen{xsi: listen}, file, nil, newLogger(log, Log{Level: "info"}))
	}()
	stop = sync.OnceFunc(func() { cancel(); require.NoError(t, <-done) })
	t.Cleanup(stop)
	return log.wait(t, "msg=ready"), stop
}

func TestSimulateWritesAConfigThatWorks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trial.yaml")
	ready, stop := simulating(t, "127.0.0.1:0", file)
	at := logged(ready, "simulator")
	require.Equal(t, file, logged(ready, "config"))
	require.Equal(t, strings.TrimSuffix(file, ".yaml")+".subscribers.ndjson", logged(ready, "subscribers"))

	c, err := loadConfig(sources{File: file})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Equal(t, "127.0.0.1:8080", c.Listen)
	require.Equal(t, "127.0.0.1:8081", c.Admin.Listen)
	require.Equal(t, filepath.Join(filepath.Dir(file), "offhook-data"), c.DataDir)
	require.True(t, c.Webhooks.AllowHTTP && c.Webhooks.AllowPrivateNetworks)
	require.False(t, c.Simulator.Enabled)
	require.Len(t, c.TenantNetworks(), 1)
	n := c.TenantNetworks()[0]
	require.Equal(t, "7fa63706-39c8-44c8-bf1b-f0749dda9110", n.ID)
	require.Equal(t, []string{"http://" + at}, n.BroadWorks.XSPs)

	info, err := os.Stat(c.Networks[0].BroadWorks.PasswordFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	profile := func() int {
		req, err := http.NewRequest("GET", n.BroadWorks.XSPs[0]+"/com.broadsoft.xsi-actions/v2.0/user/alice@demo.example/profile", nil)
		require.NoError(t, err)
		req.SetBasicAuth(n.BroadWorks.Username, n.BroadWorks.Password)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode
	}
	require.Equal(t, 200, profile())

	// The same flags give the same way in: an offhook that runs finds it again.
	stop()
	simulating(t, at, file)
	again, err := loadConfig(sources{File: file})
	require.NoError(t, err)
	require.Equal(t, c.TenantNetworks(), again.TenantNetworks())
	require.Equal(t, 200, profile())
}

func TestSeveralXSPsAreWaysToTheSamePhones(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trial.yaml")
	log := newLines()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cfg := simulator.Config{Subscribers: 5, XSPs: 3, Seed: 7}
	go func() {
		done <- simulate(ctx, cfg, simListen{xsi: "127.0.0.1:0"}, file, nil, newLogger(log, Log{Level: "info"}))
	}()
	defer func() { cancel(); require.NoError(t, <-done) }()
	ready := log.wait(t, "msg=ready")
	c, err := loadConfig(sources{File: file})
	require.NoError(t, err)
	n := c.TenantNetworks()[0].BroadWorks
	require.Equal(t, strings.Split(logged(ready, "xsps"), ","), n.XSPs)
	require.Len(t, n.XSPs, 3)
	defer http.DefaultClient.CloseIdleConnections()
	for _, base := range n.XSPs {
		req, err := http.NewRequest("GET", base+"/com.broadsoft.xsi-actions/v2.0/user/alice@demo.example/profile", nil)
		require.NoError(t, err)
		req.SetBasicAuth(n.Username, n.Password)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode, base)
	}

	taken := strings.TrimPrefix(n.XSPs[0], "http://")
	_, err = listenXSPs(taken, 2)
	require.ErrorContains(t, err, "in use; choose another address with --listen")
	_, err = listenXSPs("127.0.0.1", 2)
	require.Error(t, err)
}

func TestAScenarioIsPlayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "story.txt")
	require.NoError(t, os.WriteFile(file, []byte("subscribers 7\nxsps 2\nseed 5\n0s ring alice from 5550123 as a\n+10ms answer a\n+0s expect a held\n"), 0o600))
	cfg := simulator.Config{Subscribers: 20, XSPs: 1, Seed: 9, Traffic: simulator.TrafficDemo}
	story, err := readScenario(file, &cfg)
	require.NoError(t, err)
	require.Equal(t, simulator.Config{Subscribers: 7, XSPs: 2, Seed: 9, Traffic: simulator.TrafficNone}, cfg)
	log := newLines()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- simulate(ctx, cfg, simListen{xsi: "127.0.0.1:0"}, "", story, newLogger(log, Log{Level: "info"}))
	}()
	log.wait(t, `line=5 at=10ms does=answer`)
	require.Contains(t, log.wait(t, "level=ERROR"), "it is active")
	require.Contains(t, log.wait(t, "scenario over"), "steps=3 failed=1")
	require.NotContains(t, log.text.String(), "5550123", "numbers are not logged")
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, "1", logged(log.wait(t, "msg=totals"), "calls"))

	r := run(t, nil, "simulate", "--scenario", filepath.Join(t.TempDir(), "none.txt"))
	require.Equal(t, exitUsage, r.code)
	require.NoError(t, os.WriteFile(file, []byte("0s dance\n"), 0o600))
	r = run(t, nil, "simulate", "--scenario", file)
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "line 1: dance")
}

func TestTheListOfSubscribersIsABulkUpload(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trial") // no extension to replace
	_, list, err := writeSimulatorConfig(file, []string{"http://127.0.0.1:1"}, simProvisioning{}, phones(t, 20))
	require.NoError(t, err)
	require.Equal(t, file+".subscribers.ndjson", list)
	f, err := os.Open(list)
	require.NoError(t, err)
	defer f.Close()
	var all []map[string]any
	for s := bufio.NewScanner(f); s.Scan(); {
		var one map[string]any
		require.NoError(t, json.Unmarshal(s.Bytes(), &one))
		all = append(all, one)
	}
	require.Len(t, all, 20)
	require.Equal(t, map[string]any{
		"subscriber_id": "alice@demo.example", "subscriber_number": "+12015550100", "subscriber_name": "Alice Archer",
		"subscriber_account_id": "demo-enterprise/site-1", "network_id": "7fa63706-39c8-44c8-bf1b-f0749dda9110",
		"provider_user_id": "alice@demo.example", "apps": []any{},
	}, all[0])
	require.Equal(t, "Łukasz Walker", all[19]["subscriber_name"])
}

func TestAConfigSomebodyWroteIsNotWrittenOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "offhook.yaml")
	require.NoError(t, os.WriteFile(file, []byte("listen: \":80\"\n"), 0o600))
	_, _, err := writeSimulatorConfig(file, []string{"http://127.0.0.1:1"}, simProvisioning{}, phones(t, 3))
	require.ErrorContains(t, err, "was not written by simulate")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "and nothing is put beside it")
}

func TestSimulateSaysWhatItCannotDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	r := run(t, nil, "simulate", "--listen", taken.Addr().String())
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.stderr, "address already in use")

	r = run(t, map[string]string{"OFFHOOK_SIMULATOR_LISTEN": "127.0.0.1:0"}, "simulate", "--write-config", filepath.Join(t.TempDir(), "no", "such", "dir.yaml"))
	require.Equal(t, exitFailure, r.code, r.stderr)
	require.Contains(t, r.stderr, "write config")
}
