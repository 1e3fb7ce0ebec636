package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"offhook/docs"
	"offhook/transport/openapitest"
)

// commandOf is how each operation of the two documents is asked for in a shell. One that has
// its like in both is asked by the same words: with a key as the app, without as the operator.
var commandOf = map[string]string{
	"listCalls":            "call list",
	"listSubscriberCalls":  "call list --subscriber anna@example.com",
	"listAllCalls":         "call list --all",
	"placeCall":            "call place anna@example.com +15125550142 --name Anna --remote-name Jenny --client-ref order",
	"retrieveCall":         "call retrieve anna@example.com 4711 --name Anna --client-ref order",
	"getCall":              "call show callhalf-1:0",
	"endCall":              "call end callhalf-1:0",
	"answerCall":           "call answer callhalf-1:0",
	"declineCall":          "call decline callhalf-1:0",
	"holdCall":             "call hold callhalf-1:0",
	"resumeCall":           "call resume callhalf-1:0",
	"reconnectCall":        "call reconnect callhalf-1:0",
	"divertCall":           "call divert callhalf-1:0 --voicemail",
	"transferCall":         "call transfer callhalf-1:0 +15125550142",
	"muteTransferCall":     "call mute-transfer callhalf-1:0 +15125550142",
	"consultTransferCall":  "call consult-transfer callhalf-1:0 callhalf-2:0",
	"parkCall":             "call park callhalf-1:0 --group",
	"sendDigits":           "call dtmf callhalf-1:0 12#",
	"startRecording":       "call record callhalf-1:0 start",
	"pauseRecording":       "call record callhalf-1:0 pause",
	"resumeRecording":      "call record callhalf-1:0 resume",
	"stopRecording":        "call record callhalf-1:0 stop",
	"getTimeline":          "call timeline callhalf-1:0",
	"listCallHistory":      "call history --subscriber anna@example.com --direction incoming --answered true --cause no_answer --since 48h --until 24h",
	"listConferences":      "call conference list",
	"startConference":      "call conference start callhalf-1:0 callhalf-2:0 --client-ref board --idempotency-key once",
	"getConference":        "call conference show conference-4231",
	"endConference":        "call conference end conference-4231",
	"muteParticipant":      "call conference mute conference-4231 callhalf-1:0",
	"unmuteParticipant":    "call conference unmute conference-4231 callhalf-1:0",
	"deafenParticipant":    "call conference deaf conference-4231 callhalf-1:0",
	"undeafenParticipant":  "call conference undeaf conference-4231 callhalf-1:0",
	"listSubscribers":      "subscriber list",
	"getSubscriber":        "subscriber show anna@example.com",
	"putSubscriber":        "subscriber put anna@example.com --number +15125550123 --network n --name Anna --account a --provider-user anna --extension 123",
	"deleteSubscriber":     "subscriber delete anna@example.com",
	"linkSubscriber":       "subscriber link crm anna@example.com",
	"unlinkSubscriber":     "subscriber unlink crm anna@example.com",
	"provisionSubscribers": "subscriber import -",
	"listNetworks":         "network list",
	"getNetwork":           "network show n",
	"createNetwork":        "network create --id n --xsp https://xsp1.example.com --username admin@example.com --password-file - --country-code 1 --idempotency-key once",
	"patchNetwork": "network set n --srv xsp.example.com --xsp-ca-file ca.pem --application-id a --subscribe group --target big --target sp/ --target sp/g --without recording_start " +
		"--events http_contact --contact-listen :9443 --contact-url https://here.example.com/xsi --contact-allow 192.0.2.0/24 --allow 1 --deny 1900 --park-retrieve-code *88 --password-file -",
	"deleteNetwork":       "network delete n",
	"rotateContact":       "network rotate-contact n --idempotency-key once",
	"confirmProvisioning": "network confirm-deletions n",
	"listEvents":          "events list --after AAAAAAAAAAAAAAAAAAAAAA --subscriber anna@example.com --limit 1",
	"streamEvents":        "events tail --after AAAAAAAAAAAAAAAAAAAAAA --subscriber anna@example.com --count 1",
	"listWebhooks":        "webhook list",
	"getWebhook":          "webhook show calls",
	"putWebhook":          "webhook set operations --url https://crm.example.com/operations --secret-file -",
	"patchWebhook": "webhook set calls --url https://crm.example.com/calls --batch --no-extended --signing v1+v1a --subscriber anna@example.com --state active --direction incoming " +
		"--headers-file -",
	"deleteWebhook":    "webhook remove calls",
	"rotateSecret":     "webhook rotate-secret calls --overlap 1h --secret-file - --idempotency-key once",
	"rotateSigningKey": "webhook rotate-signing-key calls --overlap 0s",
	"testWebhook":      "webhook test calls",
	"pauseWebhook":     "webhook pause calls",
	"resumeWebhook":    "webhook resume calls",
	"listStreams":      "webhook stream list calls",
	"pauseStream":      "webhook stream pause calls anna@example.com",
	"resumeStream":     "webhook stream resume calls anna@example.com",
	"listAttempts":     "webhook attempts calls --subscriber anna@example.com --sequence 2 --failed",
	"redeliverEvent":   "webhook redeliver calls --subscriber anna@example.com --sequence 2",
	"listRedeliveries": "webhook redelivery list calls",
	"startRedelivery":  "webhook redeliver calls --subscriber anna@example.com --from 1 --to 9 --since 48h --until 24h --no-wait",
	"getRedelivery":    "webhook redelivery show calls rpl_1",
	"cancelRedelivery": "webhook redelivery cancel calls rpl_1",
	"listApps":         "app list",
	"createApp":        "app create CRM --id crm --challenge --calls-url https://crm.example.com/calls --subscriber-url https://crm.example.com/s --idempotency-key once",
	"getApp":           "app show crm",
	"patchApp":         "app set crm --name East --no-challenge --calls-url https://crm.example.com/calls --no-subscriber-url",
	"deleteApp":        "app delete crm",
	"createKey":        "app key add crm --scope calls:read --idempotency-key once",
	"deleteKey":        "app key remove crm 0GgmPqKqkbn",
	"createBackup":     "backup /nowhere/monday",
	"getLog":           "log",
	"putLog":           "log debug",
	"getAbout":         "status",
	"getReadiness":     "status",
}

