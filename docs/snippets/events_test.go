package snippets

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheEventsPageShowsTheClientThatWasTested(t *testing.T) {
	page, err := os.ReadFile("../events.md")
	require.NoError(t, err)
	text, err := os.ReadFile("events/main.go")
	require.NoError(t, err)
	require.True(t, strings.Contains(string(page), "\n```go\n"+string(text)+"```\n"),
		"docs/events.md does not have docs/snippets/events/main.go in it as it is; copy it there")
}

// The client is cut off in the middle of an event and gets it when it is back.
func TestTheClientGoesOnWhereItWas(t *testing.T) {
	const key = "ok_live_of_the_test"
	asked := make(chan string, 10)
	parts := []string{
		"retry: 2000\n\nevent: snapshot\ndata: {\"calls\":[]}\nid: a\n\n: heartbeat\n\nevent: call.state\ndata: {\"n\":1}\nid: b\n\nevent: call.state\ndata: {\"n\":",
		": heartbeat\nid: c\n\n",
		"event: call.state\ndata: {\"n\":2}\nid: d\n\n",
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key || len(parts) == 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		asked <- r.Header.Get("Last-Event-ID")
		_, _ = w.Write([]byte(parts[0]))
		parts = parts[1:]
	}))
	defer server.Close()

	cmd := exec.Command("go", "run", "./events")
	cmd.Env = append(os.Environ(), "OFFHOOK_EVENTS="+server.URL, "OFFHOOK_KEY="+key)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run has a child
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	printed := make(chan string, 10)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			printed <- lines.Text()
		}
	}()
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-read
		_ = cmd.Wait()
	}()
	for _, want := range []string{`snapshot {"calls":[]}`, `call.state {"n":1}`, `call.state {"n":2}`} {
		select {
		case line := <-printed:
			require.Equal(t, want, line)
		case <-time.After(2 * time.Minute): // go run compiles first
			t.Fatal("the client says nothing")
		}
	}
	for _, want := range []string{"", "b", "c"} {
		require.Equal(t, want, <-asked)
	}
}
