package broadworks

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"offhook/engine"
	"offhook/provider"
)

// Provider drives one network. Make it with New.
type Provider struct {
	cfg     Config
	clients clients
	gate    *gate
	acks    chan ack
	recent  recent
	polls   pacer
	xsps    atomic.Pointer[xspList]

	platform atomic.Pointer[engine.Platform]
	round    atomic.Uint32                   // whose turn it is among the XSPs
	foreign  atomic.Int64                    // when a redirect to nowhere was last told of; a moment
	run      atomic.Pointer[context.Context] // once it ends, a link that goes down is no news

	// handing is held while an event is resolved and handed over, so that
	// what waited for its subscription comes before what follows it.
	handing sync.Mutex
	held    held // by handing
	contact contact

	mu       sync.RWMutex
	set      string // channel set id
	channels map[*channel]struct{}
	users    map[string]*standing // by folded user id
	targets  []*standing          // groups and enterprises subscribed to as one
	subs     map[string]*standing // by subscription id
	posting  int                  // subscriptions being made right now
	refused  map[*standing]refused
	work     work
	counts   counts
	since    time.Time
	began    time.Time // nothing here is counted by a clock that somebody may set; see Provider.now
	link     provider.Link
	detail   string
	// duplicate is until when another client is left its channel set.
	duplicate time.Time
}

type counts struct{ followed, subscribed int }

var _ provider.Provider = (*Provider)(nil)

// New checks the configuration; nothing is sent before Run.
func New(cfg Config) (*Provider, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	p := &Provider{
		cfg:      cfg,
		gate:     newGate(cfg.Network.Username, cfg.Network.Password),
		acks:     make(chan ack, cfg.AckQueue),
		channels: map[*channel]struct{}{},
		users:    map[string]*standing{},
		subs:     map[string]*standing{},
		refused:  map[*standing]refused{},
		since:    time.Now(),
		began:    time.Now(),
		link:     provider.LinkDown,
	}
	p.platform.Store(platformOf(cfg.Network.Without))
	p.recent.init(p)
	p.held.init()
	p.contact.init(&p.cfg)
	p.work.init()
	p.work.pace.every, p.polls.every = perSecond(p.cfg.Rate), perSecond(p.cfg.PollRate)
	var err error
	if p.clients, err = p.cfg.clients(); err != nil {
		return nil, err
	}
	if cfg.Network.Subscribe != "" && p.cfg.Network.Subscribe != subscribeUser {
		p.addTargets()
	}
	var all []*xsp
	for _, s := range cfg.Network.XSPs {
		base, err := parseBase(s)
		if err != nil {
			return nil, err
		}
		all = append(all, p.newXSP(base))
	}
	p.rank(all, nil)
	return p, nil
}

// SetCredentials replaces the login. A closed gate is probed at once.
func (p *Provider) SetCredentials(username, password string) { p.gate.change(username, password) }

// Run implements provider.Provider.
func (p *Provider) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer p.clients.close()
	p.run.Store(&ctx)
	if id := p.cfg.Network.ApplicationID; id != "" {
		p.cfg.Log.Info("the platform must know this application id, where it screens them", "application_id", id)
	}
	p.recall()
	var wg sync.WaitGroup
	defer wg.Wait()
	if p.contact.on {
		wg.Go(func() { p.serveContact(ctx) })
		wg.Go(func() { p.watch(ctx) })
	}
	for range p.cfg.Acks {
		wg.Go(func() { p.acknowledge(ctx) })
	}
	for range p.cfg.Subscribers {
		wg.Go(func() { p.subscribe(ctx) })
	}
	p.tendHosts(ctx)
	return nil
}

// Status implements provider.Provider.
func (p *Provider) Status() provider.Status {
	p.touch()
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.status()
}

func (p *Provider) status() provider.Status {
	subscribed := p.counts.subscribed
	if !p.perUser() { // a group's subscription is everybody's
		subscribed = p.counts.followed
		for _, s := range p.targets {
			if s.sub == "" {
				subscribed = 0
			}
		}
	}
	return provider.Status{
		Link: p.link, Since: p.since.UnixMilli(), Detail: p.detail,
		Channels: len(p.channels), Followed: p.counts.followed, Subscribed: subscribed, Refused: len(p.refused),
	}
}

// touch works out the link's condition anew.
func (p *Provider) touch() {
	link, detail := provider.LinkDown, "the event stream is being built"
	refusing := p.gate.refusing()
	p.mu.Lock()
	switch {
	case refusing:
		link, detail = provider.LinkGateClosed, "the provider refused our credentials; a probe is sent every "+p.cfg.Probe.String()
	case p.contact.on:
		link, detail = p.contactLink()
	case len(p.channels) > 0:
		link, detail = provider.LinkUp, p.missing()
	case time.Now().Before(p.duplicate):
		link, detail = provider.LinkDuplicate, "another client opened a channel set with our application id"
	default:
		if why := p.missing(); why != "" {
			detail = why
		}
	}
	changed := link != p.link
	if changed {
		p.link, p.since = link, time.Now()
	}
	p.detail = detail
	s := p.status()
	p.mu.Unlock()
	p.cfg.Metrics.status(p.cfg.NetworkID, s)
	run := p.run.Load()
	switch {
	case run == nil || (*run).Err() != nil:
	case changed && link == provider.LinkUp:
		p.cfg.Log.Info("link up", "detail", detail)
	case changed:
		p.cfg.Log.Warn("link not up", "link", link, "detail", detail)
	}
}

// missing says which XSPs have no channel of ours, and why. p.mu is held.
func (p *Provider) missing() string {
	l := p.xsps.Load()
	if l == nil {
		return ""
	}
	var all []string
	for _, x := range l.all {
		if x.streams == 0 && x.trouble != "" {
			all = append(all, x.base.Host+": "+x.trouble)
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// backoff is full jitter: anything up to a bound that doubles.
func (p *Provider) backoff(failures int) time.Duration {
	bound := p.cfg.BackoffMax
	if failures < 16 {
		bound = min(bound, p.cfg.BackoffMin<<failures)
	}
	return time.Duration(p.cfg.Random() * float64(bound))
}

// pause waits for d, or less when early has something. It reports whether ctx
// goes on.
func (p *Provider) pause(ctx context.Context, d time.Duration, early <-chan struct{}) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-early:
		return true
	case <-ctx.Done():
		return false
	}
}
