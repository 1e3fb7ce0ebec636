package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
	"time"

	"offhook/bench/child"
	"offhook/bench/port"
)

const (
	networkID = "7fa63706-39c8-44c8-bf1b-f0749dda9110"
	ownToken  = "a-token-for-benchmarks-only" // #nosec G101 -- as it says
)

// node is an offhook: in a process and a directory of its own, or one that runs
// already.
type node struct {
	base    string // URL of the admin listener
	token   string
	network string
	suffix  string // of the subscribers' ids
	lines   int    // that have a subscriber

	dir     string
	cmd     *exec.Cmd     // nil for one that runs already
	ended   chan struct{} // closed when the process is over
	err     error         // of its end
	said    map[string]string
	client  http.Client
	app     string
	apiKey  string
	secret  string
	contact bool

	mu  sync.Mutex
	log bytes.Buffer // its last words
}

// config is an offhook whose bounds are out of the way: what is measured is how
// fast it is, not how it protects a platform.
const config = `data_dir: %q
listen: "127.0.0.1:0"
admin: { listen: "127.0.0.1:0", token: %q }
webhooks: { allow_http: true, allow_private_networks: true }
limits: { per_address: 0, per_key: 0, per_app: 0, commands_per_subscriber: 0 }
networks:
  - network_id: %s
    provider: broadworks
    broadworks:
      xsps: [ %q ]
      username: administrator@example-telco.com
      password_file: %q
      tuning: { subscriptions_per_second: 100000, requests_per_second: 100000, requests_at_once: 256 }
%s    dialing: { country_code: "1" }
`

const contactConfig = `      events: { delivery: http_contact, listen: %q, public_url: "http://%s/xsi", allow: [ "127.0.0.0/8" ] }
`

// startNode starts an offhook that follows the lines of a platform for one app,
// whose webhooks go to a receiver. Its events come over a channel, or are POSTed.
func startNode(ctx context.Context, program, dir, platform, receiver string, lines int, contact bool) (n *node, err error) {
	n = &node{token: ownToken, network: networkID, ended: make(chan struct{}), contact: contact, client: http.Client{Transport: &http.Transport{}}}
	n.nonce()
	if n.dir, err = os.MkdirTemp(dir, "offhook-"); err != nil {
		return nil, err
	}
	if err := n.start(ctx, program, platform); err != nil {
		return nil, errors.Join(err, os.RemoveAll(n.dir))
	}
	if err := n.provision(ctx, receiver, lines); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

func (n *node) start(ctx context.Context, program, platform string) error {
	events := ""
	if n.contact {
		at, err := port.Free()
		if err != nil {
			return err
		}
		events = fmt.Sprintf(contactConfig, at, at)
	}
	file, password := filepath.Join(n.dir, "offhook.yaml"), filepath.Join(n.dir, "password")
	text := fmt.Sprintf(config, filepath.Join(n.dir, "data"), n.token, n.network, platform, password, events)
	if err := errors.Join(os.WriteFile(password, []byte("secret\n"), 0o600), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		return err
	}
	n.cmd = exec.Command(program, "serve", "--config", file) // #nosec G204 -- this program
	stderr, err := n.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return fmt.Errorf("start offhook: %w", err)
	}
	ready := make(chan map[string]string, 1)
	go n.listen(stderr, ready)
	late := time.NewTimer(child.Patience)
	defer late.Stop()
	select {
	case n.said = <-ready:
		n.base = "http://" + n.said["admin"]
		return nil
	case <-n.ended:
		return fmt.Errorf("offhook ended: %w\n%s", n.err, n.lastWords())
	case <-late.C:
		err = errors.New("offhook is not ready")
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = n.cmd.Process.Kill()
	<-n.ended
	return err
}

var logPairs = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)

// wordsKept bounds what is kept of the log.
const wordsKept = 64 << 10

// listen reads the log to its end, which is the process's.
func (n *node) listen(stderr io.Reader, ready chan<- map[string]string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.Contains(line, " msg=ready ") {
			said := map[string]string{}
			for _, kv := range logPairs.FindAllStringSubmatch(line, -1) {
				said[kv[1]] = strings.Trim(kv[2], `"`)
			}
			ready <- said
		}
		n.mu.Lock()
		if n.log.Len() > wordsKept {
			n.log.Next(wordsKept / 2)
		}
		n.log.WriteString(line + "\n")
		n.mu.Unlock()
	}
	n.err = n.cmd.Wait()
	close(n.ended)
}

func (n *node) lastWords() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.String()
}

// ask makes a request of the admin API and decodes the answer.
func (n *node) ask(ctx context.Context, method, path, body string, status int, into any) error {
	return n.request(ctx, method, n.base+path, n.token, body, status, into)
}

// get reads something of the app.
func (n *node) get(ctx context.Context, path string, into any) error {
	return n.request(ctx, "GET", "http://"+n.said["api"]+"/apps/"+n.app+path, n.apiKey, "", http.StatusOK, into)
}

func (n *node) request(ctx context.Context, method, url, key, body string, status int, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != status {
		return fmt.Errorf("%s %s: %d %.500s", method, req.URL.Path, res.StatusCode, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}

// provision makes the app, and a subscriber for every line.
func (n *node) provision(ctx context.Context, receiver string, lines int) error {
	var app struct {
		ID    string `json:"app_id"`
		Key   string `json:"api_key"`
		Calls struct {
			Secret string `json:"secret"`
		} `json:"calls_webhook"`
	}
	if err := n.ask(ctx, "POST", "/admin/apps", fmt.Sprintf(`{"name":"bench","calls_webhook":{"url":%q}}`, receiver), http.StatusCreated, &app); err != nil {
		return err
	}
	n.app, n.apiKey, n.secret = app.ID, app.Key, app.Calls.Secret
	var list strings.Builder
	for i := range lines {
		fmt.Fprintf(&list, `{"subscriber_id":%q,"subscriber_number":"+1512555%04d","subscriber_name":"Tommy Tutone","subscriber_account_id":"someCustomerIdOrSiteOrName","network_id":%q,"provider_user_id":%q,"apps":[%q]}`+"\n",
			n.subscriber(i), i%10000, n.network, userOf(i), n.app)
	}
	var sum struct {
		Created int   `json:"created"`
		Failed  []any `json:"failed"`
	}
	n.lines = lines
	if err := n.ask(ctx, "POST", "/admin/subscribers", list.String(), http.StatusOK, &sum); err != nil {
		return err
	}
	if sum.Created != lines || len(sum.Failed) > 0 {
		return fmt.Errorf("subscribers: %d of %d were made; %v", sum.Created, lines, sum.Failed)
	}
	return nil
}

// stop ends the process as an operator would, and removes what it kept; or what
// we made, where it runs on.
func (n *node) stop() (err error) {
	if n.cmd == nil {
		return n.detach(context.Background())
	}
	n.client.CloseIdleConnections()
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	select {
	case <-n.ended:
	case <-late.C:
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
	if n.err != nil {
		err = fmt.Errorf("offhook did not end well: %w\n%s", n.err, n.lastWords())
	}
	return errors.Join(err, os.RemoveAll(n.dir))
}
