package broadworks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"offhook/engine/tenant"
	"offhook/provider"
)

// Config says which platform is driven, and how. It is checked by New.
type Config struct {
	Network     tenant.BroadWorks
	NetworkID   string // names the network in logs and metrics
	CountryCode string // without +; completes national numbers; empty leaves them alone
	Memory      Memory // what is remembered across restarts; nil remembers until the process ends
	Sink        provider.Sink
	Log         *slog.Logger // nil discards
	Metrics     *Metrics     // nil measures nothing
	// Full says that events cannot be taken for now: no channel is opened then.
	// It is asked often and must not wait. Nil means never.
	Full func() bool

	Request     time.Duration // one request; zero means 10 s
	Heartbeat   time.Duration // between heartbeats; zero means 15 s
	Silence     time.Duration // a stream that says nothing for so long is dead; zero means 75 s
	Expires     time.Duration // asked for channels and subscriptions; what is granted counts; zero means 1 h
	BackoffMin  time.Duration // zero means 1 s
	BackoffMax  time.Duration // zero means 60 s; between the two, full jitter
	Probe       time.Duration // between probes while the gate is closed; zero means 15 min
	SRVRefresh  time.Duration // between looks at DNS, where srv names the XSPs; zero means 5 min
	Duplicate   time.Duration // before the set is taken back from another client; zero means 10 min
	RefusedWait time.Duration // before a user the provider refused is tried again; zero means 10 min

	MaxDocument  int    // bytes of one document; zero means 64 KB
	EventPackage string // subscribed to; empty means Advanced Call
	// QuotaCodes are error codes that mean too many subscriptions, besides any
	// 409: what an operator's policy answers with is unknown (dossier §1.8, §6).
	QuotaCodes []int64

	XSPRate     float64       // requests per second to one XSP, acknowledgements and heartbeats aside; zero means 500
	InFlight    int           // requests at once to one XSP; zero means 32
	Waiting     int           // requests that may wait for that; zero means 1024
	QueueTime   time.Duration // what waited so long is not sent; zero means 2 s
	Subscribers int           // subscriptions being made or renewed at once; zero means 4
	Rate        float64       // subscriptions made or renewed per second; zero means 100
	PollRate    float64       // of GET /calls and of the reads that follow, per second; zero means 20
	Acks        int           // acknowledgements in flight at once; zero means 16
	AckQueue    int           // acknowledgements that may wait; zero means 16384

	// Of an HTTP contact.
	Listen  Listen        // serves it; required where the network has one
	Inbound int           // documents taken at once, the next is answered 503; zero means 1024
	Answer  time.Duration // an event that is not durable by then is answered 503; zero means 10 s
	GapWait time.Duration // an event ahead of its turn waits so long for those before it; zero means 500 ms
	Quiet   time.Duration // a user with calls of whom nothing was heard so long is compared; zero means 5 min
	Arrival time.Duration // a snapshot that was asked for arrives by then, or the link is down; zero means 30 s

	// Dial and LookupSRV replace the network; nil means the real one. Random
	// gives numbers in [0,1) for jitter, one call at a time; nil means math/rand.
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	LookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	Random    func() float64
	Now       func() int64 // ms since the epoch, for people and for the next start; nil means the system's clock

	srvScheme string // of XSPs that DNS names: https, but in tests
}

// The paths of an XSP where the operator left them as they come (dossier §1.1, §3.1).
const (
	defaultActionsPath = "/com.broadsoft.xsi-actions"
	defaultEventsPath  = "/com.broadsoft.xsi-events"
	defaultChannelPath = "/com.broadsoft.async/com.broadsoft.xsi-events"
)

const defaultPackage = "Advanced Call"

// The ways to subscribe.
const (
	subscribeUser       = "user"
	subscribeGroup      = "group"
	subscribeEnterprise = "enterprise"
)

