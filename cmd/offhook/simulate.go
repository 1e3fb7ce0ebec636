package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"offhook/provider/simulator"
)

type simulateCmd struct {
	Listen         string   `help:"Address to listen on. Also OFFHOOK_SIMULATOR_LISTEN. Default ${sim_listen}." placeholder:"ADDR"`
	Subscribers    int      `help:"How many phones there are, up to 79100." default:"20" placeholder:"N"`
	CallsPerSecond *float64 `help:"Random calls a second instead of a few at a human pace; 0 for none." placeholder:"R"`
	XSPs           int      `name:"xsps" help:"How many XSPs lead to the phones, up to 16. They listen on the ports after the first one's." default:"1" placeholder:"N"`
	Seed           uint64   `help:"The same seed gives the same choices. Default: another one each time." placeholder:"S"`
	Scenario       string   `help:"Play a story of calls, faults and times from a file; what it says of the switch goes before the other flags, but for the seed." placeholder:"FILE"`
	OCIListen      string   `name:"oci-listen" help:"Also answer OCI-P, the provisioning interface, at this address. Default: nobody does." placeholder:"ADDR"`
	OCIReporting   string   `name:"oci-reporting-listen" help:"Also tell every change of the subscribers there, as OCI-Reporting does." placeholder:"ADDR"`
	WriteConfig    string   `help:"Write a config file for “offhook serve” that uses this simulator, and beside it the list of its subscribers." placeholder:"FILE"`
}

func (c simulateCmd) Run(p *program) error {
	listen := c.Listen
	if listen == "" {
		listen = p.env["OFFHOOK_SIMULATOR_LISTEN"]
	}
	if listen == "" {
		listen = defaultSimListen
	}
	if c.Subscribers < 1 || c.Subscribers > maxSubscribers {
		return &configError{{origin: "--subscribers", text: fmt.Sprintf("must be between 1 and %d, not %d", maxSubscribers, c.Subscribers)}}
	}
	if c.XSPs < 1 || c.XSPs > maxXSPs {
		return &configError{{origin: "--xsps", text: fmt.Sprintf("must be between 1 and %d, not %d", maxXSPs, c.XSPs)}}
	}
	cfg := simulator.Config{Subscribers: c.Subscribers, XSPs: c.XSPs, Seed: c.Seed, Traffic: simulator.TrafficDemo}
	if r := c.CallsPerSecond; r != nil {
		if !(*r >= 0 && *r <= 100_000) { // NaN too
			return &configError{{origin: "--calls-per-second", text: fmt.Sprintf("must be between 0 and 100000, not %v", *r)}}
		}
		cfg.Traffic, cfg.CallsPerSecond = simulator.TrafficRate, *r
	}
	story, err := readScenario(c.Scenario, &cfg)
	if err != nil {
		return err
	}
	if c.OCIReporting != "" && c.OCIListen == "" {
		return &configError{{origin: "--oci-reporting-listen", text: "needs --oci-listen: what changed is read there"}}
	}
	log := newLogger(p.stderr, Log{Level: "info", Format: formatText})
	at := simListen{xsi: listen, oci: c.OCIListen, reporting: c.OCIReporting}
	return p.untilSignal(log, func(ctx context.Context) error { return simulate(ctx, cfg, at, c.WriteConfig, story, log) })
}

// readScenario reads a story, if there is one, and sets the switch up for it.
// Nothing happens beside the story.
func readScenario(file string, cfg *simulator.Config) (*simulator.Scenario, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
	if err != nil {
		return nil, &configError{{origin: file, text: "the scenario cannot be read: " + cause(err)}}
	}
	story, err := simulator.ParseScenario(text)
	if err != nil {
		return nil, &configError{{origin: file, text: err.Error()}}
	}
	flags := *cfg
	*cfg = story.Config
	if cfg.Subscribers == 0 {
		cfg.Subscribers = flags.Subscribers
	}
	if cfg.XSPs == 0 {
		cfg.XSPs = flags.XSPs
	}
	if flags.Seed != 0 {
		cfg.Seed = flags.Seed
	}
	cfg.Traffic, cfg.CallsPerSecond = simulator.TrafficNone, flags.CallsPerSecond
	return story, nil
}

