package broadworks

import (
	"context"
	"encoding/base64"
	"net/http"
	"sync"
)

// gate stands before every request of the network. BroadWorks locks accounts
// that fail to log in again and again, so the first 401 closes it; then one
// probe leaves every quarter of an hour, or at once when the credentials
// change (design §7). It starts closed: nothing is sent before one
// authenticated request went well.
type gate struct {
	mu      sync.Mutex
	header  string        // Authorization
	login   string        // user name, for the probe's path
	version uint64        // of the credentials
	open    chan struct{} // closed while the gate is open
	shut    chan struct{} // closed while it is not
	refused bool          // a 401 closed it, not just the start
	changed chan struct{} // has room for one: the credentials are new
}

func newGate(user, password string) *gate {
	g := &gate{open: make(chan struct{}), shut: make(chan struct{}), changed: make(chan struct{}, 1)}
	close(g.shut)
	g.login, g.header = user, basic(user, password)
	return g
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// pass returns the credentials, or ok false while the gate is closed.
func (g *gate) pass() (header string, version uint64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		return g.header, g.version, true
	default:
		return "", 0, false
	}
}

// probe returns the credentials for the one request that may pass a closed gate.
func (g *gate) probe() (header, login string, version uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.header, g.login, g.version
}

// wait returns when the gate is open, or ctx ended.
func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// waitShut returns a channel that is closed as long as the gate is.
func (g *gate) waitShut() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

// refuse closes the gate, unless the 401 was for credentials that are no
// longer used. It reports whether this call closed it.
func (g *gate) refuse(version uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if version != g.version {
		return false
	}
	first := !g.refused
	g.refused = true
	select {
	case <-g.open:
		g.open = make(chan struct{})
		close(g.shut)
	default:
	}
	return first
}

// doubt closes the gate until a probe, which leaves at once, has shown that the
// credentials are good.
func (g *gate) doubt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
		g.open = make(chan struct{})
		close(g.shut)
	default:
	}
}

// admit opens the gate, unless the credentials changed since they were proven.
func (g *gate) admit(version uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if version != g.version {
		return
	}
	g.refused = false
	select {
	case <-g.open:
	default:
		close(g.open)
		g.shut = make(chan struct{})
	}
}

// change takes new credentials. A gate that a 401 closed is probed at once.
func (g *gate) change(user, password string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	header := basic(user, password)
	if header == g.header {
		return
	}
	g.login, g.header = user, header
	g.version++
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

func (g *gate) refusing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// guard keeps the gate until ctx ends: it probes whenever the gate is shut.
func (p *Provider) guard(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		select {
		case <-p.gate.waitShut():
		case <-ctx.Done():
			return
		}
		if p.gate.refusing() {
			// Closed by a 401: the next look is a probe's wait away.
			if !p.pause(ctx, p.cfg.Probe, p.gate.changed) {
				return
			}
		}
		select {
		case <-p.gate.changed: // what is probed now is the newest
		default:
		}
		header, login, version := p.gate.probe()
		a, err := p.probe(ctx, header, login)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && a.status == http.StatusUnauthorized:
			if p.gate.refuse(version) {
				p.alarmGate()
			}
			p.touch()
			failures = 0
		case err == nil && a.status < 500:
			p.gate.admit(version)
			p.touch()
			failures = 0
		default:
			if failures == 0 {
				p.cfg.Log.Warn("xsp not reachable", "status", a.status, "reason", reasonOf(err))
			}
			if !p.pause(ctx, p.backoff(failures), p.gate.changed) {
				return
			}
			failures++
		}
	}
}

// probe sends the one authenticated GET that settles whether the credentials
// are good. The login's own profile: any answer but 401 says they are. An XSP
// that is at fault says nothing about them; another may.
func (p *Provider) probe(ctx context.Context, header, login string) (answer, error) {
	var a answer
	err := errNoXSP
	for _, x := range p.order() {
		r := request{op: opProbe, method: http.MethodGet, path: p.userPath(login) + "/profile", login: header, unbounded: true}
		if a, err = p.do(ctx, x, r); err == nil && a.status < 500 {
			return a, nil
		}
	}
	return a, err
}

func (p *Provider) alarmGate() {
	p.cfg.Log.Error("gate closed: the XSP refused the credentials; nothing is sent but one probe each interval or when they change",
		"interval", p.cfg.Probe)
}
