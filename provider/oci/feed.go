package oci

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// feed follows OCI-Reporting: the platform writes, we only read (dossier §4.2).
type feed struct {
	cfg    Config
	secure *tls.Config

	complained time.Time // of something not understood; by watch
}

// watch connects, again and again, until ctx ends or it failed several times
// in a row.
func (f *feed) watch(ctx context.Context, changed func(user string)) error {
	defer f.cfg.Metrics.feed(f.cfg.Network, false)
	for failures := 0; ; {
		proved, err := f.follow(ctx, changed)
		f.cfg.Metrics.feed(f.cfg.Network, false)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.cfg.Metrics.feedLost(f.cfg.Network)
		if proved {
			failures = 0
		}
		if failures++; failures >= f.cfg.FeedTries {
			return err
		}
		f.cfg.Log.Warn("the change feed is lost", "err", err, "failures", failures)
		if !f.pause(ctx, failures) {
			return ctx.Err()
		}
	}
}

// pause waits before the next connection: anything up to a bound that doubles,
// so that many who lost it in the same moment do not come back in the same one.
func (f *feed) pause(ctx context.Context, failures int) bool {
	bound := min(f.cfg.FeedRetry, time.Second<<min(failures, 10))
	t := time.NewTimer(time.Duration(float64(bound) * f.cfg.Random()))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// follow reads one connection to its end. proved says that it was one: whoever
// is not in the access list may be shown the door only after connecting.
func (f *feed) follow(ctx context.Context, changed func(user string)) (proved bool, err error) {
	conn, err := f.cfg.dial(ctx, f.cfg.OCI.ReportingAddress, f.secure)
	if err != nil {
		return false, fmt.Errorf("connect to the change feed: %w", plain(err))
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	w := &wire{conn: conn, cfg: &f.cfg, heard: time.Now(), proof: time.Now().Add(f.cfg.Proof)}
	w.proved = func() {
		f.cfg.Metrics.feed(f.cfg.Network, true)
		f.cfg.Log.Info("the change feed is connected")
		changed("") // nothing of what happened while it was not is told again
	}
	w.frame = framer{r: w, limits: f.cfg.reports()}
	for {
		raw, err := w.frame.next()
		if err != nil {
			if !w.is {
				return false, fmt.Errorf("the change feed ends as it begins; is this host in its access list? %w", err)
			}
			return true, fmt.Errorf("the change feed broke off: %w", err)
		}
		w.begun, w.heard = time.Time{}, w.came
		hear(raw, f.cfg.reports(), changed, f.count)
	}
}

func (f *feed) count(kind string) {
	f.cfg.Metrics.reported(f.cfg.Network, kind)
	if now := time.Now(); kind == kindNotUnderstood && now.Sub(f.complained) > time.Minute {
		f.complained = now
		f.cfg.Log.Warn("a notification of the change feed was not understood; everybody is compared")
	}
}

// wire is the feed's connection and its patience.
type wire struct {
	conn   net.Conn
	cfg    *Config
	frame  framer
	came   time.Time // when something came last
	heard  time.Time // when something came last that is part of a document: white space is no life
	begun  time.Time // when the document that is being read began; zero for none
	proof  time.Time // a connection that is there by then is one
	is     bool
	proved func() // called once, when it is
}

var errSilent = errors.New("it said nothing for too long")

// Read implements io.Reader.
func (w *wire) Read(b []byte) (int, error) {
	switch {
	case !w.frame.begun():
		w.begun = time.Time{} // white space between documents
	case w.begun.IsZero():
		w.begun, w.heard = w.came, w.came
	}
	for {
		due, why := w.due()
		_ = w.conn.SetReadDeadline(due)
		n, err := w.conn.Read(b)
		if n > 0 || !late(err) {
			w.took(n)
			return n, err
		}
		if why != nil {
			return 0, why
		}
		w.believe()
	}
}

// due is when something must have come, and what it is if nothing did; nil
// where that only proves the connection.
func (w *wire) due() (due time.Time, why error) {
	first := func(t time.Time, reason error) {
		if due.IsZero() || t.Before(due) {
			due, why = t, reason
		}
	}
	if !w.is {
		first(w.proof, nil)
	}
	if silence := w.cfg.OCI.ReportingSilence; silence > 0 {
		first(w.heard.Add(silence), errSilent)
	}
	if !w.begun.IsZero() {
		first(w.begun.Add(w.cfg.Report), errLate)
	}
	return due, why
}

func (w *wire) took(n int) {
	if n > 0 {
		w.came = time.Now()
		w.believe()
	}
}

func (w *wire) believe() {
	if !w.is {
		w.is = true
		w.proved()
	}
}