// play tells a story, and the log of each step.
func play(ctx context.Context, sim *simulator.Simulator, story *simulator.Scenario, log *slog.Logger) {
	failed := 0
	_ = sim.Play(ctx, story, func(st simulator.Step, err error) {
		if err != nil {
			failed++
			log.Error("step", "line", st.Line, "at", st.At, "err", err)
			return
		}
		log.Info("step", "line", st.Line, "at", st.At, "does", st.Verb())
	})
	if ctx.Err() == nil {
		log.Info("scenario over", "steps", len(story.Steps), "failed", failed)
	}
}

// maxXSPs is how many XSPs one simulator can have.
const maxXSPs = 16

// simListen is where a simulator listens: at the first XSP's address and the
// ports after it, and for provisioning where the addresses are not empty.
type simListen struct{ xsi, oci, reporting string }

// simulate runs the simulator until ctx ends.
func simulate(ctx context.Context, cfg simulator.Config, at simListen, configFile string, story *simulator.Scenario, log *slog.Logger) (err error) {
	cfg.Log = log
	cfg.Username, cfg.Password = simUsername, simPassword
	doors, err := listenXSPs(at.xsi, max(cfg.XSPs, 1))
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	for _, ln := range doors {
		cfg.Bases = append(cfg.Bases, reachable("http", ln.Addr()))
	}
	provision, err := listenProvisioning(at)
	if err != nil {
		for _, ln := range doors {
			_ = ln.Close()
		}
		return fmt.Errorf("simulator: %w", err)
	}
	sim := simulator.New(cfg)
	served := make(chan error, len(doors)+2)
	for i, ln := range doors {
		go func() { served <- sim.ServeXSP(i, ln) }()
	}
	serving := len(doors) + provision.serve(sim, served)
	stop := func(running int) (err error) {
		err = sim.Close()
		for range running {
			<-served
		}
		return err
	}
	ready := []any{"simulator", doors[0].Addr().String()}
	if len(doors) > 1 {
		ready = append(ready, "xsps", strings.Join(cfg.Bases, ","))
	}
	ready = append(ready, provision.ready()...)
	if configFile != "" {
		file, subscribers, failed := writeSimulatorConfig(configFile, cfg.Bases, provision, sim.Phones())
		if failed != nil {
			_ = stop(serving)
			return failed
		}
		ready = append(ready, "config", file, "subscribers", subscribers)
	}
	log.Info("ready", ready...)
	if story != nil {
		told, ended := context.WithCancel(ctx)
		played := make(chan struct{})
		go func() { defer close(played); play(told, sim, story, log) }()
		defer func() { ended(); <-played }()
	}
	select {
	case err = <-served:
		_ = stop(serving - 1)
		return fmt.Errorf("simulator: %w", err)
	case <-ctx.Done():
	}
	log.Info("totals", totals(sim.Stats())...)
	return stop(serving)
}

// totals says in one line what became of the events, and of the channels.
func totals(s simulator.Stats) []any {
	left := s.ChannelsEndedBy["client left"]
	return []any{
		"calls", s.CallsStarted, "sent", s.EventsSent, "acknowledged", s.EventsAcked, "waiting", s.Live.Waiting,
		"resent", s.EventsResent, "refused", s.EventsRefused, "lost", s.EventsLost,
		"channels", s.ChannelsOpened, "ended_by_client", left, "ended_by_server", s.ChannelsEnded - left,
		"subscriptions", s.Subscribed, "renewed", s.Renewed,
	}
}

// listenXSPs opens a listener for each XSP: the first on the address given, the
// others on the ports after it. Port 0 finds each a free one.
func listenXSPs(listen string, n int) (doors []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, ln := range doors {
				_ = ln.Close()
			}
		}
	}()
	for i := range n {
		at := listen
		if i > 0 {
			host, port, err := net.SplitHostPort(listen)
			if err != nil {
				return doors, err
			}
			first, err := strconv.Atoi(port)
			if err != nil {
				return doors, fmt.Errorf("with several XSPs the port is a number, not %q", port)
			}
			if first != 0 {
				port = strconv.Itoa(first + i)
			}
			at = net.JoinHostPort(host, port)
		}
		ln, err := listenAt(at, "--listen")
		if err != nil {
			return doors, err
		}
		doors = append(doors, ln)
	}
	return doors, nil
}

// listenAt opens a listener. Its error names the flag to change.
func listenAt(addr, flag string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with %s", err, flag)
	}
	return ln, nil
}