func (c *Config) fill() error {
	for _, d := range []struct {
		have *time.Duration
		want time.Duration
	}{
		{&c.Request, 10 * time.Second}, {&c.Heartbeat, 15 * time.Second}, {&c.Silence, 75 * time.Second},
		{&c.Expires, time.Hour}, {&c.BackoffMin, time.Second}, {&c.BackoffMax, time.Minute},
		{&c.QueueTime, 2 * time.Second}, {&c.Probe, 15 * time.Minute}, {&c.SRVRefresh, 5 * time.Minute}, {&c.Duplicate, 10 * time.Minute}, {&c.RefusedWait, 10 * time.Minute},
	} {
		if *d.have <= 0 {
			*d.have = d.want
		}
	}
	for _, n := range []struct {
		have *int
		want int
	}{{&c.MaxDocument, 64 << 10}, {&c.InFlight, 32}, {&c.Waiting, 1024}, {&c.Subscribers, 4}, {&c.Acks, 16}, {&c.AckQueue, 16384}} {
		if *n.have <= 0 {
			*n.have = n.want
		}
	}
	if c.Rate <= 0 {
		c.Rate = 100
	}
	if c.EventPackage == "" {
		c.EventPackage = defaultPackage
	}
	if c.srvScheme == "" {
		c.srvScheme = "https"
	}
	if c.PollRate <= 0 {
		c.PollRate = 20
	}
	if c.XSPRate <= 0 {
		c.XSPRate = 500
	}
	for _, p := range []struct {
		have *string
		want string
	}{{&c.Network.ActionsPath, defaultActionsPath}, {&c.Network.EventsPath, defaultEventsPath}, {&c.Network.ChannelPath, defaultChannelPath}} {
		*p.have = strings.TrimSuffix(*p.have, "/")
		if *p.have == "" {
			*p.have = p.want
		}
		if !strings.HasPrefix(*p.have, "/") {
			*p.have = "/" + *p.have
		}
	}
	c.fillContact()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("network", c.NetworkID)
	if random := c.Random; random == nil {
		c.Random = rand.Float64
	} else {
		var mu sync.Mutex
		c.Random = func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return random()
		}
	}
	if c.Now == nil {
		c.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if c.Memory == nil {
		c.Memory = NewMemory()
	}
	if c.LookupSRV == nil {
		c.LookupSRV = net.DefaultResolver.LookupSRV
	}
	if c.Dial == nil {
		d := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
		c.Dial = d.DialContext
	}
	return c.check()
}

func (c *Config) check() error {
	n := &c.Network
	switch {
	case c.Sink == nil:
		return errors.New("broadworks: no sink")
	case len(n.XSPs) == 0 && n.SRV == "":
		return errors.New("broadworks: neither xsps nor srv is given")
	case len(n.XSPs) > 0 && n.SRV != "":
		return errors.New("broadworks: xsps and srv exclude each other")
	case n.Username == "":
		return errors.New("broadworks: no username")
	case len(n.ApplicationID) > 256:
		return errors.New("broadworks: application_id is longer than 256 characters")
	}
	for _, name := range n.Without {
		if _, ok := tenant.Capability(name); !ok {
			return fmt.Errorf("broadworks: there is no capability %q", name)
		}
	}
	for _, x := range n.XSPs {
		if _, err := parseBase(x); err != nil {
			return err
		}
	}
	switch n.Subscribe {
	case "":
		n.Subscribe = subscribeUser
	case subscribeUser:
	case subscribeGroup, subscribeEnterprise:
		if len(n.Targets) == 0 {
			return fmt.Errorf("broadworks: subscribe %s needs targets", n.Subscribe)
		}
		for _, t := range n.Targets {
			if t.Enterprise == "" && t.ServiceProvider == "" || t.Group != "" && t.ServiceProvider == "" {
				return errors.New("broadworks: a target is an enterprise, a service_provider, or a service_provider and group")
			}
		}
	default:
		return fmt.Errorf("broadworks: subscribe is user, group or enterprise, not %q", n.Subscribe)
	}
	return c.checkContact()
}

// parseBase reads the base URL of an XSP: scheme and host, nothing else.
func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("broadworks: an XSP is given as https://host[:port]")
	}
	return u, nil
}
