package oci

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

// certified is a certificate for a host that signs itself, and the file it is
// believed by.
func certified(t *testing.T, host string) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestAPasswordIsPlainToWhomWeBelieveAlone(t *testing.T) {
	cert, ca := certified(t, "as.example.com")
	_, otherCA := certified(t, "as.example.com")
	p := newPeer()
	var wg sync.WaitGroup
	defer wg.Wait()
	secure := func(c *Config) {
		c.OCI.TLS, c.OCI.CAFile, c.OCI.Login = true, ca, tenant.OCILoginPlain
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			wg.Go(func() {
				s := tls.Server(ours, &tls.Config{Certificates: []tls.Certificate{cert}})
				defer ours.Close()
				if s.Handshake() == nil {
					p.serve(s)
				}
			})
			return theirs, nil
		}
	}
	s := p.source(t, secure)
	all, err := list(t, s)
	require.NoError(t, err)
	require.Equal(t, everyone, all)
	require.Zero(t, p.count("AuthenticationRequest"))
	require.Equal(t, 1, p.count("LoginRequest22V3"))
	s.client.close()

	s = p.source(t, func(c *Config) { secure(c); c.OCI.CAFile = otherCA })
	_, err = list(t, s)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
	s = p.source(t, func(c *Config) { secure(c); c.OCI.Address = "other.example.com:2209" })
	_, err = list(t, s)
	require.ErrorContains(t, err, "certificate is valid for as.example.com, not other.example.com")
	require.Equal(t, 1, p.count("LoginRequest22V3"), "nobody else was told the password")

	_, err = New(Config{OCI: tenant.OCI{Address: "a:1", TLS: true, CAFile: "/nowhere/ca.pem"}})
	require.ErrorContains(t, err, "read ca_file")
	_, err = New(Config{OCI: tenant.OCI{Address: "a:1", ReportingAddress: "a:2", ReportingTLS: true, ReportingCAFile: "/nowhere/ca.pem"}})
	require.ErrorContains(t, err, "change feed: read ca_file")
}

func TestTheFeedMayBeSecuredByItself(t *testing.T) {
	cert, ca := certified(t, "as.example.com")
	st := &station{scripts: []func(net.Conn){func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() == nil {
			_, _ = s.Write(latin(write("UserDeleteRequest", user("anna"))))
			_, _ = s.Read(make([]byte, 1))
		}
	}}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var changes []string
	src, err := New(Config{Dial: st.dial, OCI: tenant.OCI{ReportingAddress: "as.example.com:8025", ReportingTLS: true, ReportingCAFile: ca}})
	require.NoError(t, err)
	err = src.Watch(ctx, func(user string) {
		if changes = append(changes, user); user != "" {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"", "anna"}, changes)
	st.wg.Wait()
}

// values are all metrics of a registry, by name and labels but for the network;
// of a histogram its count.
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				if l.GetName() != "network" {
					name += " " + l.GetValue()
				}
			}
			all[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestOperatorsSeeHowItGoes(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	p := newPeer()
	s := p.source(t, func(c *Config) { c.Metrics = m })
	_, err := list(t, s)
	require.NoError(t, err)
	_, _, err = s.Read(t.Context(), "nobody")
	require.NoError(t, err)
	st := &station{scripts: []func(net.Conn){stay(keepAlive, write("UserDeleteRequest", user("anna")))}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	src, err := New(Config{Dial: st.dial, Metrics: m, OCI: tenant.OCI{ReportingAddress: "as.example.com:8025"}})
	require.NoError(t, err)
	_ = src.Watch(ctx, func(user string) {
		if user != "" {
			require.Equal(t, 1.0, values(t, reg)["offhook_oci_reporting_connected"])
			cancel()
		}
	})
	st.wg.Wait()
	require.Equal(t, map[string]float64{
		"offhook_oci_logins_total ok":                                             1,
		"offhook_oci_notifications_total keep_alive":                              1,
		"offhook_oci_notifications_total user":                                    1,
		"offhook_oci_reporting_connected":                                         0,
		"offhook_oci_request_seconds ok GroupGetListInServiceProviderRequest":     1,
		"offhook_oci_request_seconds ok ServiceProviderGetListRequest":            1,
		"offhook_oci_request_seconds ok UserGetListInGroupPagedSortedListRequest": 4,
		"offhook_oci_request_seconds refused UserGetRequest20":                    1,
	}, values(t, reg))
}
