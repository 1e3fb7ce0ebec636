package broadworks

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"offhook/provider"
)

// Inbound takes what the platform POSTs to our HTTP contact. A Provider is
// one; whoever listens hands documents to it.
type Inbound interface {
	// Knows reports whether a path is the contact's. Only the last segment
	// counts, so that a proxy may cut the others off. How long it takes tells
	// nothing about the right one.
	Knows(path []byte) bool
	// Take takes one document, which stays the caller's, and returns the
	// status to answer with. 200 means that the event is durable.
	Take(document []byte) (status int)
	// MaxDocument is how many bytes a document may have.
	MaxDocument() int
}

// Listen serves an HTTP contact until ctx ends or it cannot go on. It calls
// bound once it listens, and returns when nothing of its own is under way.
type Listen func(ctx context.Context, in Inbound, bound func()) error

// contact is the other way events come: the platform POSTs each to a listener
// of ours, and the answer acknowledges it (dossier §3.9). The zero value is
// that of a network with channels.
type contact struct {
	on       bool
	decoders sync.Pool
	waits    sync.Pool
	taking   atomic.Int32  // documents that are not answered yet
	over     chan struct{} // closed when Run ends

	// arrived is when the last document came, expected since when a snapshot
	// was asked for and nothing came: ns since the epoch, 0 for none. unheard
	// says that it was too long.
	arrived  atomic.Int64
	expected atomic.Int64
	unheard  atomic.Bool

	early      map[string]*early // by subscription id; by Provider.handing
	earlyCount int

	// By Provider.mu:
	bound     bool
	secret    string
	talking   map[*standing]*talk
	discarded map[string]struct{} // targets of subscriptions that are being deleted
}

// targetContact is the Memory's name for the secret path.
const targetContact = "contact"

// secretBytes of chance make the path unguessable: it is all that tells the
// platform from anybody whose address is allowed.
const secretBytes = 20

func (c *contact) init(cfg *Config) {
	c.on = cfg.Network.Contact.Listen != ""
	c.over = make(chan struct{})
	c.early = map[string]*early{}
	c.talking = map[*standing]*talk{}
	c.discarded = map[string]struct{}{}
	c.decoders.New = func() any { return &decoder{countryCode: cfg.CountryCode} }
	c.waits.New = newWait
}

func (c *Config) fillContact() {
	for _, d := range []struct {
		have *time.Duration
		want time.Duration
	}{{&c.Answer, 10 * time.Second}, {&c.GapWait, 500 * time.Millisecond}, {&c.Quiet, 5 * time.Minute}, {&c.Arrival, 30 * time.Second}} {
		if *d.have <= 0 {
			*d.have = d.want
		}
	}
	if c.Inbound <= 0 {
		c.Inbound = 1024
	}
}

func (c *Config) checkContact() error {
	n := &c.Network.Contact
	if n.Listen == "" {
		return nil
	}
	u, err := url.Parse(n.PublicURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("broadworks: the public URL of an HTTP contact is https://host[:port][/path]")
	case c.Listen == nil:
		return errors.New("broadworks: nobody listens for the HTTP contact")
	}
	return nil
}

// ready reports whether events can reach us. Before that nothing is
// subscribed to. p.mu is held.
func (p *Provider) ready() bool { return len(p.channels) > 0 || p.contact.bound }

// serveContact has the contact served until ctx ends.
func (p *Provider) serveContact(ctx context.Context) {
	defer close(p.contact.over)
	_ = p.currentMark() // settles the path
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := p.cfg.Listen(ctx, p, p.contactUp)
		p.mu.Lock()
		p.contact.bound = false
		p.mu.Unlock()
		p.touch()
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) >= p.cfg.BackoffMax {
			failures = 0
		}
		p.cfg.Log.Error("http contact: the listener failed; events are lost until it is back", "err", err)
		p.cfg.Metrics.reconnected(p.cfg.NetworkID)
		if !p.pause(ctx, p.backoff(failures), nil) {
			return
		}
	}
}

// contactUp is called when the listener is bound. What was POSTed while it was
// not is lost, so every followed user is compared.
func (p *Provider) contactUp() {
	p.mu.Lock()
	p.contact.bound = true
	for _, s := range p.targets {
		s.fails, s.compare = 0, true
		p.enqueue(s)
	}
	if p.perUser() {
		p.compareEveryone()
	}
	p.work.wake()
	p.mu.Unlock()
	p.cfg.Log.Info("http contact: listening")
	p.touch()
}

