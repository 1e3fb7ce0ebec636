package peers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/figures"
)

func TestAPostgresThatMayLoseIsNotMeasured(t *testing.T) {
	version, counts, err := readSettings("15.18 (Debian 15.18-0+deb12u1)|on|on|200")
	require.NoError(t, err)
	require.Equal(t, "15.18", version)
	require.Equal(t, []int{16, 64, 128}, counts)
	_, counts, err = readSettings("17.2|on|remote_write|100")
	require.NoError(t, err, "it is synced here, and waits for others too")
	require.Equal(t, []int{16, 64}, counts, "as many as it serves")
	for row, want := range map[string]string{
		"15.18|off|on|200": "may lose what it acknowledged",
		"15.18|on|off|200": "may lose what it acknowledged",
		"15.18|on|on|20":   "max_connections 20",
	} {
		_, _, err := readSettings(row)
		var absent Absent
		require.ErrorAs(t, err, &absent, row)
		require.ErrorContains(t, err, want)
	}
	_, _, err = readSettings("15.18")
	require.ErrorContains(t, err, "is not what was asked")
	_, _, err = readSettings("15.18|on|on|many")
	require.Error(t, err)
}

func TestTheNumberOfClientsIsTheOneThatIsBest(t *testing.T) {
	clients, tried := choose(map[int][]float64{16: {17000, 18000}, 64: {25000, 15000}, 128: {19000, 19000}})
	require.Equal(t, 64, clients)
	require.Equal(t, "17,500 with 16, 20,000 with 64, 19,000 with 128", tried)
}

func TestSettingsFitTheMachine(t *testing.T) {
	large := postgresSettings(64<<30, 1<<40)
	require.Subset(t, large, []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=2048MB", "max_wal_size=24576MB"})
	small := postgresSettings(1<<30, 4<<30)
	require.Subset(t, small, []string{"fsync=on", "shared_buffers=256MB", "max_wal_size=1024MB", "min_wal_size=512MB"})
	require.Positive(t, memory())
	require.Positive(t, free(t.TempDir()))
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(redisVar, "")
	_, err := Redis(t.Context(), figures.Plan{Dir: t.TempDir()})
	require.EqualError(t, err, "not measured: there is no redis-server here: install it (apt-get install redis-server), or set OFFHOOK_BENCH_REDIS to host:port or the path of a socket")

	_, err = findModule()
	require.EqualError(t, err, "not measured: NATS is embedded by a program that has to be built: install Go")
	t.Chdir(t.TempDir())
	_, err = NATS(t.Context(), figures.Plan{Dir: t.TempDir()})
	require.EqualError(t, err, "not measured: NATS is embedded by a program in offhook's repository: run the bench there")

	_, err = toolsIn(nil, true)
	require.ErrorContains(t, err, "install PostgreSQL with its pgbench (apt-get install postgresql), or set OFFHOOK_BENCH_POSTGRES")
}

func TestTheLatestProgramsAreTaken(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9", "15", "14"} {
		bin := filepath.Join(root, version, "bin")
		require.NoError(t, os.MkdirAll(bin, 0o700))
		for _, name := range []string{"initdb", "postgres", "psql", "pgbench"} {
			require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o700)) // #nosec G306 -- a program
		}
	}
	bins, err := filepath.Glob(filepath.Join(root, "*", "bin"))
	require.NoError(t, err)
	found, err := toolsIn(bins, false)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "15", "bin", "pgbench"), found.pgbench)
	require.Equal(t, filepath.Join(root, "15", "bin", "initdb"), found.initdb)
}

func TestAnAccountThatCannotPassIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "closed", "inner")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o700))
	at, err := os.Stat(dir)
	require.NoError(t, err)
	owner := at.Sys().(*syscall.Stat_t).Uid
	other := account{"someone", &syscall.Credential{Uid: owner + 1}}
	require.ErrorContains(t, other.reaches(dir), "the user someone cannot pass through "+filepath.Dir(dir))
}

func TestASocketWithALongPathIsRefused(t *testing.T) {
	require.NoError(t, fits("/tmp/offhook-bench-peer-123/redis.sock"))
	require.ErrorContains(t, fits("/"+strings.Repeat("d", 120)), "choose a shorter --dir")
}

func TestAServerThatEndsEarlyTellsWhatItSaid(t *testing.T) {
	s, err := start(exec.Command("sh", "-c", "echo no room >&2; exit 1"))
	require.NoError(t, err)
	<-s.gone
	require.ErrorContains(t, s.ready(t.Context(), func(context.Context) error { return os.ErrNotExist }), "sh ended (exit status 1): no room")
	require.NoError(t, s.stop(syscall.SIGKILL), "it is gone already")
}

func TestAServerIsStopped(t *testing.T) {
	s, err := start(exec.Command("cat"))
	require.NoError(t, err)
	require.NoError(t, s.stop(syscall.SIGKILL))
	<-s.gone
}