// noCommand are operations that nobody asks for in a shell, and why.
var noCommand = map[string]string{
	"getDocument":     "to be read by programs: curl fetches it",
	"getReference":    "a page for a browser",
	"getConsole":      "a page for a browser",
	"getConsoleFile":  "a part of that page",
	"followAllCalls":  "rows for the console's board; events tail follows what happens",
	"getHealth":       "for whoever restarts processes; status asks for more",
	"getMetrics":      "for Prometheus",
	"getProfile":      "for go tool pprof",
	"postProfile":     "for go tool pprof",
	"getRoot":         "leads a browser to the console",
	"getConsoleBelow": "the same",
}

// noCommandOf are tags of which no operation has one.
var noCommandOf = map[string]string{
	"Simulator": "of make-believe phones: docs/simulator.md has each of them for curl",
}

// noOperation are commands that ask nothing of an API, or do so by way of others.
var noOperation = []string{
	"serve", "simulate", "listen", "bench", "version", "help", "completion", "restore", "doctor",
	"app key rotate", // createKey, deleteKey
}

// stdin is what commands with “-” are given.
var stdin = map[string]string{
	"createNetwork": "correct horse\n", "patchNetwork": "battery staple\n", "provisionSubscribers": "{}\n", "patchWebhook": "X-Gateway: east\r\nX-Key: s3cret: really\n",
	"putWebhook": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "rotateSecret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}

// paper is an offhook that is a document: whatever is asked is answered with the document's
// own example, and must be as the document has it.
type paper struct {
	t     *testing.T
	judge *openapitest.Document
	root  map[string]any
	url   string

	mu     sync.Mutex
	asked  []string
	bodies map[string]string
}

func onPaper(t *testing.T, text string, judge *openapitest.Document) *paper {
	t.Helper()
	p := &paper{t: t, judge: judge}
	require.NoError(t, yaml.Unmarshal([]byte(text), &p.root))
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// anew forgets what was asked.
func (p *paper) anew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.bodies = nil, map[string]string{}
}

// at follows a reference.
func (p *paper) at(v any) map[string]any {
	m, _ := v.(map[string]any)
	ref, ok := m["$ref"].(string)
	if !ok {
		return m
	}
	next := any(p.root)
	for _, key := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		next = next.(map[string]any)[key]
	}
	return p.at(next)
}

// operations are all of the document, by method and path.
func (p *paper) operations() map[string]map[string]any {
	all := map[string]map[string]any{}
	for path, item := range p.at(p.root["paths"]) {
		for method, op := range p.at(item) {
			if method != "parameters" {
				all[strings.ToUpper(method)+" "+path] = p.at(op)
			}
		}
	}
	return all
}

// ids are those of all operations that may have a command.
func (p *paper) ids() (all []string) {
	for _, op := range p.operations() {
		if tag := op["tags"].([]any)[0].(string); noCommandOf[tag] == "" {
			all = append(all, op["operationId"].(string))
		}
	}
	return all
}

