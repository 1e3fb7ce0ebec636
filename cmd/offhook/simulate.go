package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"offhook/provider/simulator"
)

type simulateCmd struct {
	Listen         string   `help:"Address to listen on. Also OFFHOOK_SIMULATOR_LISTEN. Default ${sim_listen}." placeholder:"ADDR"`
	Subscribers    int      `help:"How many phones there are, up to 79100." default:"20" placeholder:"N"`
	CallsPerSecond *float64 `help:"Random calls a second instead of a few at a human pace; 0 for none." placeholder:"R"`
	Seed           uint64   `help:"The same seed gives the same choices. Default: another one each time." placeholder:"S"`
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
	cfg := simulator.Config{Subscribers: c.Subscribers, Seed: c.Seed, Traffic: simulator.TrafficDemo}
	if r := c.CallsPerSecond; r != nil {
		if !(*r >= 0 && *r <= 100_000) { // NaN too
			return &configError{{origin: "--calls-per-second", text: fmt.Sprintf("must be between 0 and 100000, not %v", *r)}}
		}
		cfg.Traffic, cfg.CallsPerSecond = simulator.TrafficRate, *r
	}
	log := newLogger(p.stderr, defaultConfig().Log)
	return p.untilSignal(log, func(ctx context.Context) error { return simulate(ctx, cfg, listen, c.WriteConfig, log) })
}

// simulate runs the simulator until ctx ends.
func simulate(ctx context.Context, cfg simulator.Config, listen, configFile string, log *slog.Logger) (err error) {
	cfg.Log = log
	cfg.Username, cfg.Password = simUsername, simPassword
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	sim := simulator.New(cfg)
	served := make(chan error, 1)
	go func() { served <- sim.Serve(ln) }()
	ready := []any{"simulator", ln.Addr().String()}
	if configFile != "" {
		file, subscribers, failed := writeSimulatorConfig(configFile, reachable("http", ln.Addr()), sim.Phones())
		if failed != nil {
			_ = sim.Close()
			<-served
			return failed
		}
		ready = append(ready, "config", file, "subscribers", subscribers)
	}
	log.Info("ready", ready...)
	select {
	case err = <-served:
		_ = sim.Close()
		return fmt.Errorf("simulator: %w", err)
	case <-ctx.Done():
	}
	err = sim.Close()
	<-served
	return err
}
