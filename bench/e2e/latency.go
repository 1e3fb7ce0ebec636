package e2e

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"offhook/bench/figures"
)

// histogram has times between a microsecond and a minute, of three digits.
type histogram struct{ h *hdrhistogram.Histogram }

func newHistogram() *histogram {
	return &histogram{hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)}
}

// record takes a time in ns. What is longer than a minute counts as one.
func (h *histogram) record(ns int64) {
	us := min(max(ns/1000, 1), h.h.HighestTrackableValue())
	_ = h.h.RecordValue(us) // it is in range
}

// ms is a percentile.
func (h *histogram) ms(percentile float64) float64 {
	return float64(h.h.ValueAtPercentile(percentile)) / 1000
}

// latencies are those of one rate, run by run.
type latencies struct {
	p50, p99, p999, late []float64 // ms
	events               int64
}

func (l *latencies) add(h *histogram, late float64) {
	l.p50, l.p99, l.p999 = append(l.p50, h.ms(50)), append(l.p99, h.ms(99)), append(l.p999, h.ms(99.9))
	l.late = append(l.late, late)
	l.events += h.h.TotalCount()
}

func (l *latencies) last(of []float64) float64 { return of[len(of)-1] }

func (l *latencies) rows(rate int) []figures.Row {
	name := fmt.Sprintf("event to webhook at %s/s, ", figures.Grouped(rate))
	var median, high *figures.Budget
	switch rate {
	case gentle:
		median, high = &figures.Budget{Limit: 1}, &figures.Budget{Limit: 3}
	case brisk:
		high = &figures.Budget{Limit: 10}
	}
	at := func(line string) *figures.Point {
		return &figures.Point{Plot: "event to webhook, ms", Line: line, Axis: "events/s", X: float64(rate), Log: true}
	}
	return []figures.Row{
		{Suite: suiteName, Name: name + "p50", Unit: "ms", Ours: l.p50, Budget: median, Point: at("p50"), Note: fmt.Sprintf("%s events", figures.Grouped(int(l.events)))},
		{Suite: suiteName, Name: name + "p99", Unit: "ms", Ours: l.p99, Budget: high, Point: at("p99")},
		{Suite: suiteName, Name: name + "p99.9", Unit: "ms", Ours: l.p999, Point: at("p99.9")},
		{Suite: suiteName, Name: "  of it ours: left the platform late, p99", Unit: "ms", Ours: l.late},
	}
}
