package main

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider/simulator"
)

func TestSimulateWritesHowItsSubscribersAreProvisioned(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trial.yaml")
	log := newLines()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	at := simListen{xsi: "127.0.0.1:0", oci: "127.0.0.1:0", reporting: "127.0.0.1:0"}
	cfg := simulator.Config{Subscribers: 5, Seed: 7}
	go func() { done <- simulate(ctx, cfg, at, file, nil, newLogger(log, Log{Level: "info"})) }()
	defer func() { cancel(); require.NoError(t, <-done) }()
	ready := log.wait(t, "msg=ready")
	c, err := loadConfig(sources{File: file})
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	n := c.TenantNetworks()[0]
	require.Equal(t, tenant.SourceOCI, n.Provision.Source)
	require.Equal(t, tenant.OCI{
		Address: logged(ready, "oci"), ReportingAddress: logged(ready, "oci_reporting"), Username: n.BroadWorks.Username, Password: n.Provision.OCI.Password,
	}, n.Provision.OCI)
	require.Equal(t, n.BroadWorks.Password, n.Provision.OCI.Password)

	// Both answer at once: one to a question, one with nothing to say yet.
	conn, err := net.Dial("tcp", n.Provision.OCI.Address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write([]byte(`<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sessionId xmlns="">1</sessionId>` +
		`<command xsi:type="AuthenticationRequest" xmlns=""><userId>` + n.Provision.OCI.Username + `</userId></command></BroadsoftDocument>`))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	answer := make([]byte, 1024)
	got, err := conn.Read(answer)
	require.NoError(t, err)
	require.Contains(t, string(answer[:got]), "<nonce>")
	feed, err := net.Dial("tcp", n.Provision.OCI.ReportingAddress)
	require.NoError(t, err)
	require.NoError(t, feed.Close())

	taken := at
	taken.reporting = n.Provision.OCI.Address
	require.ErrorContains(t, simulate(ctx, cfg, taken, "", nil, newLogger(log, Log{})), "in use; choose another address with --oci-")
	taken.oci, taken.reporting = taken.reporting, ""
	require.ErrorContains(t, simulate(ctx, cfg, taken, "", nil, newLogger(log, Log{})), "in use; choose another address with --oci-")

	r := run(t, nil, "simulate", "--oci-reporting-listen", "127.0.0.1:0")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "needs --oci-listen")
}
