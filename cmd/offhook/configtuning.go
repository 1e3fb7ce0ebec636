package main

import (
	"time"

	"offhook/provider/broadworks"
)

// Tuning is how a BroadWorks platform is treated, where its documentation
// leaves it open or operators differ. Zero means the provider's default. It is
// read from the file alone, and not kept: networks of the admin API have the
// defaults.
type Tuning struct {
	Heartbeat     time.Duration `yaml:"heartbeat"`
	Expires       time.Duration `yaml:"expires"`
	SRVRefresh    time.Duration `yaml:"srv_refresh"`
	EventPackage  string        `yaml:"event_package"`
	Requests      int           `yaml:"requests_per_second"` // to one XSP
	AtOnce        int           `yaml:"requests_at_once"`    // to one XSP
	QueueTime     time.Duration `yaml:"queue_time"`
	Subscriptions int           `yaml:"subscriptions_per_second"`
	Polls         int           `yaml:"polls_per_second"`
	QuotaCodes    []int         `yaml:"quota_codes"`
}

func (k *checker) tuning(path string, t Tuning) {
	for _, d := range []struct {
		name       string
		have       time.Duration
		least, max time.Duration
	}{
		{"heartbeat", t.Heartbeat, time.Second, 5 * time.Minute},
		{"expires", t.Expires, time.Minute, 7 * 24 * time.Hour},
		{"srv_refresh", t.SRVRefresh, time.Second, 24 * time.Hour},
		{"queue_time", t.QueueTime, 10 * time.Millisecond, time.Minute},
	} {
		if d.have != 0 && (d.have < d.least || d.have > d.max) {
			k.fault(path+"."+d.name, "must be between %v and %v, not %v", d.least, d.max, d.have)
		}
	}
	for _, n := range []struct {
		name string
		have int
	}{
		{"requests_per_second", t.Requests}, {"requests_at_once", t.AtOnce},
		{"subscriptions_per_second", t.Subscriptions}, {"polls_per_second", t.Polls},
	} {
		if n.have != 0 {
			k.between(path+"."+n.name, n.have, 1, 100_000)
		}
	}
	if len(t.EventPackage) > 256 {
		k.fault(path+".event_package", "has more than 256 characters")
	}
}

// tune hands the tuning of a network of the file to its provider.
func (c *Config) tune(network string, b *broadworks.Config) {
	for i := range c.Networks {
		if c.Networks[i].NetworkID != network {
			continue
		}
		t := &c.Networks[i].BroadWorks.Tuning
		b.Heartbeat, b.Expires, b.SRVRefresh, b.EventPackage = t.Heartbeat, t.Expires, t.SRVRefresh, t.EventPackage
		b.XSPRate, b.InFlight, b.QueueTime = float64(t.Requests), t.AtOnce, t.QueueTime
		b.Rate, b.PollRate = float64(t.Subscriptions), float64(t.Polls)
		if t.Heartbeat > 0 {
			b.Silence = max(75*time.Second, 3*t.Heartbeat) // the platform's own heartbeats come about every 30 s
		}
		for _, code := range t.QuotaCodes {
			b.QuotaCodes = append(b.QuotaCodes, int64(code))
		}
	}
}
