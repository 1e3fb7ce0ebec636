package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// Each operation is asked for in each language, in an order that makes sense of
// it, and has done what it says.
func TestTheSnippetsDoWhatTheySay(t *testing.T) {
	p := rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", t.TempDir())
	all := rig.Must(t, 200, "GET", "http://"+p.Addr("admin")+"/admin/subscribers", rig.Operator, "").List(t)
	commands := map[string][]string{
		"curl":       {"sh", "curl/api.sh"},
		"Go":         {built(t)},
		"Python":     {"python3", "python/api.py"},
		"JavaScript": {"node", "javascript/api.mjs"},
	}
	t.Run("languages", func(t *testing.T) {
		for i, l := range languages {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				s := newSpeaker(t, p, commands[l.name], all[i])
				s.tell()
				for _, o := range operations(t) {
					require.True(t, s.asked[o.ID], "%s is not tried", o.ID)
				}
			})
		}
	})
}

// built is the snippet in Go as a program, since it is run many times.
func built(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "api")
	out, err := exec.Command("go", "build", "-o", path, "./go").CombinedOutput() // #nosec G204 -- our own
	require.NoError(t, err, "%s", out)
	return path
}

// speaker is an app that asks in one language, for one subscriber.
type speaker struct {
	*rig.Site
	t       *testing.T
	command []string
	in      map[string]string // the environment
	asked   map[string]bool
	who     string

	mu   sync.Mutex
	told int // webhooks
}

func newSpeaker(t *testing.T, p *rig.Process, command []string, sub map[string]any) *speaker {
	s := &speaker{t: t, command: command, asked: map[string]bool{}, who: sub["subscriber_id"].(string)}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told++
	}))
	t.Cleanup(hook.Close)
	s.Site = &rig.Site{Process: p, T: t}
	made := rig.Must(t, 201, "POST", s.Admin("/admin/apps"), rig.Operator, `{"name":"snippets"}`).JSON(t)
	s.App, s.Key = made["app_id"].(string), made["api_key"].(string)
	rig.Must(t, 204, "PUT", s.Admin("/admin/apps/"+s.App+"/subscribers/"+s.who), rig.Operator, "")
	rig.Must(t, 200, "PUT", s.Sim("/simulator/phones/"+s.who), "", `{"answer_after_ms":5,"far_end":"answer","far_end_after_ms":5}`)
	s.in = map[string]string{
		"API": "http://" + s.Addr("api"), "APP": s.App, "KEY": s.Key, "SUBSCRIBER": s.who, "NUMBER": sub["subscriber_number"].(string),
		"EXTENSION": "712" + sub["subscriber_number"].(string)[9:], "WEBHOOK_URL": hook.URL, "NETWORK": sub["network_id"].(string),
	}
	return s
}

