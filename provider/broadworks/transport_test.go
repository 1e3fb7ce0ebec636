package broadworks

import (
	"context"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

func TestCertificatesAreVerified(t *testing.T) {
	srv := httptest.NewUnstartedServer(says(http.StatusNotFound, ""))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600))

	network := tenant.BroadWorks{XSPs: []string{srv.URL}, Username: "admin", Password: "secret"}
	p, err := New(Config{Network: network, Sink: &sink{}})
	require.NoError(t, err)
	_, err = p.probe(t.Context(), "Basic x", "admin")
	require.ErrorContains(t, err, "certificate")
	require.ErrorContains(t, acknowledgeOnce(t, p), "certificate")
	p.clients.close()

	network.CAFile = ca
	p, err = New(Config{Network: network, Sink: &sink{}})
	require.NoError(t, err)
	a, err := p.probe(t.Context(), "Basic x", "admin")
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, a.status)
	require.NoError(t, acknowledgeOnce(t, p))
	p.clients.close()

	network.CAFile = filepath.Join(t.TempDir(), "none.pem")
	_, err = New(Config{Network: network, Sink: &sink{}})
	require.Error(t, err)
}

// acknowledgeOnce sends one acknowledgement, on a line.
func acknowledgeOnce(t *testing.T, p *Provider) error {
	p.gate.admit(0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := p.do(ctx, p.order()[0], request{op: opAck, method: http.MethodPost, path: "/ack", body: ackBody("e1", ackOK), onLine: true, unbounded: true})
	return err
}

func TestTheProxyOfTheEnvironmentIsNotAsked(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	srv := httptest.NewServer(says(http.StatusOK, ""))
	defer srv.Close()
	p, err := New(Config{Network: tenant.BroadWorks{XSPs: []string{srv.URL}, Username: "admin"}, Sink: &sink{}})
	require.NoError(t, err)
	defer p.clients.close()
	for _, c := range []*http.Client{p.clients.actions, p.clients.fresh, p.clients.stream} {
		require.Nil(t, c.Transport.(*http.Transport).Proxy)
	}
	_, err = p.probe(t.Context(), "Basic x", "admin")
	require.NoError(t, err)
}

func TestErrorsAndLogsNameNobody(t *testing.T) {
	var logged strings.Builder // written and read while the bubble stands still
	tell(t, func(bw *script, c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		bw.on("GET /profile", says(http.StatusOK, ""))
	}, func(s *story) {
		s.bw.mu.Lock()
		s.bw.down["xsp1:80"] = true
		s.bw.mu.Unlock()
		s.bw.last().close()
		out := s.ask(engine.VerbOriginate)
		s.after(60e9)
		for _, text := range []string{logged.String(), out.Detail} {
			require.NotContains(s, text, "5555550123")
			require.NotContains(s, text, "secret")
			require.NotContains(s, text, "YWRtaW5A")
		}
		require.Contains(s, logged.String(), "event stream ended")
	})
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	good := tenant.BroadWorks{XSPs: []string{"https://xsp1.example.com/"}, Username: "admin"}
	_, err := New(Config{Network: good, Sink: &sink{}})
	require.NoError(t, err)
	_, err = New(Config{Network: good})
	require.ErrorContains(t, err, "sink")
	for want, change := range map[string]func(*tenant.BroadWorks){
		"neither xsps nor srv":       func(n *tenant.BroadWorks) { n.XSPs = nil },
		"exclude each other":         func(n *tenant.BroadWorks) { n.SRV = "example.com" },
		"no username":                func(n *tenant.BroadWorks) { n.Username = "" },
		"application_id":             func(n *tenant.BroadWorks) { n.ApplicationID = strings.Repeat("x", 257) },
		"https://host":               func(n *tenant.BroadWorks) { n.XSPs = []string{"xsp1.example.com"} },
		"https://host[:port]":        func(n *tenant.BroadWorks) { n.XSPs = []string{"https://xsp1/path"} },
		"needs targets":              func(n *tenant.BroadWorks) { n.Subscribe = "group" },
		"a target is":                func(n *tenant.BroadWorks) { n.Subscribe, n.Targets = "group", []tenant.Target{{Group: "g"}} },
		"user, group or enterprise,": func(n *tenant.BroadWorks) { n.Subscribe = "everybody" },
	} {
		n := good
		change(&n)
		_, err := New(Config{Network: n, Sink: &sink{}})
		require.ErrorContains(t, err, want)
	}
}

func TestWhatIsMeasured(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	tell(t, func(_ *script, c *Config) { c.Metrics, c.NetworkID = m, "net1" }, func(s *story) {
		s.say(received)
		s.say(received)
		s.say(terminated("Expired"))
		s.after(1e9)
	})
	families, err := reg.Gather()
	require.NoError(t, err)
	got := map[string]bool{}
	for _, f := range families {
		got[f.GetName()] = true
	}
	for _, name := range []string{"link_state", "channels", "users", "events_total", "acks_total", "reconnects_total", "channel_terminations_total", "request_seconds", "queue_seconds", "xsp_share"} {
		require.True(t, got["offhook_broadworks_"+name], name)
	}
	var nobody *Metrics
	nobody.event("n", "v")
	nobody.acked("n", "v")
	nobody.reconnected("n")
	nobody.channelEnded("n", "r")
	nobody.subscriptionRefused("n")
	nobody.requested("n", "o", "x", 0)
	nobody.shareOf("n", "x", 1)
	nobody.left("n", "x")
}
