package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/provider/simulator"
)

var update = flag.Bool("update", false, "write the golden files anew")

func aScript() demoScript {
	return demoScript{
		API: "http://127.0.0.1:8080", Simulator: "http://127.0.0.1:8082", Receiver: "http://127.0.0.1:40404/",
		App: demoApp, Key: "ok_live_0123456789abcdefghijklmnopqrstuvwxyz",
		Phones: []simulator.Phone{
			{SubscriberID: "alice@demo.example", SubscriberNumber: "+12015550100", SubscriberName: "Alice Archer"},
			{SubscriberID: "bob@demo.example", SubscriberNumber: "+12015550101", SubscriberName: "Bob Baker"},
		},
	}
}

func TestTheScriptIsWhatIsPrinted(t *testing.T) {
	const golden = "testdata/demo.sh"
	have := aScript().String()
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(have), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), have)
}

// It is pasted into shells that are not sh: see demoScript.
func TestTheScriptSurvivesAnyShell(t *testing.T) {
	s := aScript()
	s.Phones[0].SubscriberName = "Sinéad O'Brien (\"#1\"!) $HOME `id`"
	for _, line := range strings.Split(s.String(), "\n") {
		if comment, is := strings.CutPrefix(line, "#"); is {
			require.False(t, strings.ContainsAny(comment, "'\"`!()$&;|<>*?[]\\"), "in a comment: %s", line)
			continue
		}
		require.NotContains(t, line, " #", "a comment behind a command")
		require.NotContains(t, line, "!", "history expansion")
		require.NotRegexp(t, `\bexit\b`, line)
	}
}

func TestQuoting(t *testing.T) {
	for _, s := range []string{"plain", "", "it's", `a "b" $HOME`, "back`tick`", `\`, "new\nline", "*", "~", "-n", "Łukasz"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(s)).Output()
		require.NoError(t, err)
		if s != "-n" { // some printf commands take it for an option
			require.Equal(t, s, string(out))
		}
	}
	require.Equal(t, "http://127.0.0.1:8080", quote("http://127.0.0.1:8080"))
	require.Equal(t, "alice@demo.example", inURL("alice@demo.example"))
	require.NotContains(t, inURL("a b/c$d!`e`\"f"), "$")
}

func TestWhereAListenerIsReached(t *testing.T) {
	for _, it := range []struct{ ip, want string }{
		{"0.0.0.0", "http://127.0.0.1:80"}, {"::", "http://127.0.0.1:80"}, {"::1", "http://[::1]:80"}, {"10.1.2.3", "http://10.1.2.3:80"},
	} {
		require.Equal(t, it.want, reachable("http", &net.TCPAddr{IP: net.ParseIP(it.ip), Port: 80}))
	}
}

// stage plays the API, the simulator's control paths and the receiver's page,
// strictly: a request that is not as documented fails the test.
type stage struct {
	t     *testing.T
	mu    sync.Mutex
	calls map[string]*staged
	told  []string
	hook  string // the app's webhook
	asked int    // states asked for; each call needs two looks to get anywhere
}

type staged struct{ id, subscriber, provider, state, next string }

func (s *stage) enter(c *staged, state string) {
	c.state = state
	s.told = append(s.told, fmt.Sprintf("12:00:00.000  %-8s  outgoing  #%d  %s  %s", state, len(s.told)+1, c.id, c.subscriber))
}

func (s *stage) object(c *staged) string {
	return fmt.Sprintf(`{"subscriber_id":%q,"subscriber_name":"A } \" B","call_id":%q,"direction":"incoming","state":%q,"phase":"x","provider_call_id":%q}`,
		c.subscriber, c.id, c.state, c.provider)
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	app := "/apps/" + demoApp
	if strings.HasPrefix(r.URL.Path, "/apps/") && r.Header.Get("Authorization") != "Bearer "+aScript().Key {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var ask map[string]string
	if r.Method == http.MethodPost {
		if r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &ask) != nil {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
	}
	path := strings.TrimPrefix(r.URL.Path, app)
	switch {
	case r.Method == "POST" && path == "/calls":
		c := &staged{id: "callhalf-100:0", subscriber: ask["subscriber_id"], provider: "callhalf-7:0", next: "active"}
		s.calls[c.id] = c
		s.enter(c, "ringing")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, s.object(c))
	case r.Method == "POST" && path == "/simulator/calls":
		other := &staged{id: "callhalf-199:0", subscriber: ask["subscriber_id"], provider: "callhalf-8:0", state: "active"}
		c := &staged{id: "callhalf-200:0", subscriber: ask["subscriber_id"], provider: "callhalf-9:0"}
		s.calls[other.id], s.calls[c.id] = other, c
		s.enter(c, "ringing")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"call_id":%q,"tracking_id":"t"}`, c.provider)
	case r.Method == "GET" && strings.HasPrefix(path, "/subscribers/") && strings.HasSuffix(path, "/calls"):
		var list []string
		for _, c := range s.calls {
			if "/subscribers/"+c.subscriber+"/calls" == path && c.state != "released" {
				list = append(list, s.object(c))
			}
		}
		fmt.Fprint(w, "["+strings.Join(list, ",")+"]")
	case r.Method == "GET" && path == "/webhooks/calls":
		fmt.Fprint(w, s.hook)
	case r.Method == "GET" && path == "/calls/callhalf-100:0/timeline":
		fmt.Fprint(w, `[{"at":1,"kind":"fact","event":"x"},{"at":1,"kind":"transition","to":"ringing"},{"at":2,"kind":"attempt","status":200}]`)
	case r.Method == "GET" && path == "/":
		fmt.Fprintln(w, strings.Join(s.told, "\n"))
	case strings.HasPrefix(path, "/calls/"):
		id, verb, _ := strings.Cut(strings.TrimPrefix(path, "/calls/"), "/")
		c := s.calls[id]
		if c == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.call(w, r.Method+" "+verb, c)
	default:
		s.t.Errorf("not a route: %s %s", r.Method, r.URL.Path)
	}
}

