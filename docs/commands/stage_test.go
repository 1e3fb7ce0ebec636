package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/port"
	"offhook/bench/prove/rig"
)

// built is bin/offhook, built once as the Makefile does it.
var built = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("make", "-s", "-C", root, "build")
	cmd.Env = environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make build: %w\n%s", err, out)
	}
	// What pages start with "go run" is compiled before anybody waits for it:
	// where nothing is cached it takes half a minute.
	cmd = exec.Command("go", "run", "-exec", "true", "./docs/snippets/go")
	cmd.Dir, cmd.Env = root, environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go run: %w\n%s", err, out)
	}
	return filepath.Abs(root + "/bin/offhook")
})

// environment is ours without what a make around this test tells its children.
func environment(more ...string) (env []string) {
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MAKE") && !strings.HasPrefix(e, "MFLAGS") && !strings.HasPrefix(e, "OFFHOOK_") {
			env = append(env, e)
		}
	}
	return append(env, more...)
}

// stage is a folder with everything that a reader has, who types what a page
// says: the program, the documents, and ports that nobody else uses.
type stage struct {
	t     *testing.T
	page  string
	dir   string
	ports *strings.Replacer // those that the pages name, to those that are free
	env   []string
	more  []string // the replacements so far
}

// written are the addresses in the pages.
var written = []string{"127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:2208", "127.0.0.1:8025"}

func newStage(t *testing.T) *stage {
	program, err := built()
	require.NoError(t, err)
	repo, err := filepath.Abs(root)
	require.NoError(t, err)
	s := &stage{t: t, dir: t.TempDir()}
	free := map[string]string{}
	for _, address := range append(written, "127.0.0.1:9099") {
		free[address], err = port.Free()
		require.NoError(t, err)
		s.replace(address, free[address])
	}
	for _, receiver := range []string{"9000", "9001"} {
		s.replace("PORT="+receiver, "PORT="+strings.TrimPrefix(free["127.0.0.1:"+receiver], "127.0.0.1:"))
	}
	require.NoError(t, os.MkdirAll(s.dir+"/path", 0o700))
	require.NoError(t, os.Mkdir(s.dir+"/bin", 0o700))
	require.NoError(t, os.Symlink(repo+"/docs", s.dir+"/docs"))
	tools := map[string]string{
		"offhook": strings.NewReplacer("PROGRAM", program, "LISTEN", free["127.0.0.1:9099"], "SIMULATOR", free["127.0.0.1:8082"]).Replace(offhookTool),
		"make":    strings.NewReplacer("REPO", repo).Replace(makeTool),
		"curl":    curlTool,
	}
	for name, text := range tools {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, "path", name), []byte(text), 0o700)) // #nosec G306 -- it is run
	}
	require.NoError(t, os.Symlink("../path/offhook", s.dir+"/bin/offhook"))
	curl, err := exec.LookPath("curl")
	require.NoError(t, err)
	maker, err := exec.LookPath("make")
	require.NoError(t, err)
	s.env = environment(
		"PATH="+s.dir+"/path:"+os.Getenv("PATH"), "STAGE="+s.dir, "CURL="+curl, "MAKER="+maker,
		"OFFHOOK_DATA_DIR="+s.dir+"/offhook-data", "OFFHOOK_LISTEN="+free["127.0.0.1:8080"], "OFFHOOK_ADMIN_LISTEN="+free["127.0.0.1:8081"],
		"OFFHOOK_SIMULATOR_LISTEN="+free["127.0.0.1:8082"], "OFFHOOK_SIMULATOR_TRAFFIC=none", "OFFHOOK_LOG_FORMAT=text",
	)
	return s
}

// replace has one text stand for another in what is run.
func (s *stage) replace(old, by string) {
	s.more = append(s.more, old, by)
	s.ports = strings.NewReplacer(s.more...)
}

