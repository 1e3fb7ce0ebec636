package main

import (
	"fmt"
	"net"
	"strings"

	"offhook/provider/simulator"
)

// simProvisioning is how the subscribers of a simulator are provisioned: where
// OCI-P and OCI-Reporting listen, nil for nowhere.
type simProvisioning struct{ oci, reporting net.Listener }

func listenProvisioning(at simListen) (p simProvisioning, err error) {
	if at.oci != "" {
		if p.oci, err = listenAt(at.oci, "--oci-listen"); err != nil {
			return simProvisioning{}, err
		}
	}
	if at.reporting != "" {
		if p.reporting, err = listenAt(at.reporting, "--oci-reporting-listen"); err != nil {
			if p.oci != nil {
				_ = p.oci.Close()
			}
			return simProvisioning{}, err
		}
	}
	return p, nil
}

// serve answers at both, and returns how many errors will come to served.
func (p simProvisioning) serve(sim *simulator.Simulator, served chan<- error) (n int) {
	if p.oci != nil {
		n++
		go func() { served <- sim.ServeOCI(p.oci) }()
	}
	if p.reporting != nil {
		n++
		go func() { served <- sim.ServeReporting(p.reporting) }()
	}
	return n
}

// hostPort is how another program on this machine reaches a listener.
func hostPort(ln net.Listener) string {
	return strings.TrimPrefix(reachable("tcp", ln.Addr()), "tcp://")
}

// ready is what the log says of it.
func (p simProvisioning) ready() (words []any) {
	if p.oci != nil {
		words = append(words, "oci", p.oci.Addr().String())
	}
	if p.reporting != nil {
		words = append(words, "oci_reporting", p.reporting.Addr().String())
	}
	return words
}

// config is the part of a network's config that uses it; the password is that
// of the XSPs.
func (p simProvisioning) config(password string) string {
	if p.oci == nil {
		return ""
	}
	reporting := ""
	if p.reporting != nil {
		reporting = fmt.Sprintf(", reporting_address: %q", hostPort(p.reporting))
	}
	return fmt.Sprintf(`    provisioning:
      source: oci
      oci: { address: %q, username: %s, password_file: %q%s }
`, hostPort(p.oci), simUsername, password, reporting)
}
