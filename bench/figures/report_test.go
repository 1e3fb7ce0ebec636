package figures

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func report() *Report {
	return &Report{
		Machine: Machine{Cores: 2, Model: "a processor", System: "linux/amd64", Go: "go1.26", Sync: 170, Commit: "abc1234"},
		Runs:    3, Round: "1.5s", Took: "1m",
		Rows: []Row{
			{Suite: "journal", Name: "transitions/s, 128 busy", Unit: "transitions/s", Ours: []float64{120_000, 110_000, 130_000}, Beside: "bare Pebble",
				Base: []float64{140_000, 130_000, 150_000}, Budget: &Budget{AtLeast: true, Limit: 0.85, Aim: 0.95}, Note: "same rows",
				Point: &Point{Plot: "rate", Line: "offhook", Axis: "busy", X: 128, Log: true}},
			{Suite: "journal", Name: "transitions/s, 16 busy", Unit: "transitions/s", Ours: []float64{40_000}, Beside: "bare Pebble",
				Base: []float64{80_000}, Budget: &Budget{AtLeast: true, Limit: 0.85}, Note: "same rows",
				Point: &Point{Plot: "rate", Line: "offhook", Axis: "busy", X: 16, Log: true}},
			{Suite: "step", Name: "hold", Unit: "ns", Ours: []float64{149.6}},
			{Suite: "peers", Name: "beside Redis", Unit: "transitions/s", Ours: []float64{1}, Beside: "Redis, not here", Budget: &Budget{AtLeast: true, Limit: 1.5}},
		},
	}
}

func TestTheTableSaysWhatIsMet(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report().Table(&b))
	text := b.String()
	for _, line := range []string{
		`2 cores \(a processor\), linux/amd64, go1.26; a synced write of 4 KiB takes 0.17 ms; commit abc1234`,
		`128 busy +120,000 transitions/s \(110,000 – 130,000\) +140,000 transitions/s \(130,000 – 150,000\), bare Pebble +0.857 \(0.846 – 0.867\) +≥ 0.85 × +≥ 0.95 × +met`,
		`16 busy .*MISSED`,
		`beside Redis .*not measured`,
		`1 of 2 budgets met`,
		`step: hold +150 ns`,
	} {
		require.Regexp(t, regexp.MustCompile(line), text)
	}
	require.Equal(t, 1, strings.Count(text, "same rows"), "a note that two rows share is printed once")
}

func TestJSONReadsBack(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report().JSON(&b))
	var back Report
	require.NoError(t, json.Unmarshal(b.Bytes(), &back))
	require.Equal(t, report(), &back)
}

// benchLine is the format of golang.org/design/14313-benchmark-format.
var benchLine = regexp.MustCompile(`^Benchmark[A-Z]\S*-\d+\t\d+\t[0-9.e+-]+ \S+$`)

func TestBenchstatCanReadTheText(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report().Stat(&b))
	values := 0
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); strings.HasPrefix(line, "Benchmark") {
			require.Regexp(t, benchLine, line)
			values++
		}
	}
	require.Equal(t, 3+3+1+1+1+1, values)
	require.Contains(t, b.String(), "BenchmarkJournal/Transitions_s,_128_busy/Offhook-2\t1\t120000 transitions/s\n")
	require.Contains(t, b.String(), "/Bare_Pebble-2\t1\t140000 transitions/s\n")
	require.Contains(t, b.String(), "149.6 ns/op\n")
	require.Equal(t, 1, strings.Count(b.String(), "Unit transitions/s better=higher\n"))
}

func TestRowsOfOnePlotAreJoined(t *testing.T) {
	plots := report().Plots()
	require.Len(t, plots, 1)
	p := plots["journal"]
	require.Len(t, p.Panels, 1)
	require.Len(t, p.Panels[0].Lines, 2, "ours and the baseline")
	require.Equal(t, []float64{16, 128}, []float64{p.Panels[0].Lines[0].Points[0].X, p.Panels[0].Lines[0].Points[1].X})
	require.True(t, p.Panels[0].Lines[1].Dashed)
	require.Contains(t, p.SVG(), "bare Pebble")
}

func TestValuesAreWrittenToThreeFigures(t *testing.T) {
	for v, text := range map[float64]string{
		0: "0", 0.0001: "0.0001", 0.00001: "0.00001", 0.8571: "0.857", 2.716: "2.72", 99.96: "100", 149.6: "150", 12345.6: "12,345", -2000: "-2,000",
	} {
		require.Equal(t, text, Text(v))
	}
}
