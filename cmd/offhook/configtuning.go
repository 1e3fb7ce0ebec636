package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/provider/broadworks"
)

// Tuning is how a BroadWorks platform is treated, where its documentation
// leaves it open or operators differ. Zero means the provider's default. It is
// read from the file alone, and not kept: networks of the admin API have the
// defaults.
type Tuning struct {
	Heartbeat     time.Duration `yaml:"heartbeat"`
	Silence       time.Duration `yaml:"silence"`
	Expires       time.Duration `yaml:"expires"`
	SRVRefresh    time.Duration `yaml:"srv_refresh"`
	ReconnectMax  time.Duration `yaml:"reconnect_max"`
	DuplicateWait time.Duration `yaml:"duplicate_wait"`
	RefusedWait   time.Duration `yaml:"refused_wait"`
	LoginWait     time.Duration `yaml:"login_wait"`
	GapWait       time.Duration `yaml:"gap_wait"`
	Quiet         time.Duration `yaml:"quiet"`
	AnswerTime    time.Duration `yaml:"answer_time"`
	Arrival       time.Duration `yaml:"arrival"`
	EventPackage  string        `yaml:"event_package"`
	MaxDocument   int           `yaml:"max_document"`        // bytes
	Requests      int           `yaml:"requests_per_second"` // to one XSP
	AtOnce        int           `yaml:"requests_at_once"`    // to one XSP
	Acks          int           `yaml:"acks_at_once"`
	QueueTime     time.Duration `yaml:"queue_time"`
	Subscriptions int           `yaml:"subscriptions_per_second"`
	Polls         int           `yaml:"polls_per_second"`
	QuotaCodes    []int         `yaml:"quota_codes"`

	authorities string // what was in the files with the authorities: with others the network begins afresh
}

// What the provider takes where a setting is not given.
const (
	defaultHeartbeat = 15 * time.Second
	defaultAnswer    = 10 * time.Second
	defaultGapWait   = 500 * time.Millisecond
)

// together are settings that work against each other. The platform answers our
// heartbeats: a channel that may only be silent for less than three of them is
// built again and again. And an event of an HTTP contact that waits for one
// before it longer than it may take is answered 503, sent again and again.
func (k *checker) together(path string, t Tuning) {
	heartbeat, silence := cmp.Or(t.Heartbeat, defaultHeartbeat), t.Silence
	if silence != 0 && silence < 3*heartbeat && k.know(path+".heartbeat", path+".silence") {
		k.fault(path+".silence", "%v is less than three heartbeats of %v, and channels would be built again for ever; make it %v or more, or heartbeat %v or less",
			silence, heartbeat, 3*heartbeat, (silence / 3).Truncate(time.Second))
	}
	answer, wait := cmp.Or(t.AnswerTime, defaultAnswer), cmp.Or(t.GapWait, defaultGapWait)
	if wait >= answer && k.know(path+".answer_time", path+".gap_wait") {
		at := ".gap_wait"
		if t.GapWait == 0 {
			at = ".answer_time"
		}
		k.fault(path+at, "gap_wait, %v, is not less than answer_time, %v: what waits for an event before it would be refused; make gap_wait shorter or answer_time longer", wait, answer)
	}
}

func (k *checker) tuning(path string, t Tuning) {
	k.together(path, t)
	for _, d := range []struct {
		name       string
		have       time.Duration
		least, max time.Duration
	}{
		{"heartbeat", t.Heartbeat, time.Second, 5 * time.Minute},
		{"silence", t.Silence, 10 * time.Second, 24 * time.Hour},
		{"expires", t.Expires, time.Minute, 7 * 24 * time.Hour},
		{"srv_refresh", t.SRVRefresh, time.Second, 24 * time.Hour},
		{"reconnect_max", t.ReconnectMax, time.Second, time.Hour},
		{"duplicate_wait", t.DuplicateWait, time.Minute, 24 * time.Hour},
		{"refused_wait", t.RefusedWait, time.Minute, 24 * time.Hour},
		{"login_wait", t.LoginWait, time.Minute, 24 * time.Hour},
		{"gap_wait", t.GapWait, 10 * time.Millisecond, 10 * time.Second},
		{"quiet", t.Quiet, 10 * time.Second, 24 * time.Hour},
		{"answer_time", t.AnswerTime, time.Second, time.Minute},
		{"arrival", t.Arrival, time.Second, 24 * time.Hour},
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
		{"acks_at_once", t.Acks}, {"subscriptions_per_second", t.Subscriptions}, {"polls_per_second", t.Polls},
	} {
		if n.have != 0 {
			k.between(path+"."+n.name, n.have, 1, 100_000)
		}
	}
	if t.MaxDocument != 0 {
		k.between(path+".max_document", t.MaxDocument, 4<<10, 4<<20)
	}
	if len(t.EventPackage) > 256 {
		k.fault(path+".event_package", "has more than 256 characters")
	}
}

// tunings are those of the networks of the file, by their ids.
func (c *Config) tunings() map[string]Tuning {
	all := map[string]Tuning{}
	for i := range c.Networks {
		var sums []string
		t := c.Networks[i].BroadWorks.Tuning
		for path, f := range c.files {
			if strings.HasPrefix(path, fmt.Sprintf("networks[%d].", i)) && strings.HasSuffix(path, "ca_file") {
				sums = append(sums, path+string(f.sum[:]))
			}
		}
		slices.Sort(sums)
		t.authorities = strings.Join(sums, "")
		all[c.Networks[i].NetworkID] = t
	}
	return all
}

// tune hands the tuning of a network to its provider.
func (t *Tuning) tune(b *broadworks.Config) {
	b.Heartbeat, b.Silence, b.Expires, b.SRVRefresh = t.Heartbeat, t.Silence, t.Expires, t.SRVRefresh
	b.BackoffMax, b.Duplicate, b.RefusedWait, b.Probe = t.ReconnectMax, t.DuplicateWait, t.RefusedWait, t.LoginWait
	b.GapWait, b.Quiet, b.Answer, b.Arrival, b.Acks = t.GapWait, t.Quiet, t.AnswerTime, t.Arrival, t.Acks
	b.EventPackage, b.MaxDocument = t.EventPackage, t.MaxDocument
	b.XSPRate, b.InFlight, b.QueueTime = float64(t.Requests), t.AtOnce, t.QueueTime
	b.Rate, b.PollRate = float64(t.Subscriptions), float64(t.Polls)
	if t.Heartbeat > 0 && t.Silence == 0 {
		b.Silence = max(75*time.Second, 3*t.Heartbeat) // the platform's own heartbeats come about every 30 s
	}
	for _, code := range t.QuotaCodes {
		b.QuotaCodes = append(b.QuotaCodes, int64(code))
	}
}
