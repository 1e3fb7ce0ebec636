package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// lastRunFile has one word: how the run before this one ended. A run that fails
// ends before anybody could scrape what it counted, so the next one tells.
const lastRunFile = "last-run"

// The words. A run that finds the first of them was cut off: nobody wrote another.
const (
	ranOn         = "running"
	ranDrained    = "drained"
	ranFailed     = "failed"
	ranStoreLost  = "store_failed" // the disk took no more
	ranKilled     = "killed"       // by a signal, a crash, the kernel or a power cut
	ranNeverFirst = "none"         // this is the first run
)

var allEndings = []string{ranNeverFirst, ranDrained, ranFailed, ranStoreLost, ranKilled}

// beginRun has the metrics say how the run before ended, and keeps that this one
// is on. A disk that is full keeps nobody from starting.
func (n *node) beginRun() {
	path := filepath.Join(n.dataDir, lastRunFile)
	text, err := os.ReadFile(path) // #nosec G304 -- a directory that the operator names
	before := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		before = ranNeverFirst
	case before != ranDrained && before != ranFailed && before != ranStoreLost:
		before = ranKilled
	}
	for _, how := range allEndings {
		n.lastRun.WithLabelValues(how).Set(0)
	}
	n.lastRun.WithLabelValues(before).Set(1)
	n.log.Info("the run before this one", "ended", before)
	n.keepRun(ranOn)
}

// endRun keeps how this run ended. Where the disk does not take that either,
// the next one says “killed”.
func (n *node) endRun(failed error) {
	how := ranDrained
	if failed != nil {
		how = ranFailed
	}
	if n.storeLost.Load() {
		how = ranStoreLost
	}
	n.keepRun(how)
}

func (n *node) keepRun(how string) {
	if err := writeFile(filepath.Join(n.dataDir, lastRunFile), how+"\n", secretMode); err != nil {
		n.log.Warn("how this run ends will not be known to the next one", "err", err)
	}
}

func newLastRun(reg prometheus.Registerer) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "offhook_last_run", Help: "1 for how the run before this one ended: none, drained, failed, store_failed, killed.",
	}, []string{"ended"})
	reg.MustRegister(g)
	return g
}
