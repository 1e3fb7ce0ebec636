package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"offhook/transport/webhook"
	"offhook/transport/webhook/receiver"
)

// listenCmd is a receiver for webhooks on this machine: it judges what arrives
// and can misbehave, so that both sides of the contract can be watched.
type listenCmd struct {
	Listen      string        `help:"Address to listen on." default:"127.0.0.1:9099" placeholder:"ADDR"`
	Secret      []string      `help:"A whsec_… secret events are signed with; can be repeated. Also OFFHOOK_LISTEN_SECRET, which other users of the machine cannot see." placeholder:"WHSEC"`
	Tolerance   time.Duration `help:"How far a webhook-timestamp may be off." default:"5m"`
	FailRate    float64       `help:"How many of the requests, 0 to 1, to refuse before they are taken." placeholder:"P"`
	Status      int           `help:"What to refuse with. Without --fail-rate everything is refused." placeholder:"CODE"`
	DropRate    float64       `help:"How many connections, 0 to 1, to close after the event was taken, without an answer." placeholder:"P"`
	Delay       time.Duration `help:"How long to wait before each answer."`
	Seed        *uint64       `help:"The same seed gives the same choices. Default: another one each time." placeholder:"N"`
	JSON        bool          `name:"json" help:"One JSON object for each line."`
	For         time.Duration `help:"Stop after this long. Default: at SIGINT." placeholder:"TIME"`
	ShowNumbers bool          `help:"Show phone numbers in full."`

	Register   string `help:"Make an app of this offhook (the URL of its admin listener) that sends here the calls of all its subscribers, and delete it at the end." placeholder:"URL"`
	AdminToken string `help:"Token of the admin listener. Also OFFHOOK_ADMIN_TOKEN." placeholder:"TOKEN"`
	App        string `help:"The id of the app that --register makes. Default: a new one." placeholder:"APP_ID"`
	URL        string `name:"url" help:"Where that offhook reaches this receiver. Default: the address it listens on." placeholder:"URL"`

	program *program
}

func (c listenCmd) Run(p *program) error {
	if c.AdminToken == "" {
		c.AdminToken = p.env["OFFHOOK_ADMIN_TOKEN"]
	}
	if len(c.Secret) == 0 {
		c.Secret = strings.FieldsFunc(p.env["OFFHOOK_LISTEN_SECRET"], func(r rune) bool { return r == ',' || r <= ' ' })
	}
	if c.Status != 0 && c.FailRate == 0 {
		c.FailRate = 1
	}
	if c.Seed == nil {
		seed := rand.Uint64() // #nosec G404 -- chance, and no secret
		c.Seed = &seed
	}
	if err := c.check(); err != nil {
		return err
	}
	log := newLogger(p.stderr, Log{Level: "info", Format: formatText})
	c.program = p
	return p.untilSignal(log, func(ctx context.Context) error {
		return p.whileRead(ctx, func(ctx context.Context, out io.Writer) error {
			return c.receive(ctx, log, &printer{w: out, json: c.JSON, numbers: c.ShowNumbers})
		})
	}, closing()...)
}

// check finds what is wrong with the flags before anything is opened.
func (c *listenCmd) check() error {
	wrong := func(flag, text string) error { return &configError{{origin: flag, text: text}} }
	for _, r := range []struct {
		flag string
		rate float64
	}{{"--fail-rate", c.FailRate}, {"--drop-rate", c.DropRate}} {
		if !(r.rate >= 0 && r.rate <= 1) { // NaN too
			return wrong(r.flag, fmt.Sprintf("must be between 0 and 1, not %v", r.rate))
		}
	}
	switch {
	case c.Status != 0 && (c.Status < 300 || c.Status > 599):
		return wrong("--status", fmt.Sprintf("must be between 300 and 599, not %d: a 2xx would lose what it was answered to", c.Status))
	case c.Tolerance <= 0:
		return wrong("--tolerance", "must be longer than nothing")
	case c.Delay < 0:
		return wrong("--delay", "must not be negative")
	case c.For < 0:
		return wrong("--for", "must not be negative")
	case c.Register != "" && c.AdminToken == "":
		return wrong("--admin-token", "is needed with --register; it is in the file "+adminTokenFile+" of the data directory")
	case c.Register == "" && len(c.Secret) == 0:
		return wrong("--secret", "is needed, or --register, which makes an app with a new one")
	case c.Register == "" && c.App != "":
		return wrong("--app", "goes with --register")
	case c.Register == "" && c.URL != "":
		return wrong("--url", "goes with --register")
	}
	for _, s := range c.Secret {
		if _, err := webhook.NewVerifier(s); err != nil {
			return wrong("--secret", err.Error())
		}
	}
	return nil
}

