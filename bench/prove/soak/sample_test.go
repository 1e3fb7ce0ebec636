package soak

import (
	"bufio"
	"bytes"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// sample is what offhook uses at one moment.
type sample struct {
	at    time.Duration // since the traffic began
	calls float64       // ended so far
	use   [len(figures)]float64
}

// figure is one thing that is watched.
type figure struct {
	name, unit string
	metric     string  // of /metrics; "" for the data directory
	scale      float64 // from the metric to the unit
	slack      float64 // what it may grow beside the tenth, in the unit: chance
}

// mega is a megabyte.
const mega = 1 << 20

const (
	goroutines = iota
	descriptors
	heap
	memory
	disk
)

var figures = [...]figure{
	goroutines:  {"goroutines", "", "go_goroutines", 1, 50},
	descriptors: {"file descriptors", "", "process_open_fds", 1, 20},
	heap:        {"heap after GC", "MB", "go_memstats_heap_alloc_bytes", 1.0 / mega, 6},
	memory:      {"resident memory", "MB", "process_resident_memory_bytes", 1.0 / mega, 24},
	disk:        {"disk", "MB", "", 1.0 / mega, 24},
}

// take reads what offhook says of itself, and measures its directory. The heap
// is what is left after a collection: the profile is asked for one.
func take(w *rig.Apart, began time.Time, calls int) sample {
	w.T.Helper()
	rig.Must(w.T, 200, "GET", w.Admin("/debug/pprof/heap?gc=1"), rig.Operator, "")
	said := metrics(rig.Must(w.T, 200, "GET", w.Admin("/metrics"), "", "").Body)
	s := sample{at: time.Since(began), calls: float64(calls)}
	for i, f := range figures {
		if f.metric == "" {
			s.use[i] = float64(size(w.Data)) * f.scale
			continue
		}
		v, ok := said[f.metric]
		require.True(w.T, ok, "/metrics has no %s", f.metric)
		s.use[i] = v * f.scale
	}
	return s
}

// metrics are the values of a Prometheus page that have no labels.
func metrics(page []byte) map[string]float64 {
	all := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = v
		}
	}
	return all
}

// size is how much a directory has in it. Files come and go meanwhile.
func size(dir string) (sum int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if info, err := e.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}
