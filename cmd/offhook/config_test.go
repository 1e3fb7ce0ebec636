package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

// desk is a directory with the files a config can name.
type desk struct{ dir string }

func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{t.TempDir()}
	d.write(t, "password", "s3cret\n")
	d.write(t, "empty", "\n")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	d.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	d.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return d
}

func (d desk) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// load reads a config file; DIR in it stands for the desk.
func (d desk) load(t *testing.T, text string) (*Config, error) {
	t.Helper()
	file := d.write(t, "offhook.yaml", strings.ReplaceAll(text, "DIR", d.dir))
	return loadConfig(sources{File: file})
}

func TestWithoutAConfigThePublicListenerIsLocal(t *testing.T) {
	c, err := loadConfig(sources{})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", c.Listen)
	require.Equal(t, "127.0.0.1:8081", c.Admin.Listen)
	require.Equal(t, Simulator{Enabled: true, Listen: "127.0.0.1:8082", Subscribers: 20, Traffic: "demo"}, c.Simulator)
	require.Equal(t, 2*time.Second, c.Calls.ConfirmTimeout)
	require.Equal(t, "./offhook-data", c.DataDir)
	require.Empty(t, c.TenantNetworks())

	for _, nothing := range []string{"", "# only a comment\n", "---\n", "networks:\n", "tls:\nadmin:\n"} {
		c, err = newDesk(t).load(t, nothing)
		require.NoError(t, err, nothing)
		require.Equal(t, ":8080", c.Listen)
		require.True(t, c.Simulator.Enabled, "a file without networks keeps the simulator")
	}
}

func TestAFullFileIsRead(t *testing.T) {
	d := newDesk(t)
	c, err := d.load(t, `
data_dir: /var/lib/offhook
listen: "[::]:8443"
tls: { cert_file: "DIR/cert.pem", key_file: "DIR/key.pem" }
admin: { listen: "127.0.0.1:9081", token: "a-token" }
webhooks: { allow_http: true, allow_private_networks: true, show_responses: true }
calls: { confirm_timeout: 1500ms, apps_per_subscriber: 8 }
events: { streams: 2000, streams_per_app: 100, heartbeat: 20s }
limits: { per_address: 1, per_key: 2, per_app: 3, bad_keys_per_address: 4, commands_per_subscriber: 0 }
retention: { events: 720h, history: 1000h }
log: { level: debug, format: json }
networks:
  - network_id: 7fa63706-39c8-44c8-bf1b-f0749dda9110
    provider: broadworks
    broadworks:
      xsps: [ "https://xsp1.example.com", "https://xsp2.example.com:8443" ]
      actions_path: /com.broadsoft.xsi-actions
      username: admin@example.com
      password_file: DIR/password
      ca_file: DIR/cert.pem
      application_id: ours
      without: [ recording_start, group_park ]
    dialing: { country_code: "1", allow: ["911"], deny: ["1809", "+1876"], park_retrieve_code: "#39" }
  - network_id: second
    broadworks:
      srv: example.com
      username: admin@example.com
      password_file: DIR/password
      subscribe: group
      targets: [ { service_provider: sp, group: g1 }, { service_provider: sp, group: g2 } ]
`)
	require.NoError(t, err)
	require.Equal(t, "/var/lib/offhook", c.DataDir)
	require.Equal(t, "a-token", c.Admin.Token)
	require.True(t, c.Webhooks.AllowHTTP && c.Webhooks.AllowPrivateNetworks && c.Webhooks.ShowResponses)
	require.Equal(t, 1500*time.Millisecond, c.Calls.ConfirmTimeout)
	require.Equal(t, 8, c.Calls.AppsPerSubscriber)
	require.Equal(t, Events{Streams: 2000, StreamsPerApp: 100, Heartbeat: 20 * time.Second}, c.Events)
	require.Equal(t, Limits{PerAddress: 1, PerKey: 2, PerApp: 3, BadKeys: 4}, c.Limits)
	require.Equal(t, Retention{Events: 720 * time.Hour, History: 1000 * time.Hour}, c.Retention)
	require.False(t, c.Simulator.Enabled, "off as soon as networks are configured")
	require.Equal(t, []*tenant.Network{
		{
			ID: "7fa63706-39c8-44c8-bf1b-f0749dda9110", Provider: "broadworks", FromFile: true,
			BroadWorks: tenant.BroadWorks{
				XSPs: []string{"https://xsp1.example.com", "https://xsp2.example.com:8443"}, ActionsPath: "/com.broadsoft.xsi-actions",
				Username: "admin@example.com", Password: "s3cret", CAFile: filepath.Join(d.dir, "cert.pem"),
				ApplicationID: "ours", Subscribe: "user", Without: []string{"recording_start", "group_park"},
			},
			Dialing: engine.Dialing{CountryCode: "1", Allow: []string{"911"}, Deny: []string{"1809", "+1876"}, ParkRetrieveCode: "#39"},
		},
		{
			ID: "second", Provider: "broadworks", FromFile: true,
			BroadWorks: tenant.BroadWorks{
				SRV: "example.com", Username: "admin@example.com", Password: "s3cret", Subscribe: "group",
				Targets: []tenant.Target{{ServiceProvider: "sp", Group: "g1"}, {ServiceProvider: "sp", Group: "g2"}},
			},
		},
	}, c.TenantNetworks())
}

