package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"offhook/transport/client"
)

// What commands read that talk to an offhook. OFFHOOK_ADMIN_TOKEN is read too.
const (
	envAdmin  = "OFFHOOK_ADMIN"
	envAPI    = "OFFHOOK_API"
	envAPIKey = "OFFHOOK_API_KEY"
	envApp    = "OFFHOOK_APP"
)

// remote is how a command finds the offhook it talks to: by flags, by the
// environment, or by the data directory of the one on this machine.
type remote struct {
	Admin      string        `help:"URL of the admin listener. Also OFFHOOK_ADMIN; else the offhook that runs on the data directory." placeholder:"URL"`
	AdminToken string        `help:"Its token; better in OFFHOOK_ADMIN_TOKEN. Else that of the data directory." placeholder:"TOKEN"`
	API        string        `name:"api" help:"URL of the public listener. Also OFFHOOK_API." placeholder:"URL"`
	APIKey     string        `name:"api-key" help:"Act with an app's key; better in OFFHOOK_API_KEY. Else as the operator." placeholder:"KEY"`
	CAFile     string        `name:"ca-file" help:"Trust the certificate authorities in this file (PEM)." placeholder:"FILE"`
	Config     string        `help:"Config file, for its data_dir. Also OFFHOOK_CONFIG." placeholder:"FILE"`
	DataDir    string        `help:"Data directory of the offhook on this machine. Also OFFHOOK_DATA_DIR." placeholder:"DIR"`
	JSON       bool          `name:"json" help:"Print JSON."`
	Timeout    time.Duration `help:"How long an answer may take." default:"1m"`

	at string // URL of the admin listener, once it is known
}

// unreached says that there is no offhook to talk to.
type unreached struct{ error }

func (u *unreached) Unwrap() error { return u.error }

func noServer(format string, args ...any) error { return &unreached{fmt.Errorf(format, args...)} }

// place is what a command knows of the offhook of this machine. Nothing in it
// was checked: whoever only asks need not be able to read every file. But a
// config file that cannot be understood is no reason to go to another offhook.
func (r *remote) place(p *program) (*Config, error) {
	c := defaultConfig()
	if file := r.file(p); file != "" {
		text, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
		if err != nil {
			return nil, &configError{{origin: file, text: "the config file cannot be read: " + cause(err)}}
		}
		if wrong := c.readFile(file, text); len(wrong) > 0 {
			return nil, &wrong
		}
	}
	_ = c.readEnv(p.env)
	if r.DataDir != "" {
		_ = c.set("data_dir", r.DataDir, "--data-dir")
	}
	return c, nil
}

// file is the config file that is meant; "" for none.
func (r *remote) file(p *program) string { return first(r.Config, p.env["OFFHOOK_CONFIG"]) }

// dirOf is the data directory of c, and who says so.
func (r *remote) dirOf(p *program, c *Config) string {
	by, file := c.origins.of("data_dir"), r.file(p)
	switch {
	case by == "" && file == "":
		by = "the default"
	case by == "":
		by = "the default, since " + file + " has no data_dir"
	case by != "--data-dir" && by != "OFFHOOK_DATA_DIR":
		by = "data_dir of " + file
	}
	return c.DataDir + " (" + by + ")"
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// here is the offhook that runs on the data directory.
func (r *remote) here(p *program, flag string) (running, *Config, error) {
	cfg, err := r.place(p)
	if err != nil {
		return running{}, nil, err
	}
	is, err := readRunning(cfg.DataDir)
	dir := r.dirOf(p, cfg)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return is, cfg, noServer("no offhook runs on the data directory %s; start one with “offhook serve”, name its directory with --data-dir, or say where it is with %s", dir, flag)
	case err != nil:
		return is, cfg, noServer("where the offhook of %s is cannot be read: %w; say where with %s", dir, err, flag)
	case errors.Is(syscall.Kill(is.PID, 0), syscall.ESRCH):
		return is, cfg, noServer("the offhook of the data directory %s (process %d) has ended; start it again with “offhook serve”", dir, is.PID)
	}
	return is, cfg, nil
}

