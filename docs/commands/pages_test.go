package commands

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }

// stories are how each page with something to run is run.
var stories = map[string]func(s *stage){
	"README.md":               readme,
	"docs/quick-start.md":     quickStart,
	"docs/snippets/README.md": snippets,
	"docs/broadworks.md":      anyApp,
	"docs/calls.md":           calls,
	"docs/events.md":          anyApp,
	"docs/operating.md":       anyApp,
	"docs/simulator.md":       simulator,
	"docs/webhook-api.md":     webhookAPI,
	"docs/webhooks.md":        webhooks,
}

// Whoever types what the documents say sees what they promise.
func TestWhatThePagesTellToTypeWorks(t *testing.T) {
	for page, story := range stories {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.page = page
			story(s)
		})
	}
}

// said waits for words, in order, of something that runs behind.
func (s *stage) said(what func() string, words ...string) {
	s.t.Helper()
	for range rig.Poll(30 * time.Second) {
		rest, ok := what(), true
		for _, word := range words {
			if _, rest, ok = strings.Cut(rest, word); !ok {
				break
			}
		}
		if ok {
			return
		}
	}
	s.t.Fatalf("%q is not in\n%s", words, what())
}

func (s *stage) serveLog() string { return s.log("serve") }

// out is what the reader's own terminal shows.
func (s *stage) out() string {
	text, _ := os.ReadFile(s.dir + "/out")
	return string(text)
}

// The five minutes: the app's first receiver sees the call begin, the reader's
// own one sees it held, resumed and over.
func readme(s *stage) {
	s.typePage(map[string]string{
		"SECRET=":    until,
		"ask -X PUT": "sleep 1",
	})
	s.said(s.serveLog, "ringing", "active")
	s.said(s.out, "oa_", "ready http", "held", "active", "released")
	// The webhook leads to the reader's own receiver now, and the script of the demo says so.
	script := "sh offhook-data/demo.sh"
	page, err := os.ReadFile(root + "/README.md")
	require.NoError(s.t, err)
	require.Contains(s.t, string(page), script)
	said := s.run(script)
	require.Contains(s.t, said, "leads to "+s.ports.Replace("http://127.0.0.1:9000"))
	require.Contains(s.t, said, `"to":"released"`)
	require.NotContains(s.t, s.serveLog(), "oa_", "its output is a file, and has no secret")
	require.NotContains(s.t, s.serveLog(), "ok_live_")
}

func quickStart(s *stage) {
	s.typePage(nil)
	s.said(s.out, "ready http", "#1", "ringing", "#2", "active", "#3", "released", "#4", "ringing", "#5", "active", "#6", "released")
	require.Contains(s.t, s.out(), `"kind":"transition"`)
}

func snippets(s *stage) {
	s.typePage(map[string]string{"eval": serve})
	require.Contains(s.t, s.out(), `"subscriber_id":"alice@demo.example"`)
	require.Contains(s.t, s.out(), `"state":"ringing"`)
}

// serve starts offhook, as the reader has before.
const serve = `
export OFFHOOK_WEBHOOKS_ALLOW_HTTP=true OFFHOOK_WEBHOOKS_ALLOW_PRIVATE_NETWORKS=true
offhook serve
`

// known is what the pages for those who know take for granted: the demo's app, its key and
// so on, and phones that answer at once.
const known = serve + `
eval "$(grep -m4 '^[A-Z]*=' offhook-data/demo.sh)"
TOKEN=$(cat offhook-data/admin-token)
ADMIN_TOKEN=$TOKEN NETWORK=0d3f6c1e-52a9-4a7b-b0b4-9a1e6f2c8d47 SUBSCRIBER=alice@demo.example
curl -sS -X PUT $SIM/simulator/phones/alice@demo.example -d '{"answer_after_ms":5,"far_end":"answer","far_end_after_ms":5}'
place() {
	CALL=$(curl -sS -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' "$API/apps/$APP/calls" \
		-d '{"subscriber_id":"alice@demo.example","subscriber_number":"+12015550100","remote_number":"+442079460018"}' |
		sed 's/.*"call_id":"\([^"]*\)".*/\1/')
` + until + `
}
`

// until waits for $CALL to be active.
const until = `
	tries=0
	until curl -sS -H "Authorization: Bearer $KEY" "$API/apps/$APP/calls/$CALL" | grep -q '"state":"active"' || [ $tries -gt 100 ]; do
		tries=$((tries + 1)); sleep 0.1
	done
`

// anyApp types a page that takes the demo for granted.
func anyApp(s *stage) { s.typePage(map[string]string{"": known}) }

func calls(s *stage) {
	s.typePage(map[string]string{
		"BASE=": known + "place",
		"ask $BASE/conferences": `
place; FIRST=$CALL
ask -sS -X PUT $BASE/calls/$FIRST/hold
place; SECOND=$CALL`,
	})
	require.Contains(s.t, s.out(), `"conference_id":`)
}

func simulator(s *stage) {
	page, err := os.ReadFile(root + "/docs/simulator.md")
	require.NoError(s.t, err)
	story := strings.Split(string(page), "```")[1]
	require.NoError(s.t, os.WriteFile(s.dir+"/story.txt", []byte(story), 0o600))
	s.typePage(nil)
	s.said(func() string { return s.log("simulate") }, "does=ring")
}

func webhooks(s *stage) {
	s.typePage(nil)
}

func webhookAPI(s *stage) {
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	s.t.Cleanup(hook.Close)
	s.replace("https://crm.example.com", hook.URL)
	set := `ask -sS -X PUT $HOOKS/calls -d '{"url":"https://crm.example.com/calls","signing":"v1+v1a"}'`
	s.typePage(map[string]string{
		"HOOKS=": known + `
KEY=$(curl -sS -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' http://127.0.0.1:8081/admin/apps -d '{"app_id":"crm","name":"CRM"}' | sed 's/.*"api_key":"\([^"]*\)".*/\1/')
APP=crm
curl -sS -X PUT -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8081/admin/apps/crm/subscribers/alice@demo.example`,
		"ask -X PUT $HOOKS/calls/rotate-secret": set,
		"ask \"$HOOKS/calls/attempts":           `place; sleep 1`,
	})
}
