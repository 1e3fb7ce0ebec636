package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"offhook/transport/httpapi"
)

// reloader takes over what the configuration says now, as far as that can
// change while offhook runs.
type reloader struct {
	read  func() (*Config, error)
	logs  *logs
	node  *node
	admin interface {
		UseCertificate(certFile, keyFile string) error
	}

	mu     sync.Mutex
	config *Config // what holds; replaced, never changed
}

// part is a group of settings that change together.
type part struct {
	name string // of the setting, or of the group it is in
	// use has the settings of a configuration hold. An error says why they
	// cannot before a restart, and then nothing has changed.
	use func(r *reloader, next *Config) error
}

// parts are all that can change. The rest takes a restart.
var parts = []part{
	{"drain_timeout", func(*reloader, *Config) error { return nil }}, // read when it is needed
	{"limits", func(r *reloader, next *Config) error { r.node.api.SetRates(rates(next.Limits)); return nil }},
	{"tls", func(r *reloader, next *Config) error {
		return useCertificate(r.node.api.UseCertificate, r.config.TLS, next.TLS)
	}},
	{"admin.tls", func(r *reloader, next *Config) error {
		return useCertificate(r.admin.UseCertificate, r.config.Admin.TLS, next.Admin.TLS)
	}},
	{"log.level", func(r *reloader, next *Config) error { r.logs.level.Set(next.Log.level()); return nil }},
	{"networks", (*reloader).useNetworks},
}

// drainTimeout is the one that holds.
func (r *reloader) drainTimeout() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.config.DrainTimeout
}

// reload reads the configuration and takes over what can change. One that is
// wrong changes nothing. What came of it is logged.
func (r *reloader) reload() {
	next, err := r.read()
	if err != nil {
		var wrong *configError
		if !errors.As(err, &wrong) {
			wrong = &configError{{text: err.Error()}}
		}
		for _, f := range *wrong {
			r.logs.Error("the configuration is wrong", "fault", f.String())
		}
		r.logs.Error("configuration not reloaded; all stays as it was", "faults", len(*wrong))
		return
	}
	for _, w := range next.Warnings {
		r.logs.Warn("configuration", "warning", w)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.config.differences(next)
	holds, taken, refused := *r.config, []string(nil), []string(nil)
	for _, p := range parts {
		err := p.use(r, next) // also where nothing changed: files that are named may have
		mine := func(path string) bool {
			return path == p.name || strings.HasPrefix(path, p.name+".") || strings.HasPrefix(path, p.name+"[")
		}
		if err == nil {
			holds.takeFiles(next, mine)
		}
		for _, path := range changed {
			switch {
			case !mine(path):
			case err != nil:
				r.logs.Warn("setting not taken over", "setting", path, "why", err)
				refused = append(refused, path)
			default:
				holds.take(path, next)
				taken = append(taken, path)
			}
		}
		changed = slices.DeleteFunc(changed, mine)
		if err != nil {
			r.logs.Error("configuration not taken over", "setting", p.name, "err", err)
		}
	}
	r.config = &holds
	for _, path := range changed {
		r.logs.Warn("setting needs a restart", "setting", path)
	}
	slices.Sort(taken)
	// Whoever sent the signal sees that it came through, whatever the level is.
	r.logs.tell("configuration reloaded", "changed", strings.Join(taken, " "), "after_restart", strings.Join(changed, " "), "refused", strings.Join(refused, " "))
}

// useNetworks has the networks of the file hold, and what the files they name
// have in them. Those that differ begin afresh; their calls stay.
func (r *reloader) useNetworks(next *Config) error {
	if r.config.Simulator.Enabled || next.Simulator.Enabled {
		if len(r.config.Networks) == 0 && len(next.Networks) == 0 {
			return nil
		}
		return errors.New("the simulator is on until there are networks, and is switched by a restart")
	}
	r.node.networks.retune(next.tunings())
	if err := r.node.putNetworks(next.TenantNetworks()); err != nil {
		return fmt.Errorf("the networks cannot be stored: %w", err)
	}
	r.node.networks.refresh()
	return nil
}

// useCertificate reads a certificate again. Between HTTPS and plain HTTP lies a
// restart.
func useCertificate(use func(certFile, keyFile string) error, now, next TLS) error {
	if now == (TLS{}) && next == (TLS{}) {
		return nil
	}
	if now == (TLS{}) || next == (TLS{}) {
		return errors.New("changing between HTTP and HTTPS needs a restart")
	}
	return use(next.CertFile, next.KeyFile)
}

func rates(l Limits) httpapi.Rates {
	return httpapi.Rates{
		PerAddress: rate(l.PerAddress), PerKey: rate(l.PerKey), PerApp: rate(l.PerApp),
		BadKeys: rate(l.BadKeys), Commands: rate(l.Commands),
	}
}

// differences are the settings that another configuration has other values for,
// and those that name a file with something else in it.
func (c *Config) differences(other *Config) (paths []string) {
	theirs := other.settings()
	for i, s := range c.settings() {
		if !reflect.DeepEqual(s.v.Interface(), theirs[i].v.Interface()) {
			paths = append(paths, s.path)
		}
	}
	more := c.rewritten(other)
	slices.Sort(more)
	return append(paths, more...)
}

// take gives one setting the value that another configuration has.
func (c *Config) take(path string, other *Config) {
	theirs := other.settings()
	for i, s := range c.settings() {
		if s.path == path {
			s.v.Set(theirs[i].v)
		}
	}
}