// What a reader runs in another terminal runs behind this one, from when it is
// ready until the page is over, or until he would have pressed Ctrl-C to run it
// again.
const behind = `#!/bin/sh
behind() {
	name=$1; shift
	if [ -f "$STAGE/$name.pid" ]; then
		kill -TERM "$(cat "$STAGE/$name.pid")" 2>/dev/null
		while kill -0 "$(cat "$STAGE/$name.pid")" 2>/dev/null; do sleep 0.1; done
	fi
	"$@" >"$STAGE/$name.log" 2>&1 &
	echo $! >"$STAGE/$name.pid"
	tries=0
	until grep -q 'msg=ready\|msg=registered\|ready ' "$STAGE/$name.log"; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ] || ! kill -0 $(cat "$STAGE/$name.pid") 2>/dev/null; then
			echo "$name: $(cat "$STAGE/$name.log")" >>"$STAGE/failed"
			exit 1
		fi
		sleep 0.1
	done
}
`

const offhookTool = behind + `
case "$1" in
serve) behind serve PROGRAM "$@" ;;
simulate) behind simulate PROGRAM "$@" --listen SIMULATOR ;;
listen) behind listen PROGRAM "$@" --listen LISTEN ;;
*) exec PROGRAM "$@" ;;
esac
`

const makeTool = behind + `
case "$1" in
run) behind serve "$MAKER" -C REPO "$@" ;;
test) echo "this is one of its tests" ;;
*) exec "$MAKER" -C REPO "$@" ;;
esac
`

// A refusal that a reader would see makes the page wrong. A stream has no end.
const curlTool = `#!/bin/sh
limit=30
for arg in "$@"; do
	if [ "$arg" = -N ]; then limit=3; fi
done
"$CURL" --fail-with-body --max-time $limit "$@"
code=$?
if [ $code -eq 28 ] && [ $limit -eq 3 ]; then code=0; fi
if [ $code -ne 0 ]; then echo "curl $*: $code" >>"$STAGE/failed"; fi
exit $code
`

// run types a script, and returns what a reader sees.
func (s *stage) run(script string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e") // #nosec G204 -- our own
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Stdin = strings.NewReader(s.ports.Replace(script))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stop := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Cancel = stop
	out, err := os.Create(filepath.Join(s.dir, "out")) // a pipe would be kept open by what runs behind
	require.NoError(s.t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() { // all that runs behind is of the group
		for range rig.Poll(3 * time.Second) {
			if stop() != nil {
				return
			}
		}
	})
	err = cmd.Wait()
	said, _ := os.ReadFile(out.Name())
	failed, readErr := os.ReadFile(s.dir + "/failed")
	if err != nil || !errors.Is(readErr, os.ErrNotExist) {
		var logs bytes.Buffer
		for _, name := range []string{"serve", "simulate", "listen"} {
			log, _ := os.ReadFile(filepath.Join(s.dir, name+".log"))
			fmt.Fprintf(&logs, "%s: %s\n", name, log[max(0, len(log)-4000):])
		}
		s.t.Fatalf("%v\n%s\nit failed: %s\n%s", err, said, failed, logs.String())
	}
	return string(said)
}

// log is what a program that runs behind has said so far.
func (s *stage) log(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name+".log"))
	return string(text)
}

// typePage types the blocks of the page, in order, before some of them what before
// says by how they begin; "" is the first one.
func (s *stage) typePage(before map[string]string) string {
	s.t.Helper()
	var script strings.Builder
	done := map[string]bool{}
	for _, b := range blocks(s.t, s.page) {
		if reason, _ := why(b); reason != "" {
			continue
		}
		for first, text := range before {
			if strings.HasPrefix(b.first, first) && !done[first] {
				script.WriteString(text + "\n")
				done[first] = true
			}
		}
		script.WriteString(b.text + "\n")
	}
	for first := range before {
		require.True(s.t, done[first], "%s has no block %q any more", s.page, first)
	}
	return s.run(script.String())
}