// admin is the admin API.
func (r *remote) admin(p *program) (*client.Admin, error) {
	at, cert := first(r.Admin, p.env[envAdmin]), ""
	token := first(r.AdminToken, p.env["OFFHOOK_ADMIN_TOKEN"])
	cfg, err := r.place(p)
	if err != nil {
		return nil, err
	}
	if at == "" {
		is, _, err := r.here(p, "--admin URL")
		if err != nil {
			return nil, err
		}
		at, cert = is.Admin, is.AdminCert
	} else if u, err := url.Parse(at); token == "" && err == nil && !loopback(u.Hostname()) {
		return nil, usage("--admin-token", "is needed with --admin: the token of the data directory here is not sent to %s", u.Host)
	}
	if token == "" {
		token = cfg.Admin.Token
	}
	if token == "" {
		path := filepath.Join(cfg.DataDir, adminTokenFile)
		text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
		if err != nil {
			return nil, usage("--admin-token", "is needed: it is neither in OFFHOOK_ADMIN_TOKEN nor to be read from %s (%s)", path, cause(err))
		}
		token = strings.TrimSpace(string(text))
	}
	o, err := r.options(cert)
	if err != nil {
		return nil, err
	}
	r.at = strings.TrimSuffix(at, "/")
	a, err := client.NewAdmin(at, token, o)
	if err != nil {
		return nil, usage("--admin", "%v", err)
	}
	return a, nil
}

// public is the public API with a key.
func (r *remote) public(p *program, key string) (*client.API, error) {
	at, cert := first(r.API, p.env[envAPI]), ""
	if _, err := r.place(p); err != nil {
		return nil, err
	}
	if at == "" {
		is, _, err := r.here(p, "--api URL")
		if err != nil {
			return nil, err
		}
		at, cert = is.API, is.APICert
	}
	o, err := r.options(cert)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, usage("--api-key", "(or OFFHOOK_API_KEY) has characters that no key has, as of a line's end; it begins with ok_live_")
	}
	a, err := client.NewAPI(at, key, o)
	if err != nil {
		return nil, usage("--api", "%v", err)
	}
	return a, nil
}

// options trust ca_file, or else the one certificate that the server on this
// machine says is its own: that is for the name it has outside.
func (r *remote) options(cert string) (client.Options, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case r.CAFile != "":
		text, err := os.ReadFile(r.CAFile) // #nosec G304 -- a file that the operator names
		if err != nil {
			return client.Options{}, usage("--ca-file", "cannot be read: %s", cause(err))
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return client.Options{}, usage("--ca-file", "%s has no certificate", r.CAFile)
		}
	case cert != "":
		text, err := os.ReadFile(cert) // #nosec G304 -- a file that the server names
		block, _ := pem.Decode(text)
		if err != nil || block == nil {
			break // then its certificate has to be one of the system's
		}
		t.TLSClientConfig.InsecureSkipVerify = true // #nosec G402 -- checked below, and more strictly
		t.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 || !bytes.Equal(s.PeerCertificates[0].Raw, block.Bytes) {
				return errors.New("the certificate is not that of the offhook on this machine; give its authority with --ca-file")
			}
			return nil
		}
	}
	return client.Options{HTTP: &http.Client{Transport: t}, Timeout: r.Timeout, UserAgent: "offhook/" + version}, nil
}

// until runs fn with a context that ends at the first signal, or when its
// terminal is closed.
func (p *program) until(fn func(ctx context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), append(closing(), syscall.SIGINT, syscall.SIGTERM)...)
	defer stop()
	return fn(ctx)
}

// withAdmin runs fn with the admin API.
func (r *remote) withAdmin(p *program, fn func(context.Context, *client.Admin) error) error {
	a, err := r.admin(p)
	if err != nil {
		return err
	}
	defer a.Close()
	return p.until(func(ctx context.Context) error { return explained(fn(ctx, a)) })
}

// appFlag is for commands that act for an app.
type appFlag struct {
	remote
	App string `help:"The app. Also OFFHOOK_APP; may be left out if there is one only." placeholder:"ID"`
}

