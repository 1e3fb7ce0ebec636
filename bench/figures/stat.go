package figures

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode"
)

// Stat writes the report in the format of Go's benchmarks, as benchstat reads
// it: a line for each run. Ours and a baseline differ in the last part of the name.
func (r *Report) Stat(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: offhook/bench\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, r.Machine.Model)
	if r.Machine.Commit != "" {
		fmt.Fprintf(&b, "commit: %s\n", r.Machine.Commit)
	}
	told := map[string]bool{}
	for i := range r.Rows {
		if unit := statUnit(r.Rows[i].Unit); strings.HasSuffix(unit, "/s") && !told[unit] {
			told[unit] = true
			fmt.Fprintf(&b, "Unit %s better=higher\n", unit)
		}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		lines := func(values []float64, who string) {
			for _, v := range values {
				fmt.Fprintf(&b, "Benchmark%s/%s/%s-%d\t1\t%.6g %s\n", statName(row.Suite), statName(row.Name), who, r.Machine.Cores, v, statUnit(row.Unit))
			}
		}
		lines(row.Ours, "Offhook")
		lines(row.Base, statName(row.Beside))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// statName makes a name without spaces that begins in upper case.
func statName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune(".,=%+", r):
			return r
		case r == ' ', r == '/', r == '-', r == '_':
			return '_'
		}
		return -1
	}, s)
	if s == "" {
		return "Other"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// statUnit is the unit as benchstat knows it.
func statUnit(unit string) string {
	switch unit {
	case "ns", "B", "allocs":
		return unit + "/op"
	}
	return strings.ReplaceAll(unit, " ", "_")
}