// operation is the one of a request: of those that fit, the one with the most words.
func (p *paper) operation(r *http.Request) (best map[string]any) {
	most := -1
	given := strings.Split(r.URL.EscapedPath(), "/")
	for key, op := range p.operations() {
		method, path, _ := strings.Cut(key, " ")
		template := strings.Split(path, "/")
		words, fits := 0, method == r.Method && len(template) == len(given)
		for i := 0; fits && i < len(template); i++ {
			if !strings.HasPrefix(template[i], "{") {
				words++
				fits = template[i] == given[i]
			}
		}
		if fits && words > most {
			best, most = op, words
		}
	}
	return best
}

func (p *paper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, _ := io.ReadAll(r.Body)
	op := p.operation(r)
	if op == nil {
		p.t.Errorf("%s %s is no operation", r.Method, r.URL)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, op["operationId"].(string))
	p.bodies[op["operationId"].(string)] = string(sent)
	p.mu.Unlock()
	responses := p.at(op["responses"])
	status, err := strconv.Atoi(slices.Sorted(maps.Keys(responses))[0]) // 2xx
	if err != nil {
		p.t.Error(err)
	}
	resp := p.at(responses[strconv.Itoa(status)])
	if resp["headers"] != nil {
		for name, value := range map[string]string{"Location": "/made", "Events-Cursor": "AAAAAAAAAAAAAAAAAAAAAQ"} {
			if p.at(resp["headers"])[name] != nil {
				w.Header().Set(name, value)
			}
		}
	}
	text := []byte{}
	for typ, content := range p.at(resp["content"]) {
		w.Header().Set("Content-Type", typ)
		text = p.example(p.at(content))
		if typ == "text/event-stream" {
			event, err := json.Marshal(p.at(p.at(p.at(p.root["components"])["examples"])["CallEvent"])["value"])
			if err != nil {
				p.t.Error(err)
			}
			text = append(append([]byte("id: AAAAAAAAAAAAAAAAAAAAAQ\nevent: call.state\ndata: "), event...), "\n\n"...)
		}
	}
	w.WriteHeader(status)
	_, _ = w.Write(text)
	err = p.judge.Check(openapitest.Exchange{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header, Body: sent,
		Status: status, Answer: w.Header(), Text: text, Cut: w.Header().Get("Content-Type") == "text/event-stream"})
	if err != nil {
		p.t.Error(err)
	}
}