// withApp runs fn for the app: with its key where one is given, else in its
// place.
func (r *appFlag) withApp(p *program, fn func(context.Context, *client.App) error) error {
	app := first(r.App, p.env[envApp])
	if key := first(r.APIKey, p.env[envAPIKey]); key != "" {
		if app == "" {
			return usage("--app", "is needed with a key: the app it is of")
		}
		a, err := r.public(p, key)
		if err != nil {
			return err
		}
		defer a.Close()
		return p.until(func(ctx context.Context) error { return explained(fn(ctx, a.App(app))) })
	}
	return r.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if app == "" {
			only, err := theOnly(ctx, a)
			if err != nil {
				return err
			}
			app = only
		}
		return fn(ctx, a.App(app))
	})
}

// viewFlag is for commands that show an operator all there is, and an app what
// it may see. Not even OFFHOOK_APP makes an operator an app.
type viewFlag struct {
	remote
	App string `help:"Show what this app sees; so does a key." placeholder:"ID"`
}

func (r *viewFlag) ofApp(p *program) bool {
	return first(r.App, r.APIKey, p.env[envAPIKey]) != ""
}

func (r *viewFlag) withApp(p *program, fn func(context.Context, *client.App) error) error {
	return (&appFlag{r.remote, r.App}).withApp(p, fn)
}

// theOnly is the app if there is one only.
func theOnly(ctx context.Context, a *client.Admin) (string, error) {
	apps, err := client.Collect(a.ListApps(ctx, client.Page{}), 6)
	switch {
	case err != nil:
		return "", err
	case len(apps) == 0:
		return "", errors.New("there is no app yet; make one with “offhook app create NAME”")
	case len(apps) == 1:
		return apps[0].AppID, nil
	}
	ids := make([]string, 0, len(apps))
	for _, i := range apps[:min(len(apps), 5)] {
		ids = append(ids, i.AppID)
	}
	more := ""
	if len(apps) > len(ids) {
		more = ", …"
	}
	return "", usage("--app", "is needed, there are several: %s%s", strings.Join(ids, ", "), more)
}

// explained says what to do about an error of the client.
func explained(err error) error {
	var refused *client.Error
	var sent *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Status == http.StatusUnauthorized && strings.HasPrefix(refused.Path, "/admin"):
		return fmt.Errorf("%w; the admin token is in the file %s of the server's data directory, or what its admin.token says", err, adminTokenFile)
	case errors.As(err, &refused) && refused.Code == "not_found":
		if what := resource(refused.Path); what != "" {
			return fmt.Errorf("%s: %w", what, err)
		}
		return err
	case errors.As(err, &refused):
		return err
	case errors.As(err, &sent) && !errors.Is(err, context.Canceled):
		u, _ := url.Parse(sent.URL)
		if u == nil {
			return &unreached{sent.Err}
		}
		return noServer("%s://%s does not answer: %w", u.Scheme, u.Host, sent.Err)
	}
	return err
}

// resources are what segments of a path are followed by an id of.
var resources = map[string]string{
	"apps": "app", "keys": "key", "subscribers": "subscriber", "networks": "network", "calls": "call", "conferences": "conference",
	"participants": "call", "webhooks": "webhook", "streams": "stream", "redeliveries": "redelivery", "call-history": "call",
}

// resource is what a path is of, the innermost first: “call X of app Y”.
func resource(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	text := ""
	for i := 0; i+1 < len(segments); i++ {
		name := resources[segments[i]]
		if name == "" {
			continue
		}
		id, err := url.PathUnescape(segments[i+1])
		if err != nil {
			return ""
		}
		if text != "" {
			text = " of " + text
		}
		text = name + " " + id + text
		i++
	}
	return text
}

// usage is an error about the command line.
func usage(flag, format string, args ...any) error {
	return &usageError{flag + " " + fmt.Sprintf(format, args...)}
}

type usageError struct{ text string }

func (u *usageError) Error() string { return u.text }
