package oci

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"offhook/engine/tenant"
)

// Config is what a Source is built from. OCI is required; the rest has useful
// zeroes.
type Config struct {
	Network     string // its id, for logs and metrics
	OCI         tenant.OCI
	CountryCode string       // without +; completes national numbers; empty leaves them alone
	Log         *slog.Logger // nil discards
	Metrics     *Metrics     // nil measures nothing

	Connect time.Duration // for a connection, TLS included; zero means 10 s
	Login   time.Duration // for each of its answers; zero means 15 s
	Answer  time.Duration // for all of an answer; zero means 1 min
	Idle    time.Duration // until a connection nobody uses is closed; zero means 1 min

	ConnectRetry, ConnectRetryMax time.Duration // nothing is tried so long after a failed connection; zero means 1 s, doubling to 1 min
	LoginRetry, LoginRetryMax     time.Duration // and after a refused login; zero means 5 min, doubling to 1 h

	Proof     time.Duration // a feed that says nothing is believed after so long; zero means 5 s
	Report    time.Duration // for all of a notification; zero means 1 min
	FeedRetry time.Duration // the longest wait for the feed; zero means 30 s
	FeedTries int           // failures in a row until Watch says so; zero means 5

	MaxAnswer int // bytes; zero means 32 MB
	MaxReport int // bytes of a notification; zero means 1 MB
	MaxGroup  int // users of a group; zero means 1,000,000

	Dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil means the system's
	Random func() float64
}

func orElse[T int | time.Duration](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		have *time.Duration
		want time.Duration
	}{
		{&c.Connect, 10 * time.Second}, {&c.Login, 15 * time.Second}, {&c.Answer, time.Minute}, {&c.Idle, time.Minute},
		{&c.ConnectRetry, time.Second}, {&c.ConnectRetryMax, time.Minute}, {&c.LoginRetry, 5 * time.Minute}, {&c.LoginRetryMax, time.Hour},
		{&c.Proof, 5 * time.Second}, {&c.Report, time.Minute}, {&c.FeedRetry, 30 * time.Second},
	} {
		orElse(d.have, d.want)
	}
	orElse(&c.FeedTries, 5)
	orElse(&c.MaxAnswer, 32<<20)
	orElse(&c.MaxReport, 1<<20)
	orElse(&c.MaxGroup, 1_000_000)
	orElse(&c.OCI.PageSize, 100)
	if c.OCI.UserRelease == "" {
		c.OCI.UserRelease = "20"
	}
	if len(c.OCI.NotFoundCodes) == 0 {
		c.OCI.NotFoundCodes = []int{4008} // dossier §4.1
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("network", c.Network)
	if c.Dial == nil {
		c.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return c
}

// answers bounds a document of OCI-P. A list of users has a cell in every
// thirty bytes or so.
func (c *Config) answers() limits {
	return limits{bytes: c.MaxAnswer, depth: 24, elements: max(10_000, c.MaxAnswer/16)}
}

// reports bounds a document of OCI-Reporting, and what is inside it.
func (c *Config) reports() limits {
	return limits{bytes: c.MaxReport, depth: 24, elements: max(1000, c.MaxReport/32)}
}

// tlsConfig is how a server is believed; nil for one that is reached in the
// clear.
func tlsConfig(on bool, address, caFile string) (*tls.Config, error) {
	if !on {
		return nil, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if caFile != "" {
		pem, err := os.ReadFile(caFile) // #nosec G304 -- a file that the operator names
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("no certificate in ca_file")
		}
	}
	return cfg, nil
}

// dial connects to a server within a time.
func (c *Config) dial(ctx context.Context, address string, secure *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Connect)
	defer cancel()
	conn, err := c.Dial(ctx, "tcp", address)
	if err != nil || secure == nil {
		return conn, err
	}
	sealed := tls.Client(conn, secure)
	if err := sealed.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return sealed, nil
}