func TestTheExampleIsAGoodConfig(t *testing.T) {
	text, err := os.ReadFile("../../docs/offhook.example.yaml")
	require.NoError(t, err)
	d := newDesk(t)
	example := strings.ReplaceAll(string(text), "/etc/offhook/xsp-password", filepath.Join(d.dir, "password"))
	c, err := d.load(t, example)
	require.NoError(t, err)
	require.Len(t, c.TenantNetworks(), 1)
	require.False(t, c.Simulator.Enabled, "networks win")
	require.Len(t, c.Warnings, 1)
	require.Contains(t, c.Warnings[0], "simulator.enabled")
	tuning := c.Networks[0].BroadWorks.Tuning // which a test of provider/broadworks holds against its defaults
	require.Equal(t, []time.Duration{defaultHeartbeat, defaultAnswer, defaultGapWait}, []time.Duration{tuning.Heartbeat, tuning.AnswerTime, tuning.GapWait})
	for _, s := range c.settings() {
		require.True(t, strings.Contains(string(text), s.path[strings.LastIndexByte(s.path, '.')+1:]+":"), "the example leaves out %s", s.path)
	}
}

func TestTheDocumentedDefaultsAreTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../../docs/offhook.example.yaml")
	require.NoError(t, err)
	before, _, found := strings.Cut(string(text), "\nnetworks:")
	require.True(t, found)
	c, err := newDesk(t).load(t, before)
	require.NoError(t, err)
	plain, err := newDesk(t).load(t, "")
	require.NoError(t, err)
	c.origins, plain.origins = nil, nil
	require.Equal(t, plain, c)
}

func TestFlagsBeatTheEnvironmentAndThatTheFile(t *testing.T) {
	d := newDesk(t)
	file := d.write(t, "offhook.yaml", "listen: \"127.0.0.1:1\"\nadmin: { listen: \"127.0.0.1:2\", token: from-file }\nretention: 2h\n")
	c, err := loadConfig(sources{File: file, Listen: "127.0.0.1:5", Env: map[string]string{
		"OFFHOOK_LISTEN": "127.0.0.1:3", "OFFHOOK_ADMIN_LISTEN": "127.0.0.1:4", "OFFHOOK_ADMIN_TOKEN": "from-env", "OFFHOOK_DATA_DIR": "",
	}})
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:5", c.Listen)
	require.Equal(t, Admin{Listen: "127.0.0.1:4", Token: "from-env"}, c.Admin)
	require.Equal(t, Retention{Events: 2 * time.Hour, History: 30 * 24 * time.Hour}, c.Retention, "a plain length is that of events")
	require.Equal(t, "./offhook-data", c.DataDir, "an empty variable sets nothing")
}

func TestEverySettingIsInTheEnvironment(t *testing.T) {
	d := newDesk(t)
	names := map[string]bool{}
	for _, s := range defaultConfig().settings() {
		names[s.env()] = true
	}
	for _, want := range []string{"OFFHOOK_DATA_DIR", "OFFHOOK_LISTEN", "OFFHOOK_ADMIN_LISTEN", "OFFHOOK_ADMIN_TOKEN", "OFFHOOK_SIMULATOR_LISTEN",
		"OFFHOOK_SIMULATOR_ENABLED", "OFFHOOK_TLS_CERT_FILE", "OFFHOOK_WEBHOOKS_ALLOW_HTTP", "OFFHOOK_CALLS_CONFIRM_TIMEOUT", "OFFHOOK_RETENTION", "OFFHOOK_RETENTION_HISTORY",
		"OFFHOOK_NETWORKS"} {
		require.True(t, names[want], want)
	}
	c, err := loadConfig(sources{Env: map[string]string{
		"OFFHOOK_WEBHOOKS_ALLOW_HTTP":   "true",
		"OFFHOOK_CALLS_CONFIRM_TIMEOUT": "3s",
		"OFFHOOK_SIMULATOR_SUBSCRIBERS": "5",
		"OFFHOOK_NETWORKS":              `[{network_id: n, broadworks: {xsps: ["http://127.0.0.1:1"], username: u, password_file: ` + filepath.Join(d.dir, "password") + `}}]`,
	}})
	require.NoError(t, err)
	require.True(t, c.Webhooks.AllowHTTP)
	require.Equal(t, 3*time.Second, c.Calls.ConfirmTimeout)
	require.Equal(t, 5, c.Simulator.Subscribers)
	require.False(t, c.Simulator.Enabled)
	require.Equal(t, "n", c.TenantNetworks()[0].ID)
	require.Empty(t, c.Warnings)
}

