package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// check decides whether the settings make sense, one by one and together, and
// settles what follows from others.
func (c *Config) check() configError {
	k := &checker{config: c}
	k.simulator() // first: whether it is on decides what else counts
	k.listeners()
	k.tls("tls", c.TLS)
	k.tls("admin.tls", c.Admin.TLS)
	k.operator()
	k.bounds()
	k.space()
	k.tracing()
	k.words("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.words("log.format", c.Log.Format, formatAuto, formatText, formatJSON)
	k.dataDir()
	if strings.ContainsFunc(c.Admin.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		k.fault("admin.token", "may only have printable ASCII without spaces: it is sent in a header")
	}
	ids := map[string]int{}
	for i := range c.Networks {
		k.network(i, ids)
	}
	k.wrong.sort()
	return k.wrong
}

// checkStored is check for who looks at what is stored and starts nothing.
func (c *Config) checkStored() configError {
	k := &checker{config: c}
	k.bounds()
	k.space()
	k.dataDir()
	k.wrong.sort()
	return k.wrong
}

func (k *checker) dataDir() {
	if k.config.DataDir == "" {
		k.fault("data_dir", "is empty; name a directory")
		return
	}
	k.sealing()
}

// unreadable says why a file cannot be read.
func unreadable(file string, err error) string {
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(file, "/run/credentials/") {
		return cause(err) + "; systemd brings it (LoadCredential= in the unit), and while the service runs only: start that first"
	}
	return cause(err)
}

type checker struct {
	config *Config
	wrong  configError
}

// know reports whether settings are what was written.
func (k *checker) know(paths ...string) bool {
	return !slices.ContainsFunc(paths, k.config.misread.has)
}

// fault complains about a setting, in terms of where it was written.
func (k *checker) fault(path, format string, args ...any) {
	if !k.know(path) {
		return
	}
	origin := k.config.origins.of(path)
	line, _ := strconv.Atoi(origin[strings.LastIndexByte(origin, ':')+1:]) // 0 where there are none: they come first
	k.wrong = append(k.wrong, fault{origin: origin, line: line, path: path, text: fmt.Sprintf(format, args...)})
}

func (k *checker) words(path, have string, want ...string) {
	if slices.Contains(want, have) {
		return
	}
	last := len(want) - 1
	k.fault(path, "must be %s or %s, not %q%s", strings.Join(want[:last], ", "), want[last], have, didYouMean(have, want))
}

type address struct{ path, host, port string }

func (k *checker) listeners() {
	c := k.config
	all := []address{{path: "listen", host: c.Listen}, {path: "admin.listen", host: c.Admin.Listen}}
	if c.Simulator.Enabled {
		all = append(all, address{path: "simulator.listen", host: c.Simulator.Listen})
	}
	all = append(all, c.contactListeners()...)
	var taken []address
	for _, a := range all {
		host, port, err := net.SplitHostPort(a.host)
		number, notNumber := strconv.ParseUint(port, 10, 16)
		if err != nil || notNumber != nil || strings.ContainsAny(host, " /") {
			k.fault(a.path, "%q is no address to listen on; write host:port, as in 127.0.0.1:8080, or :8080 for all", a.host)
			continue
		}
		a.host, a.port = host, port
		for _, other := range taken {
			if number != 0 && k.know(a.path, other.path) && a.port == other.port && (a.host == other.host || everywhere(a.host) || everywhere(other.host)) {
				k.fault(a.path, "is the same address as %s; give one of them another port", other.path)
			}
		}
		taken = append(taken, a)
	}
}

func everywhere(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// tls checks the certificate of a listener, whose settings are at path.
func (k *checker) tls(path string, t TLS) {
	cert, key := path+".cert_file", path+".key_file"
	switch {
	case t.CertFile == "" && t.KeyFile == "", !k.know(cert, key):
	case t.KeyFile == "":
		k.fault(cert, "is given without %s; HTTPS needs both, plain HTTP neither", key)
	case t.CertFile == "":
		k.fault(key, "is given without %s; HTTPS needs both, plain HTTP neither", cert)
	default:
		readable := k.readable(cert, t.CertFile)
		if !k.readable(key, t.KeyFile) || !readable {
			return
		}
		if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
			k.fault(cert, "cannot be used with %s: %v", key, err)
		}
	}
}

func (k *checker) readable(path, file string) bool {
	f, err := os.Open(file) // #nosec G304 -- a file that the operator names
	if err != nil {
		k.fault(path, "%s cannot be read: %s", file, unreadable(file, err))
		return false
	}
	_ = f.Close()
	return true
}

// The bounds keep settings from working against the rest: the API gives a
// request 15 s, ended calls must answer for ten minutes, and a client of an
// event stream takes one for dead that shows nothing for 45 s.
func (k *checker) bounds() {
	c := k.config
	for _, d := range []struct {
		path       string
		have       time.Duration
		least, max time.Duration
	}{
		{"calls.confirm_timeout", c.Calls.ConfirmTimeout, 100 * time.Millisecond, 10 * time.Second},
		{"events.heartbeat", c.Events.Heartbeat, time.Second, 30 * time.Second},
		{"retention", c.Retention.Events, time.Hour, 10 * 365 * 24 * time.Hour},
		{"retention.history", c.Retention.History, time.Hour, 10 * 365 * 24 * time.Hour},
		{"drain_timeout", c.DrainTimeout, time.Second, 10 * time.Minute},
	} {
		if d.have < d.least || d.have > d.max {
			k.fault(d.path, "must be between %v and %v, not %v", d.least, d.max, d.have)
		}
	}
	k.between("calls.apps_per_subscriber", c.Calls.AppsPerSubscriber, 1, 1024)
	k.between("events.streams", c.Events.Streams, 1, 10000) // the listener takes 16,384 connections
	k.between("events.streams_per_app", c.Events.StreamsPerApp, 1, 10000)
	for path, have := range map[string]int{
		"limits.per_address": c.Limits.PerAddress, "limits.per_key": c.Limits.PerKey, "limits.per_app": c.Limits.PerApp,
		"limits.bad_keys_per_address": c.Limits.BadKeys, "limits.commands_per_subscriber": c.Limits.Commands,
	} {
		k.between(path, have, 0, 1_000_000)
	}
}

func (k *checker) between(path string, have, least, most int) {
	if have < least || have > most {
		k.fault(path, "must be between %d and %d, not %d", least, most, have)
	}
}

// simulator is off as soon as networks are configured: what rings on a real
// network must not be mixed with what never happened.
func (k *checker) simulator() {
	c := k.config
	if len(c.Networks) > 0 {
		if c.Simulator.Enabled && c.Asked("simulator.enabled") {
			// Not refused: true is the default, and files are made by writing the defaults out.
			c.Warnings = append(c.Warnings, "simulator.enabled is true, and there are networks: the simulator stays off; remove the networks to use it")
		}
		c.Simulator.Enabled = false
	}
	k.between("simulator.subscribers", c.Simulator.Subscribers, 1, maxSubscribers)
	k.words("simulator.traffic", c.Simulator.Traffic, "demo", "none")
}
