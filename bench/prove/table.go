package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"offhook/bench/prove/report"
)

// read reads the rows that the attacks wrote.
func read(path string) ([]report.Line, error) {
	f, err := os.Open(path) // #nosec G304 -- our own file
	if err != nil {
		return nil, fmt.Errorf("no attack said what it did: %w", err)
	}
	defer f.Close()
	var lines []report.Line
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		var l report.Line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("a row is damaged: %w", err)
		}
		lines = append(lines, l)
	}
	return lines, scan.Err()
}

// table prints the rows by promise and returns how many violations there are. A
// promise that nothing attacked is listed too: it would be missed otherwise.
func table(out io.Writer, lines []report.Line) (violations int64) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROMISE\tATTACK\tHOW OFTEN\tVIOLATIONS")
	for _, promise := range report.Promises() {
		of := slices.DeleteFunc(slices.Clone(lines), func(l report.Line) bool { return l.Promise != promise })
		if len(of) == 0 {
			fmt.Fprintf(w, "%s\tnot attacked\t\t\n", promise)
		}
		for i, l := range of {
			name := string(promise)
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "%s\t%s\t%d %s\t%d\n", name, l.Attack, l.Count, l.Unit, l.Violations)
			violations += l.Violations
		}
	}
	_ = w.Flush()
	fmt.Fprintln(out)
	for _, l := range lines {
		if l.Note != "" {
			fmt.Fprintf(out, "%s: %s\n", l.Attack, l.Note)
		}
	}
	return violations
}