func (s *stage) call(w http.ResponseWriter, what string, c *staged) {
	allowed := map[string][2]string{
		"PUT answer": {"ringing", "active"}, "PUT hold": {"active", "held"}, "PUT resume": {"held", "active"}, "DELETE ": {"active", "released"},
	}
	if what == "GET " {
		if c.next != "" { // the other end answers after the second look
			if s.asked++; s.asked == 2 {
				s.enter(c, c.next)
				c.next = ""
			}
		}
		fmt.Fprint(w, s.object(c))
		return
	}
	step, known := allowed[what]
	if !known || c.state != step[0] {
		s.t.Errorf("%q while the call is %s", what, c.state)
		w.WriteHeader(http.StatusConflict)
		return
	}
	s.enter(c, step[1])
	w.WriteHeader(http.StatusNoContent)
}

func TestTheScriptPlaysTheWholeDemo(t *testing.T) {
	s := &stage{t: t, calls: map[string]*staged{}}
	server := httptest.NewServer(s)
	defer server.Close()
	script := aScript()
	script.API, script.Simulator, script.Receiver = server.URL, server.URL, server.URL+"/"
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, shell := range [][]string{{"sh"}, {"sh", "-eu"}} { // once as pasted, once strictly
		s.calls, s.told, s.asked = map[string]*staged{}, nil, 0
		s.hook = `{"url":"http://127.0.0.1:1/calls?demo","paused":false,"disabled":""}`
		cmd := exec.CommandContext(ctx, shell[0], shell[1:]...)
		cmd.Stdin = strings.NewReader(script.String())
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		var seen []string
		for _, line := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(line, "callhalf-") {
				seen = append(seen, line)
			}
		}
		require.Equal(t, []string{
			"callhalf-100:0 is active", "callhalf-100:0 is held", "callhalf-100:0 is active", "callhalf-100:0 is released",
			"callhalf-200:0 is ringing", "callhalf-200:0 is active", "callhalf-200:0 is released",
		}, seen)
		var states []string
		for _, line := range strings.Split(string(out), "\n") {
			if strings.HasPrefix(line, "12:00") && strings.Contains(line, "callhalf-100:0") {
				states = append(states, strings.Fields(line)[1])
			}
		}
		require.Equal(t, []string{"ringing", "active", "held", "active", "released"}, states)
	}
}

// Who has set another receiver is told so at once, and sees what was told anyway.
func TestTheScriptEndsWellWhereTheWebhookLeadsElsewhere(t *testing.T) {
	for hook, want := range map[string]string{
		`{"url":"http://127.0.0.1:9000/in?token=x","paused":false,"disabled":""}`: "leads to http://127.0.0.1:9000/in, or is paused",
		`{"url":"http://127.0.0.1:1/calls?demo","paused":true,"disabled":""}`:     "leads to http://127.0.0.1:1/calls, or is paused",
		`{"code":"not_found"}`: "leads to nowhere, or is paused",
	} {
		s := &stage{t: t, calls: map[string]*staged{}, hook: hook}
		server := httptest.NewServer(s)
		script := aScript()
		script.API, script.Simulator, script.Receiver = server.URL, server.URL, server.URL+"/"
		cmd := exec.CommandContext(t.Context(), "sh", "-eu")
		cmd.Stdin = strings.NewReader(script.String())
		out, err := cmd.CombinedOutput()
		server.Close()
		require.NoError(t, err, string(out))
		_, end, found := strings.Cut(string(out), "The demo receiver is told nothing: ")
		require.True(t, found, string(out))
		require.Contains(t, end, want)
		require.Contains(t, end, `{"at":1,"kind":"transition","to":"ringing"}`+"\n"+`{"at":2,"kind":"attempt","status":200}`+"\n")
		require.NotContains(t, end, "fact")
	}
}