// A group can be one variable; what has its own wins.
func TestAGroupIsInTheEnvironment(t *testing.T) {
	c, err := loadConfig(sources{Env: map[string]string{
		"OFFHOOK_LIMITS": "{per_key: 5, per_app: 7}", "OFFHOOK_LIMITS_PER_APP": "9", "OFFHOOK_RETENTION": "2h",
		"OFFHOOK_ADMIN": "{listen: \"127.0.0.1:7\"}", "OFFHOOK_LOG": "{level: warn}", "OFFHOOK_FOO": "bar", "OFFHOOK_ADMIN_SERVICE_PORT_HTTPS": "443", "OFFHOOK_PORT_80_TCP_ADDR": "10.0.0.1",
	}})
	require.NoError(t, err)
	require.Equal(t, Limits{PerAddress: 10000, PerKey: 5, PerApp: 9, BadKeys: 10, Commands: 50}, c.Limits)
	require.Equal(t, "warn", c.Log.Level)
	require.Equal(t, defaultAdminListen, c.Admin.Listen, "commands have that variable for something else")
	require.Equal(t, 2*time.Hour, c.Retention.Events)
	require.Equal(t, []string{"OFFHOOK_ADMIN is not read as settings; each of them has a variable of its own, as OFFHOOK_ADMIN_LISTEN", "OFFHOOK_FOO is not read: there is no such setting"}, c.Warnings)
	_, err = loadConfig(sources{Env: map[string]string{"OFFHOOK_LIMITS": "{per_kye: 5}", "OFFHOOK_LOG": "loud"}})
	require.EqualError(t, err, "OFFHOOK_LIMITS, line 1: limits.per_kye: there is no such setting; did you mean \"per_key\"?\n"+
		"OFFHOOK_LOG, line 1: log: settings are wanted here, as in “key: value”, not text")
}

func TestAWrongVariableIsNamed(t *testing.T) {
	for _, it := range []struct{ name, value, want string }{
		{"OFFHOOK_WEBHOOKS_ALLOW_HTTP", "yes", `OFFHOOK_WEBHOOKS_ALLOW_HTTP: webhooks.allow_http: true or false is wanted here, not "yes"`},
		{"OFFHOOK_SIMULATOR_SUBSCRIBERS", "1e9", `OFFHOOK_SIMULATOR_SUBSCRIBERS: simulator.subscribers: a whole number is wanted here, not "1e9"`},
		{"OFFHOOK_LISTEN", "8080", `OFFHOOK_LISTEN: listen: "8080" is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all`},
		{"OFFHOOK_NETWORKS", `[{id: x, network_id: x, broadworks: {srv: x, username: x, password_file: config_test.go}}]`, `OFFHOOK_NETWORKS, line 1: networks[0].id: there is no such setting`},
		{"OFFHOOK_NETWORKS", "none", `OFFHOOK_NETWORKS, line 1: networks: a list is wanted here, not text; put “- ” before each item`},
	} {
		_, err := loadConfig(sources{Env: map[string]string{it.name: it.value}})
		require.EqualError(t, err, it.want)
	}
	_, err := loadConfig(sources{AdminListen: "nowhere"})
	require.ErrorContains(t, err, `--admin-listen: admin.listen: "nowhere" is no address`)
}

func TestPlainHTTPToAProviderIsWarnedOf(t *testing.T) {
	network := func(xsp string) string {
		return "networks: [{network_id: n, broadworks: {xsps: [\"" + xsp + "\"], username: u, password_file: DIR/password}}]\n"
	}
	c, err := newDesk(t).load(t, network("http://xsp.example.com"))
	require.NoError(t, err)
	require.Len(t, c.Warnings, 1)
	c, err = newDesk(t).load(t, network("http://127.0.0.1:8082"))
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
}
