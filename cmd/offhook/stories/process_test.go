package stories

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const operator = "a-token-for-the-stories-only"

var builtIn string // the folder of the program

func TestMain(m *testing.M) {
	code := m.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
	os.Exit(code)
}

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "offhook-program")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "offhook")
	out, err := exec.Command("go", "build", "-race", "-o", path, "offhook/cmd/offhook").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// process is one running offhook.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready map[string]string // what msg=ready said: api, admin, simulator …
	mu    sync.Mutex
	log   bytes.Buffer
	ended chan struct{}
	err   error
}

var (
	readyLine = regexp.MustCompile(`\bmsg=ready\b`)
	logPairs  = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)
)

// run starts the program and waits for its ready line.
func run(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, env, args...)
	select {
	case <-p.ended:
		t.Fatalf("offhook %s ended: %v\n%s", strings.Join(args, " "), p.err, p.output())
	case <-time.After(60 * time.Second):
		t.Fatalf("offhook %s is not ready\n%s", strings.Join(args, " "), p.output())
	case <-p.waitReady():
	}
	return p
}

func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	path, err := built()
	require.NoError(t, err)
	p := &process{t: t, cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), append([]string{"OFFHOOK_ADMIN_TOKEN=" + operator, "GORACE=halt_on_error=1"}, env...)...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	p.cmd.Stdout = writerFunc(p.write)
	require.NoError(t, p.cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		lines := bufio.NewScanner(stderr)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			line := lines.Text()
			_, _ = p.write([]byte(line + "\n"))
			if readyLine.MatchString(line) {
				p.mu.Lock()
				p.ready = map[string]string{}
				for _, kv := range logPairs.FindAllStringSubmatch(line, -1) {
					p.ready[kv[1]] = strings.Trim(kv[2], `"`)
				}
				p.mu.Unlock()
			}
		}
	}()
	go func() {
		<-read
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		before := p.err
		p.kill()
		if t.Failed() && before == nil { // those that were killed in the story are past
			out := p.output()
			t.Logf("offhook %s said:\n%s", strings.Join(args, " "), out[max(0, len(out)-8000):])
		}
	})
	return p
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *process) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) addr(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready[name]
}

func (p *process) waitReady() <-chan struct{} {
	c := make(chan struct{})
	go func() {
		for range poll(60 * time.Second) {
			p.mu.Lock()
			ok := p.ready != nil
			p.mu.Unlock()
			if ok {
				close(c)
				return
			}
		}
	}()
	return c
}

// poll yields every few milliseconds until the time is up.
func poll(limit time.Duration) func(func(int) bool) {
	return func(yield func(int) bool) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		deadline := time.After(limit)
		for i := 0; yield(i); i++ {
			select {
			case <-tick.C:
			case <-deadline:
				return
			}
		}
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.ended
}

// drain is SIGTERM; the program must end by itself with status 0.
func (p *process) drain() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.ended:
		require.NoError(p.t, p.err, "SIGTERM drains and exits 0")
	case <-time.After(30 * time.Second):
		p.t.Fatal("SIGTERM did not end the program")
	}
}

// answer is one HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

func (a answer) list(t *testing.T) []map[string]any {
	t.Helper()
	var v []map[string]any
	require.NoError(t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// ask makes one request; err is for when the program is being killed.
func ask(method, url, token, body string, header ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, r)
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, b}, err
}

func must(t *testing.T, status int, method, url, token, body string, header ...string) answer {
	t.Helper()
	a, err := ask(method, url, token, body, header...)
	require.NoError(t, err)
	require.Equal(t, status, a.status, "%s %s: %s", method, url, a.body)
	return a
}
