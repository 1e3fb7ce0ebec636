// Package snippets holds the receivers of docs/webhooks.md, one in each
// language, and runs them: what the page teaches works as it stands there.
package snippets

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var snippets = []struct {
	language, fence, file string
	command               []string
}{
	{"Go", "go", "go/main.go", []string{"go", "run", "./go"}},
	{"Python", "python", "python/receiver.py", []string{"python3", "python/receiver.py"}},
	{"JavaScript", "js", "javascript/receiver.mjs", []string{"node", "javascript/receiver.mjs"}},
}

func TestThePageShowsTheReceiversThatWereTested(t *testing.T) {
	page, err := os.ReadFile("../webhooks.md")
	require.NoError(t, err)
	for _, s := range snippets {
		text, err := os.ReadFile(s.file)
		require.NoError(t, err)
		require.True(t, strings.Contains(string(page), "\n```"+s.fence+"\n"+string(text)+"```\n"),
			"docs/webhooks.md does not have docs/snippets/%s in it as it is; copy it there", s.file)
	}
}

func secretOf(b byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

var current, next, stranger = secretOf(1), secretOf(2), secretOf(3)

// event is a body of the calls webhook.
func event(subscriber string, n int, state string) string {
	return fmt.Sprintf(`{"app_id":"e1c1eef6-8c12-4031-8cc9-ae667c839476","subscriber_id":%q,"subscriber_number":"+15128675309",`+
		`"subscriber_name":"Tommy Tutone","subscriber_account_id":"","remote_number":"+15129104114","remote_name":"Zilkr GmbH Köln",`+
		`"call_id":"callhalf-13467354071:0","sequence_number":"%d","direction":"incoming","state":%q,"timestamp":1533331051226,`+
		`"event_id":"evt_%d","type":"call.state","added_one_day":[{}]}`, subscriber, n, state, n)
}

// said is what a receiver prints of an event that it took.
func said(subscriber string, n int, state string) string {
	return fmt.Sprintf("%s #%d incoming %s callhalf-13467354071:0", subscriber, n, state)
}

func TestEveryReceiverTakesWhatIsGoodOnceAndInOrder(t *testing.T) {
	const alice, bob = "alice@example.com", "bob@example.com"
	provisioned := `{"app_id":"e1c1eef6-8c12-4031-8cc9-ae667c839476","subscriber_id":"bob@example.com","subscriber_number":"+15128675310",` +
		`"subscriber_name":"","subscriber_account_id":"","network_id":"7fa63706-39c8-44c8-bf1b-f0749dda9110","event_id":"evt_p","type":"subscriber.provisioned"}`
	const challenge = `{"app_id":"a","event_id":"evt_c","type":"webhook.challenge","challenge":"0aZ-_9","timestamp":1533331051226}`
	for _, s := range snippets {
		t.Run(s.language, func(t *testing.T) {
			r := start(t, s.command)
			for _, step := range []struct {
				name   string
				key    string
				late   time.Duration
				body   string
				spoilt bool // the body is changed after it was signed
				status int
				answer string
				says   []string
			}{
				{name: "a good one", body: event(alice, 1, "ringing"), status: 200, says: []string{said(alice, 1, "ringing")}},
				{name: "the same again", body: event(alice, 1, "ringing"), status: 200, says: []string{alice + " #1 again, ignored"}},
				{name: "a secret of nobody", key: stranger, body: event(alice, 2, "active"), status: 401, says: []string{"refused"}},
				{name: "changed on the way", spoilt: true, body: event(alice, 2, "active"), status: 401, says: []string{"refused"}},
				{name: "kept and sent later", late: 6 * time.Minute, body: event(alice, 2, "active"), status: 401, says: []string{"refused"}},
				{name: "from the future", late: -6 * time.Minute, body: event(alice, 2, "active"), status: 401, says: []string{"refused"}},
				{name: "the next secret", key: next, body: event(alice, 2, "active"), status: 200, says: []string{said(alice, 2, "active")}},
				{name: "one is missing", body: event(alice, 4, "active"), status: 200, says: []string{alice + " #3 to #3 missing", said(alice, 4, "active")}},
				{name: "out of order", body: event(alice, 3, "held"), status: 200, says: []string{alice + " #3 again, ignored"}},
				{name: "not JSON", body: "hello", status: 400},
				{name: "another webhook", body: provisioned, status: 200, says: []string{"subscriber.provisioned " + bob}},
				{name: "a test event", body: `{"app_id":"a","event_id":"evt_t","type":"webhook.test","timestamp":1533331051226}`, status: 200, says: []string{"webhook.test "}},
				{name: "a challenge", body: challenge, status: 200, answer: "0aZ-_9"},
				{name: "a challenge of somebody else", key: stranger, body: challenge, status: 401, says: []string{"refused"}},
				{name: "a batch", body: "[" + event(bob, 1, "ringing") + "," + event(alice, 5, "released") + "]", status: 200,
					says: []string{said(bob, 1, "ringing"), said(alice, 5, "released")}},
				{name: "on with it", body: event(alice, 6, "ringing"), status: 200, says: []string{said(alice, 6, "ringing")}},
			} {
				key := step.key
				if key == "" {
					key = current
				}
				status, answer := r.post(key, time.Now().Add(-step.late), step.body, step.spoilt)
				require.Equal(t, step.status, status, step.name)
				require.Equal(t, step.answer, answer, step.name)
				for _, line := range step.says {
					require.Equal(t, line, r.line(), step.name)
				}
			}
			got, err := http.Get(r.url)
			require.NoError(t, err)
			require.NoError(t, got.Body.Close())
			require.Equal(t, 405, got.StatusCode)
		})
	}
}

// running is a receiver that runs as a process of its own.
type running struct {
	t     *testing.T
	url   string
	lines chan string
}

func start(t *testing.T, command []string) *running {
	path, err := exec.LookPath(command[0])
	require.NoError(t, err, "%s is not installed, and the receiver for it cannot be tested; install it", command[0])
	cmd := exec.Command(path, command[1:]...)
	cmd.Env = append(os.Environ(), "PORT=0", "OFFHOOK_WEBHOOK_SECRET="+current+" "+next)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run has a child
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	r := &running{t: t, lines: make(chan string, 100)}
	go func() {
		defer close(r.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			r.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		for range r.lines { // it has said all it will
		}
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("standard error: %s", errs.String())
		}
	})
	url, ok := strings.CutPrefix(r.line(), "ready ")
	require.True(t, ok)
	r.url = url
	return r
}

// line is the next line the receiver prints.
func (r *running) line() string {
	r.t.Helper()
	select {
	case line, ok := <-r.lines:
		if !ok {
			r.t.Fatal("the receiver has ended")
		}
		return line
	case <-time.After(2 * time.Minute): // go run compiles first
		r.t.Fatal("the receiver says nothing")
		return ""
	}
}

// post sends a webhook as offhook does, signed by the public library.
func (r *running) post(secret string, at time.Time, body string, spoilt bool) (status int, answer string) {
	r.t.Helper()
	sign, err := standardwebhooks.NewWebhook(secret)
	require.NoError(r.t, err)
	const id = "evt_0123456789abcdefghjkmnpqrs"
	signature, err := sign.Sign(id, at, []byte(body))
	require.NoError(r.t, err)
	if spoilt {
		body = strings.Replace(body, "active", "closed", 1)
	}
	req, err := http.NewRequest(http.MethodPost, r.url, strings.NewReader(body))
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	req.Header.Set("webhook-signature", "v1a,c29tZXRoaW5nIGVsc2U= "+signature)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(said)
}
