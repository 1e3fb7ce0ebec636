package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// origins says where each setting came from, by its path: "offhook.yaml:12",
// "OFFHOOK_LISTEN", "--listen". A default has none.
type origins map[string]string

// of is the origin of a setting, or of the nearest thing around it.
func (o origins) of(path string) string {
	for path != "" {
		if at := o[path]; at != "" {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return ""
}

// misread are settings whose value is not what was written, since that was not
// understood: they are complained of already, and would only be misjudged.
type misread map[string]bool

// has reports whether a setting, or what it is part of, was misread.
func (m misread) has(path string) bool {
	if m[""] {
		return true
	}
	for path != "" {
		if m[path] {
			return true
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return false
}

// fault is one thing wrong with the configuration.
type fault struct {
	origin string // where it was written
	line   int    // in a file; for sorting
	path   string // the setting; empty for the file as a whole
	text   string // what is wrong, and how to put it right
	kind   bool   // text was meant, and something else is there; whatever else is wrong with it says more
}

func (f fault) String() string {
	parts := make([]string, 0, 3)
	for _, p := range []string{f.origin, f.path, f.text} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ": ")
}

// configError is everything that is wrong, so that it can be put right in one go.
type configError []fault

func (e *configError) Error() string {
	lines := make([]string, len(*e))
	for i, f := range *e {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// with are these faults and more, in the order of the file.
func (e configError) with(more configError) configError {
	said := map[string]bool{}
	for _, f := range more {
		said[f.path] = true
	}
	e = slices.DeleteFunc(e, func(f fault) bool { return f.kind && said[f.path] })
	e = append(e, more...)
	e.sort()
	return e
}

func (e *configError) sort() {
	slices.SortStableFunc(*e, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
}

// cause is an error without the name of the file, which is said already.
func cause(err error) string {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// nearest is the known word somebody may have meant, or "".
func nearest(word string, known []string) string {
	best, least := "", 3 // more than two slips are another word, or of half its letters
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least && 2*d < len(k) {
			best, least = k, d
		}
	}
	if best == "" { // passwrd for password_file
		for _, k := range known {
			if first, _, long := strings.Cut(k, "_"); long && len(first) > 4 && distance(strings.ToLower(word), first) < 3 {
				if best != "" {
					return ""
				}
				best = k
			}
		}
	}
	return best
}

func didYouMean(word string, known []string) string {
	if k := nearest(word, known); k != "" {
		return fmt.Sprintf("; did you mean %q?", k)
	}
	return ""
}

// distance counts the letters to insert, remove, replace or swap (optimal
// string alignment) to get from a to b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
