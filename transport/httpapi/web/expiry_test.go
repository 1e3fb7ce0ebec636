package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
)

// chain writes a key and certificates for it that end at the times given.
func chain(t *testing.T, dir string, ends ...time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	var certs []byte
	for i, end := range ends {
		template := x509.Certificate{SerialNumber: big.NewInt(int64(i) + 1), NotAfter: end}
		cert, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
		require.NoError(t, err)
		certs = append(certs, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, certs, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return certFile, keyFile
}

func TestTheEndOfACertificateIsMeasured(t *testing.T) {
	const name = "offhook_tls_certificate_expiry_timestamp_seconds"
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg, "contact")
	expiry := func() (at []float64) {
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range families {
			for _, v := range f.GetMetric() {
				if f.GetName() == name {
					require.Equal(t, "contact", v.GetLabel()[0].GetValue())
					at = append(at, v.GetGauge().GetValue())
				}
			}
		}
		return at
	}
	require.Empty(t, expiry(), "there is none over plain HTTP")
	sooner, later := time.Unix(1_900_000_000, 0), time.Unix(2_000_000_000, 0)
	one := t.TempDir()
	certFile, keyFile := chain(t, one, later)
	s, err := NewServer(Config{Metrics: m, CertFile: certFile, KeyFile: keyFile})
	require.NoError(t, err)
	require.Equal(t, []float64{2_000_000_000}, expiry())

	certFile, keyFile = chain(t, t.TempDir(), later, sooner) // the issuer's ends first
	other, err := NewServer(Config{Metrics: m, CertFile: certFile, KeyFile: keyFile})
	require.NoError(t, err)
	require.Equal(t, []float64{1_900_000_000}, expiry(), "one of many listeners is enough")
	require.NoError(t, other.Shutdown(t.Context()))
	require.Equal(t, []float64{2_000_000_000}, expiry(), "a listener that is gone shows nothing")

	certFile, keyFile = chain(t, one, sooner)
	require.NoError(t, s.UseCertificate(certFile, keyFile))
	require.Equal(t, []float64{1_900_000_000}, expiry(), "what is shown now counts")
	require.NoError(t, s.Shutdown(t.Context()))
	require.Empty(t, expiry())
}