// example is a body as the document shows it.
func (p *paper) example(content map[string]any) []byte {
	v := content["example"]
	if all := p.at(content["examples"]); v == nil && len(all) > 0 {
		v = p.at(all[slices.Sorted(maps.Keys(all))[0]])["value"]
	}
	if v == nil && p.at(content["schema"])["type"] == "array" {
		v = []any{}
	}
	text, err := json.Marshal(v)
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// Every operation of the documents has a command that asks for it as the document says, or a
// reason for having none; every command that is not of this machine alone is one of these.
func TestEveryOperationHasACommand(t *testing.T) {
	for name, d := range map[string]struct {
		text  string
		judge *openapitest.Document
		env   func(url string) map[string]string
	}{
		"with a key": {docs.OpenAPI, openapitest.Public(), func(url string) map[string]string {
			return map[string]string{envAPI: url, envAPIKey: "ok_live_1", envApp: "crm"}
		}},
		"as the operator": {docs.AdminOpenAPI, openapitest.Admin(), func(url string) map[string]string {
			return map[string]string{envAdmin: url, "OFFHOOK_ADMIN_TOKEN": "oa_1", envApp: "crm"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := onPaper(t, d.text, d.judge)
			require.Greater(t, len(p.ids()), 40)
			for _, id := range p.ids() {
				same, asApp := strings.CutSuffix(id, "AsApp") // what the operator does in an app's place
				line, ok := commandOf[same]
				if !ok {
					require.Contains(t, noCommand, id, "%s is in the document: give it a command, or say why there is none", id)
					continue
				}
				words := strings.Fields(line)
				if asApp {
					words = append(words, "--app", "crm")
				}
				for _, as := range [][]string{nil, {"--json"}} {
					p.anew()
					r := runWith(t, stdin[id], d.env(p.url), append(words, as...)...)
					want := map[string]int{"redeliverEvent": exitFailure, "provisionSubscribers": exitFailure}[id] // the examples are of such
					require.Equal(t, want, r.code, "%s\n%s%s", line, r.stdout, r.stderr)
					require.Contains(t, p.asked, id, line)
					if as != nil {
						require.True(t, json.Valid([]byte(r.stdout)), "%s --json\n%s", line, r.stdout)
					}
				}
			}
		})
	}
}

func TestEveryCommandIsOfAnOperation(t *testing.T) {
	parser := func() *kong.Kong {
		k, err := kong.New(&commands{}, kong.Name("offhook"), kong.Vars{"sim_listen": ""})
		require.NoError(t, err)
		return k
	}
	known := slices.Clone(noOperation)
	for _, line := range commandOf {
		c, err := parser().Parse(strings.Fields(line))
		require.NoError(t, err, line)
		known = append(known, words(c))
	}
	for _, leaf := range parser().Model.Leaves(true) {
		require.Contains(t, known, strings.TrimPrefix(leaf.Path(), "offhook "))
	}
	for id := range noCommand {
		require.NotContains(t, commandOf, id)
	}
}

// What is secret comes by a file, and goes where it belongs.
func TestSecretsComeByFiles(t *testing.T) {
	p := onPaper(t, docs.AdminOpenAPI, openapitest.Admin())
	ask := func(id, line string) string {
		p.anew()
		r := runWith(t, stdin[id], map[string]string{envAdmin: p.url, "OFFHOOK_ADMIN_TOKEN": "oa_1", envApp: "crm"}, strings.Fields(line)...)
		require.Zero(t, r.code, r.stderr)
		return p.bodies[id]
	}
	require.JSONEq(t, `{"network_id":"n","provider":"broadworks","dialing":{"country_code":"1"},
		"broadworks":{"xsps":["https://xsp1.example.com"],"username":"admin@example.com","password":"correct horse"}}`, ask("createNetwork", commandOf["createNetwork"]))
	require.JSONEq(t, `{"broadworks":{"password":"battery staple"}}`, ask("patchNetwork", "network set n --password-file -"))
	require.JSONEq(t, `{"url":"https://crm.example.com/calls","batch":true,"extended_events":false,"signing":"v1+v1a",
		"filter":{"subscribers":["anna@example.com"],"states":["active"],"directions":["incoming"]},"headers":{"X-Gateway":"east","X-Key":"s3cret: really"}}`,
		ask("patchWebhook", commandOf["patchWebhook"]))
	require.JSONEq(t, `{"filter":null,"headers":null}`, ask("patchWebhook", "webhook set calls --everything --no-headers"))
	require.JSONEq(t, `{"overlap_seconds":3600,"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, ask("rotateSecret", commandOf["rotateSecret"]))
	require.JSONEq(t, `{"scopes":["calls:read","calls:control"]}`, ask("createKey", "app key rotate crm 0GgmPqKqkbn"))
}

func runWith(t *testing.T, input string, env map[string]string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	p := program{stdin: strings.NewReader(input), stdout: &out, stderr: &errs, env: env}
	code := p.run(args)
	return ran{code: code, stdout: out.String(), stderr: errs.String()}
}

// What is wrong with a command line is said before anything is asked, and without secrets.
func TestWhatIsWrongIsSaidBeforeAnythingIsAsked(t *testing.T) {
	p := onPaper(t, docs.AdminOpenAPI, openapitest.Admin())
	for line, says := range map[string]string{
		"app set crm": "nothing is to be changed",
		"app set crm --calls-url https://crm.example.com --no-calls-url": "can't be used together",
		"network set n": "nothing is to be changed",
		"network set n --file - --password-file -":      "can be one thing only",
		"network set n --file -":                        "--file - must have one JSON object",
		"network set n --password-file -":               "--password-file - must have one line",
		"network set n --password-file /not/there":      "/not/there cannot be read: no such file or directory",
		"network set n --password s3cret":               `did you mean "--password-file"?`,
		"webhook set calls":                             "nothing is to be changed",
		"webhook set calls --headers-file -":            "--headers-file 1 must be “Name: value”",
		"webhook set calls --header a:b --no-headers":   "can't be used together",
		"webhook set calls --everything --state active": "--everything is no filter",
		"webhook set calls --secret whsec_s3cret":       `did you mean "--secret-file"?`,
		"webhook rotate-secret calls --overlap=-1h":     "--overlap must not be negative",
		"webhook rotate-secrets calls":                  `did you mean "rotate-secret"?`,
		"webhook redeliver calls":                       "--since or --subscriber is needed",
		"webhook redeliver calls --all --since 1h":      "--all is everything",
		"call conference start callhalf-1:0":            "must be two calls or more",
		"call conference hold conference-1":             "unexpected argument hold",
		"call list --all --subscriber anna@example.com": "can't be used together",
		"events list --limit=-1":                        "--limit must not be negative",
		"log loud":                                      "must be one of",
		"app key rotate crm no-such-key":                "no-such-key is none of crm",
	} {
		p.anew()
		r := runWith(t, "s3cret\nand more", map[string]string{envAdmin: p.url, "OFFHOOK_ADMIN_TOKEN": "oa_1", envApp: "crm"}, strings.Fields(line)...)
		require.Equal(t, exitUsage, r.code, "%s: %s", line, r.stderr)
		require.Contains(t, r.stderr, says, line)
		require.NotContains(t, r.stderr, "s3cret", line)
		for _, id := range p.asked {
			require.True(t, strings.HasPrefix(id, "get"), "%s: %s", line, id)
		}
	}
}
