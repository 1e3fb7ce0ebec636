package stories

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// tail is one “offhook events tail --json” that runs.
type tail struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	out  bytes.Buffer
	errs bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(b)
}

// told are the events that were printed whole.
func (t *tail) told(tb testing.TB) (all []toldEvent) {
	t.mu.Lock()
	text := t.out.String()
	t.mu.Unlock()
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		var e toldEvent
		require.NoError(tb, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

// toldEvent is what of an event tells whether one is lost, doubled or moved.
type toldEvent struct {
	ID         string `json:"event_id"`
	Subscriber string `json:"subscriber_id"`
	Number     string `json:"sequence_number"`
	Type       string `json:"type"`
	State      string `json:"state"`
}

// command is the program with what it needs to find the offhook of a platform.
func command(t *testing.T, w *rig.Apart, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(rig.Checked.Path(t), args...) // #nosec G204 -- our own program
	cmd.Env = append(os.Environ(), "OFFHOOK_ADMIN_TOKEN="+rig.Operator, "OFFHOOK_DATA_DIR="+w.Data, "GORACE=halt_on_error=1 atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func follows(t *testing.T, w *rig.Apart, args ...string) *tail {
	t.Helper()
	f := &tail{cmd: command(t, w, append([]string{"events", "tail", "--json", "--app", w.App}, args...)...)}
	f.cmd.Stdout, f.cmd.Stderr = f, &f.errs
	require.NoError(t, f.cmd.Start())
	t.Cleanup(func() {
		if f.cmd.ProcessState == nil {
			_ = f.cmd.Process.Kill()
			_ = f.cmd.Wait()
		}
	})
	return f
}

// eventsListed is the app's log, of one subscriber or of all, as “offhook events list” prints it.
func eventsListed(t *testing.T, w *rig.Apart, args ...string) []toldEvent {
	t.Helper()
	out, err := command(t, w, append([]string{"events", "list", "--limit", "0", "--json", "--app", w.App}, args...)...).Output()
	require.NoError(t, err)
	var page struct {
		Events []toldEvent `json:"events"`
		More   bool        `json:"more"`
	}
	require.NoError(t, json.Unmarshal(out, &page))
	require.False(t, page.More)
	return page.Events
}

// offhook is killed again and again while calls come and go. Who watches in a shell is shown
// each event once, in its order, those of the time in between included, and leaves no key.
func TestTailLosesAndDoublesNothingWhenOffhookIsKilled(t *testing.T) {
	l := rig.NewLedger(t)
	w := rig.Checked.TwoProcesses(t, l, 8, 4)
	w.Followed(8)
	w.Env = []string{"OFFHOOK_LISTEN=" + w.Addr("api"), "OFFHOOK_ADMIN_LISTEN=" + w.Addr("admin")} // as in a config file
	first := w.Subscribers[0]["subscriber_id"].(string)
	all, one := follows(t, w), follows(t, w, "--subscriber", first)

	incoming := func(i int) string {
		a := rig.Must(t, 201, "POST", w.URL("/simulator/calls"), "", `{"subscriber_id":"`+w.Subscribers[i]["subscriber_id"].(string)+`","remote_number":"+15125550142"}`)
		return a.JSON(t)["call_id"].(string)
	}
	does := func(call, verb string) {
		rig.Must(t, 200, "POST", w.URL("/simulator/calls/"+call+"/"+verb), "", "")
	}
	// Both follow once they print a call.
	for range rig.Poll(time.Minute) {
		does(incoming(0), "remote-hangup")
		if len(all.told(t)) > 0 && len(one.told(t)) > 0 {
			break
		}
	}
	require.NotEmpty(t, all.told(t))
	require.NotEmpty(t, one.told(t))

	caughtUp := func(f *tail, args ...string) (got, want []toldEvent) {
		for range rig.Poll(time.Minute) {
			if want, got = eventsListed(t, w, args...), f.told(t); len(want) > 0 && got[len(got)-1] == want[len(want)-1] {
				break
			}
		}
		for len(want) > 0 && want[0].ID != got[0].ID {
			want = want[1:] // what was before it followed
		}
		return got, want
	}
	for range 3 {
		before := l.Count()
		live := []string{incoming(0), incoming(1), incoming(2)}
		l.Wait(t, "that they ring", func() bool { return l.Count() >= before+3 })
		caughtUp(all)
		caughtUp(one, "--subscriber", first)
		does(live[0], "answer")
		w.Kill()
		does(live[1], "remote-hangup") // nobody sees it
		incoming(3)
		w.Process = w.Serve(t)
		does(live[0], "hangup")
		does(live[2], "remote-hangup")
	}
	for range rig.Poll(time.Minute) {
		if ours, theirs := w.Picture(); len(theirs) == 3 && len(ours) == 3 { // one of each round rings on
			break
		}
	}
	for _, c := range []struct {
		tail *tail
		args []string
	}{{all, nil}, {one, []string{"--subscriber", first}}} {
		got, want := caughtUp(c.tail, c.args...)
		require.Equal(t, want, got)
		require.GreaterOrEqual(t, len(want), 3*2, "a call rang and ended in each round; that it was answered may be seen by nobody")
		require.NoError(t, c.tail.cmd.Process.Signal(syscall.SIGINT))
		require.NoError(t, c.tail.cmd.Wait(), c.tail.errs.String())
		require.GreaterOrEqual(t, strings.Count(c.tail.errs.String(), "going on where it was"), 3, "it followed when offhook was killed")
	}
	app := rig.Must(t, 200, "GET", w.Admin("/admin/apps/"+w.App), rig.Operator, "").JSON(t)
	require.Len(t, app["keys"], 1, "the keys that events tail made are gone")
	l.Audit(t)
}

// Each line of tail has the cursor to go on behind, and so has its end.
func TestTailGoesOnBehindTheCursorThatItPrinted(t *testing.T) {
	s, _ := newShell(t)
	s.env = append(s.env, "OFFHOOK_APP=crm")
	s.ok("offhook app create CRM --id crm && offhook subscriber link crm alice@demo.example")
	s.ok(`CALL=$(offhook call place alice@demo.example +442079460009 --json | grep -m1 call_id | cut -d'"' -f4) && offhook call end "$CALL"`)
	first := s.ok(`offhook events list --limit 1 --json | grep '"cursor"' | cut -d'"' -f4`)
	tail := func(after, more string) (out, errs string) {
		t.Helper()
		out, errs, code := s.run("offhook events tail --after=" + strings.TrimSpace(after) + " " + more)
		require.Zero(t, code, errs)
		return out, errs
	}
	type told struct {
		toldEvent
		Cursor string
	}
	read := func(out string) (e told) {
		t.Helper()
		require.NoError(t, json.Unmarshal([]byte(out), &e), out)
		return e
	}
	out, _ := tail(first, "--json --count 1")
	ringing := read(out)
	require.Equal(t, "ringing", ringing.State)
	out, _ = tail(ringing.Cursor, "--json --count 1")
	require.Equal(t, "released", read(out).State)

	_, errs := tail(first, "--count 1")
	_, after, ok := strings.Cut(errs, "go on with --after=")
	require.True(t, ok, errs)
	out, _ = tail(after, "--json --count 1")
	require.Equal(t, "released", read(out).State)

	for _, command := range []string{"events tail", "events list"} {
		_, errs, code := s.run("offhook " + command + " --after=yesterday")
		require.Equal(t, 4, code)
		require.Contains(t, errs, "offhook: --after: must be a cursor of this app's event log (invalid_field, 422)")
	}
	_, errs, code := s.run("offhook events tail --type call.stat")
	require.Equal(t, 2, code)
	require.Contains(t, errs, `--type must be one of "call.state"`)
}
