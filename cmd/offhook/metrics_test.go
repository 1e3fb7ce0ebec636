package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/adminapi"
	"offhook/transport/otlp"
	"offhook/transport/webhook"
)

// metricsFile lists what offhook exports. docs/monitoring/check holds the
// dashboard and the alerts against it.
const metricsFile = "../../docs/monitoring/metrics.txt"

var describes = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: ".*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)

// standard are metrics of the runtime and the process that dashboards may use.
var standard = regexp.MustCompile(`^(process_(cpu_seconds_total|open_fds|max_fds|resident_memory_bytes|start_time_seconds)$|go_goroutines$|go_memstats_heap_inuse_bytes$|go_gc_duration_seconds$)`)

func TestTheListOfMetricsIsWhatIsExported(t *testing.T) {
	cfg, err := newDesk(t).load(t, "data_dir: DIR/data\n")
	require.NoError(t, err)
	n, err := openNode(cfg, descriptors{}, newLogger(&strings.Builder{}, cfg.Log), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, n.store.Close()) }()
	defer n.stop()
	require.NoError(t, n.build(webhook.ClientConfig{}, tenant.Receiver{}, engine.Config{}, cfg.Events, cfg.Limits, cfg.TLS))
	adminapi.NewMetrics(n.registry)
	otlp.NewMetrics(n.registry)

	types := map[string]string{}
	families, err := n.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		types[f.GetName()] = strings.ToLower(f.GetType().String())
	}
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); n.registry.Describe(descs) }()
	labels := map[string]map[string]bool{}
	for d := range descs {
		m := describes.FindStringSubmatch(strings.ReplaceAll(d.String(), "\n", " "))
		require.NotNil(t, m, "%s", d)
		if !strings.HasPrefix(m[1], "offhook_") && !standard.MatchString(m[1]) {
			continue
		}
		if labels[m[1]] == nil {
			labels[m[1]] = map[string]bool{}
		}
		for _, l := range strings.Split(m[2]+","+m[3], ",") {
			if name, _, _ := strings.Cut(l, "="); name != "" {
				labels[m[1]][name] = true
			}
		}
	}
	var lines []string
	for name, of := range labels {
		kind := types[name]
		if kind == "" { // nothing of it has happened yet, and the name says it
			switch {
			case strings.HasSuffix(name, "_total"):
				kind = "counter"
			case strings.HasSuffix(name, "_timestamp_seconds"):
				kind = "gauge"
			case strings.HasSuffix(name, "_seconds") && !strings.HasSuffix(name, "_undelivered_seconds") && !strings.HasSuffix(name, "_every_seconds"):
				kind = "histogram"
			default:
				kind = "gauge"
			}
		}
		var all []string
		for l := range of {
			all = append(all, l)
		}
		slices.Sort(all)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", name, kind, strings.Join(all, ","))))
	}
	slices.Sort(lines)
	want := "# What offhook exports: name, type, labels. A test of cmd/offhook writes it (OFFHOOK_WRITE_METRICS=1) and holds it against the program.\n" +
		strings.Join(lines, "\n") + "\n"
	if os.Getenv("OFFHOOK_WRITE_METRICS") != "" {
		require.NoError(t, os.WriteFile(metricsFile, []byte(want), 0o600))
	}
	have, err := os.ReadFile(metricsFile)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "run the test with OFFHOOK_WRITE_METRICS=1")
}