func (s *speaker) cmd(ctx context.Context, id string) *exec.Cmd {
	s.asked[id] = true
	cmd := exec.CommandContext(ctx, s.command[0], append(s.command[1:], id)...) // #nosec G204 -- our own
	cmd.Env = os.Environ()
	for name, value := range s.in {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// ask runs one operation and returns what it printed.
func (s *speaker) ask(id string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.in["ONCE"] = fmt.Sprint(id, "-", time.Now().UnixNano())
	cmd := s.cmd(ctx, id)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(s.t, err, "%s: %s%s", id, errs.String(), out)
	return strings.TrimSpace(string(out))
}

// object is ask for an answer that is one.
func (s *speaker) object(id string) (o map[string]any) {
	s.t.Helper()
	out := s.ask(id)
	require.NoError(s.t, json.Unmarshal([]byte(out), &o), "%s: %s", id, out)
	return o
}

// list is ask for an answer that is one of objects; something is in it.
func (s *speaker) list(id string) (l []map[string]any) {
	s.t.Helper()
	out := s.ask(id)
	require.NoError(s.t, json.Unmarshal([]byte(out), &l), "%s: %s", id, out)
	require.NotEmpty(s.t, l, id)
	return l
}

// does is ask for what answers nothing, and the state the call is in then.
func (s *speaker) does(id, state string) {
	s.t.Helper()
	require.Empty(s.t, s.ask(id), id)
	require.Equal(s.t, state, s.State(s.in["CALL"]), id)
}

// talk makes CALL a call that is placed and answered.
func (s *speaker) talk() string {
	s.t.Helper()
	call := s.object("placeCall")["call_id"].(string)
	s.in["CALL"] = call
	s.Until(call, "active")
	return call
}

// two makes CALL one that talks, and OTHER_CALL one on hold.
func (s *speaker) two() {
	s.t.Helper()
	s.in["OTHER_CALL"] = s.talk()
	s.ask("holdCall")
	s.talk()
}

// rung makes CALL one that comes in.
func (s *speaker) rung() {
	s.t.Helper()
	made := rig.Must(s.t, 201, "POST", s.Sim("/simulator/calls"), "", fmt.Sprintf(`{"subscriber_id":%q,"remote_number":"+442079460001"}`, s.who)).JSON(s.t)
	for range rig.Poll(20 * time.Second) {
		for _, c := range rig.Must(s.t, 200, "GET", s.API("/calls"), s.Key, "").List(s.t) {
			if c["provider_call_id"] == made["call_id"] {
				s.in["CALL"] = c["call_id"].(string)
				return
			}
		}
	}
	s.t.Fatal("the call that rings is not listed")
}

// tell asks for everything.
func (s *speaker) tell() {
	t := s.t
	require.Contains(t, s.ask("getDocument"), "openapi: 3.1.0")
	require.Contains(t, s.ask("getReference"), "<html")
	require.Equal(t, s.who, s.list("listSubscribers")[0]["subscriber_id"])
	require.Equal(t, s.who, s.object("getSubscriber")["subscriber_id"])
	for range rig.Poll(20 * time.Second) { // what began before is told to nobody
		a := rig.Must(t, 200, "GET", s.Admin("/admin/subscribers/"+s.who), rig.Operator, "").JSON(t)
		if status, _ := a["provider_status"].(map[string]any); status["state"] == "subscribed" {
			break
		}
	}
	require.Equal(t, s.in["NETWORK"], s.list("listNetworks")[0]["network_id"])
	require.Equal(t, s.in["NETWORK"], s.object("getNetwork")["network_id"])

	require.Contains(t, s.object("putWebhook")["secret"], "whsec_")
	require.Equal(t, s.in["WEBHOOK_URL"], s.object("getWebhook")["url"])
	require.Equal(t, "calls", s.list("listWebhooks")[0]["kind"])
	require.Equal(t, true, s.object("testWebhook")["delivered"])
	require.Contains(t, s.object("rotateSecret")["secret"], "whsec_")
	require.Contains(t, s.object("rotateSigningKey")["signing_public_key"], "whpk_")

	call := s.talk()
	require.Equal(t, call, s.list("listCalls")[0]["call_id"])
	require.Equal(t, call, s.list("listSubscriberCalls")[0]["call_id"])
	require.Equal(t, "active", s.object("getCall")["state"])
	s.does("holdCall", "held")
	s.does("resumeCall", "active")
	s.does("holdCall", "held")
	s.does("reconnectCall", "active")
	s.does("sendDigits", "active")
	for _, c := range []struct{ id, recording string }{
		{"startRecording", "started"}, {"pauseRecording", "paused"}, {"resumeRecording", "started"}, {"stopRecording", "stopped"},
	} {
		s.does(c.id, "active")
		require.Equal(t, c.recording, s.object("getCall")["recording"])
	}
	s.does("endCall", "released")
	require.NotEmpty(t, s.list("getTimeline"))
	require.Equal(t, call, s.list("listCallHistory")[0]["call_id"])

	s.conferences()
	s.elsewhere()
	s.hooks(call)
}

func (s *speaker) conferences() {
	t := s.t
	s.two()
	made := s.object("startConference")
	require.Equal(t, "board", made["client_ref"])
	s.in["CONFERENCE"] = made["conference_id"].(string)
	require.Equal(t, made["conference_id"], s.list("listConferences")[0]["conference_id"])
	for _, c := range []struct {
		id, flag string
		is       bool
	}{{"muteParticipant", "muted", true}, {"unmuteParticipant", "muted", false}, {"deafenParticipant", "deaf", true}, {"undeafenParticipant", "deaf", false}} {
		s.does(c.id, "active")
		require.Equal(t, c.is, s.object("getCall")[c.flag], c.id)
	}
	require.Equal(t, "active", s.object("getConference")["state"])
	require.Empty(t, s.ask("endConference"))
	s.Until(s.in["CALL"], "released")
	s.Until(s.in["OTHER_CALL"], "released")
}

// elsewhere: calls that go where the subscriber is not.
func (s *speaker) elsewhere() {
	t := s.t
	for _, c := range []struct{ id, cause string }{{"transferCall", "transferred"}, {"muteTransferCall", "transferred"}} {
		s.talk()
		s.does(c.id, "released")
		require.Equal(t, c.cause, s.object("getCall")["cause"])
	}
	s.two()
	s.does("consultTransferCall", "released")

	s.talk()
	s.does("parkCall", "released")
	s.in["CALL"] = s.object("retrieveCall")["call_id"].(string)
	s.Until(s.in["CALL"], "active")
	s.does("endCall", "released")

	s.rung()
	s.does("answerCall", "active")
	s.does("endCall", "released")
	for _, c := range []struct{ id, cause string }{{"declineCall", "rejected"}, {"divertCall", "redirected"}} {
		s.rung()
		s.does(c.id, "released")
		require.Equal(t, c.cause, s.object("getCall")["cause"])
	}
}

// hooks: what was told of all this, and is told again.
func (s *speaker) hooks(first string) {
	t := s.t
	require.Contains(t, s.ask("listEvents"), first)
	require.Contains(t, s.stream(), "event: snapshot")
	s.settled()
	require.NotEmpty(t, s.list("listAttempts"))
	s.ask("pauseWebhook")
	require.Equal(t, true, s.object("getWebhook")["paused"])
	s.ask("resumeWebhook")
	s.ask("pauseStream")
	s.talk()
	s.does("endCall", "released")
	require.Equal(t, true, s.list("listStreams")[0]["paused"])
	s.ask("resumeStream")
	s.settled()
	s.mu.Lock()
	before := s.told
	s.mu.Unlock()
	require.Equal(t, "1", s.object("redeliverEvent")["sequence_number"])
	s.mu.Lock()
	require.Equal(t, before+1, s.told)
	s.mu.Unlock()
	s.in["TASK"] = s.object("startRedelivery")["task_id"].(string)
	require.Equal(t, s.in["TASK"], s.list("listRedeliveries")[0]["task_id"])
	require.Equal(t, s.in["TASK"], s.object("getRedelivery")["task_id"])
	require.Empty(t, s.ask("cancelRedelivery"))
	filter := s.object("patchWebhook")["filter"].(map[string]any)
	require.Equal(t, []any{"active", "released"}, filter["states"])
	require.Empty(t, s.ask("deleteWebhook"))
	require.JSONEq(t, "[]", s.ask("listWebhooks"))
}

// settled waits until nothing waits for the webhook.
func (s *speaker) settled() {
	s.t.Helper()
	for range rig.Poll(20 * time.Second) {
		now := rig.Must(s.t, 200, "GET", s.API("/webhooks/calls"), s.Key, "").JSON(s.t)["delivery"].(map[string]any)
		if now["waiting_streams"] == 0.0 && now["in_flight"] == 0.0 {
			return
		}
	}
	s.t.Fatal("events wait for the webhook")
}

// stream is the first event of a stream; who follows it is stopped then.
func (s *speaker) stream() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := s.cmd(ctx, "streamEvents")
	out, err := cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "data: ") {
			break
		}
	}
	cancel()
	_ = cmd.Wait() // stopped
	return said.String()
}