// contactLink is the condition of the contact. p.mu is held.
func (p *Provider) contactLink() (provider.Link, string) {
	c := &p.contact
	since := c.expected.Load()
	switch s := p.status(); {
	case !c.bound:
		return provider.LinkDown, "the listener of the HTTP contact is not bound"
	case s.Followed > 0 && s.Subscribed == 0:
		return provider.LinkDown, "no subscription stands yet"
	case since != 0 && p.moment(time.Now())-since > int64(p.cfg.Arrival):
		c.unheard.Store(true)
		return provider.LinkDown, "the platform accepts subscriptions, and no event of them arrives: " +
			"every XSP must be able to reach the public URL of the HTTP contact, and be in its allow-list"
	}
	return provider.LinkUp, ""
}

// contactSecret is the last segment of the contact's path, the same from start
// to start: subscriptions are made with it. p.mu is held.
func (p *Provider) contactSecret() string {
	c := &p.contact
	if c.secret != "" {
		return c.secret
	}
	if value, err := p.cfg.Memory.Get(targetContact); err == nil {
		if c.secret = decodeRemembered(value).ID; c.secret != "" {
			return c.secret
		}
	}
	p.newSecret()
	return c.secret
}

func (p *Provider) newSecret() {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	p.contact.secret = hex.EncodeToString(b[:])
	if err := p.cfg.Memory.Put(targetContact, remembered{ID: p.contact.secret}.encode()); err != nil {
		p.cfg.Log.Error("http contact: the secret path is not remembered; a restart makes all subscriptions again", "err", err)
	}
}

// contactURI is where the platform is told to POST to. p.mu is held.
func (p *Provider) contactURI() string {
	return strings.TrimSuffix(p.cfg.Network.Contact.PublicURL, "/") + "/" + p.contactSecret()
}

// mark tells subscriptions that bring what we want to where we listen from those
// of before: a digest, empty for the usual events over channels. p.mu is held.
func (p *Provider) mark() string {
	to := ""
	if p.contact.on {
		to = p.contactURI()
	}
	if p.cfg.EventPackage != defaultPackage {
		to += "\x00" + p.cfg.EventPackage
	}
	if to == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(to))
	return hex.EncodeToString(sum[:8])
}

// currentMark is mark for who does not hold p.mu.
func (p *Provider) currentMark() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mark()
}

// Knows implements Inbound.
func (p *Provider) Knows(path []byte) bool {
	last := path
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			last = path[i+1:]
			break
		}
	}
	p.mu.RLock()
	secret := p.contact.secret
	p.mu.RUnlock()
	return secret != "" && subtle.ConstantTimeCompare(last, []byte(secret)) == 1
}

// MaxDocument implements Inbound.
func (p *Provider) MaxDocument() int { return p.cfg.MaxDocument }

// RotateContact gives the contact another secret path. The old one is unknown
// at once; all subscriptions are made again, which brings exact snapshots.
func (p *Provider) RotateContact() error {
	if !p.contact.on {
		return errors.New("the network has no HTTP contact")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.newSecret()
	var old []string
	again := func(s *standing) {
		if s.sub != "" {
			old = append(old, s.sub)
			p.replace(s)
		}
	}
	for _, s := range p.targets {
		again(s)
	}
	for _, s := range p.users {
		again(s)
	}
	for _, id := range old { // behind those that are made
		p.discard(id)
	}
	p.cfg.Log.Info("http contact: new secret path", "subscriptions", len(old))
	return nil
}

// replace has a standing order made anew. p.mu is held.
func (p *Provider) replace(s *standing) {
	p.drop(s)
	p.unremember(s)
	if s.followed {
		p.enqueue(s)
	}
}

// outdated replaces a subscription that was made for another contact than the
// present one: it changed while the request was under way. p.mu is held.
func (p *Provider) outdated(s *standing, mark string) {
	if id := s.sub; id != "" && mark != p.mark() {
		p.replace(s)
		p.discard(id)
	}
}

// maxDiscarded is how many subscriptions of nobody are deleted at a time; the
// others expire.
const maxDiscarded = 4096

// discard deletes a subscription that we cannot use, so that it does not count
// against a quota (dossier §1.9). p.mu is held.
func (p *Provider) discard(id string) {
	c := &p.contact
	target := targetDiscarded + id
	if _, known := c.discarded[target]; known || id == "" || len(c.discarded) >= maxDiscarded {
		return
	}
	c.discarded[target] = struct{}{}
	p.enqueue(&standing{target: target, sub: target[len(targetDiscarded):], heapPos: -1})
}

// unwanted reports whether a subscription is being deleted. p.mu is held.
func (p *Provider) unwanted(id string) bool {
	_, gone := p.contact.discarded[targetDiscarded+id]
	return gone
}

// targetDiscarded is what a Memory never holds.
const targetDiscarded = "discarded/"