// quiet is how long nothing may arrive before a reason is suggested.
const quiet = 10 * time.Second

// receive listens until ctx ends or the time is up, then sums up.
func (c *listenCmd) receive(ctx context.Context, log *slog.Logger, out *printer) (err error) {
	if c.For > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, c.For)
		defer stop()
	}
	began := time.Now()
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address with --listen", err)
	}
	cfg := receiver.Config{
		Secrets: c.Secret, Tolerance: c.Tolerance, OnDelivery: out.delivery,
		Misbehave: receiver.Misbehaviour{FailRate: c.FailRate, Status: c.Status, DropRate: c.DropRate, Delay: c.Delay, Seed: *c.Seed},
	}
	var reg *registration
	if c.Register != "" {
		if reg, err = c.register(ctx, ln.Addr()); err != nil {
			return errors.Join(err, ln.Close())
		}
		defer func() { err = errors.Join(err, reg.end(log)) }()
		cfg.Secrets = append(cfg.Secrets, reg.secret)
		cfg.FromOne = c.App == "" // an id that was used before may have numbers from then
	}
	r, err := receiver.New(cfg)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	server := serveReceiver(ctx, r, ln, c.Delay, log)
	log.Info("ready", "receiver", reachable("http", ln.Addr()))
	if c.FailRate > 0 || c.DropRate > 0 || c.Delay > 0 {
		log.Info("misbehaving", "fail_rate", c.FailRate, "drop_rate", c.DropRate, "delay", c.Delay, "seed", *c.Seed)
	}
	err = reg.link(ctx, log)
	if err == nil {
		err = c.watch(ctx, r, server, log)
	}
	// The app goes first, while its last events still find somebody.
	err = errors.Join(err, reg.end(log), server.stop())
	counts := r.Counts()
	out.summary(counts, time.Since(began))
	if n := counts.Faults(); n > 0 {
		err = errors.Join(err, fmt.Errorf("the sender broke its promises %d times", n))
	}
	return err
}

// watch waits for the end. If nothing arrives at first, it says what that
// may mean: a guard that blocks an address tells its log, not us.
func (c *listenCmd) watch(ctx context.Context, r *receiver.Receiver, server *receiverServer, log *slog.Logger) error {
	hint := time.NewTimer(quiet)
	defer hint.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-server.failed:
			return fmt.Errorf("receiver: %w", err)
		case <-hint.C:
			if c.Register != "" && r.Counts().Requests == 0 {
				log.Warn("nothing has arrived yet", "hint", "if there are calls, offhook may not reach this address: "+allowLocal)
			}
		}
	}
}

// receiverServer is the HTTP server around a receiver.
type receiverServer struct {
	http   *http.Server
	failed chan error
}

// serveReceiver serves until stop. Answers that are held back leave when ctx
// ends.
func serveReceiver(ctx context.Context, h http.Handler, ln net.Listener, delay time.Duration, log *slog.Logger) *receiverServer {
	s := &receiverServer{failed: make(chan error, 1), http: &http.Server{
		Handler: h, ReadTimeout: 15 * time.Second, WriteTimeout: delay + 30*time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() {
		err := s.http.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		s.failed <- err
		close(s.failed)
	}()
	return s
}

// stop ends what is under way, without waiting for those who do not.
func (s *receiverServer) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	return <-s.failed
}
