package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"offhook/transport/client"
)

// printJSON prints a value as a person can read it too.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// clean makes what came from outside harmless on a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// moment is a time as a person reads it, with its zone; "-" for none.
func moment(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format("2006-01-02 15:04:05Z07:00")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// table prints a line for a row, columns below one another.
func table(w io.Writer, head []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = clean(dash(c))
		}
		if _, err := fmt.Fprintln(t, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return t.Flush()
}

// fact is one line of what is shown of a thing.
type fact struct{ name, value string }

func facts(w io.Writer, all ...fact) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range all {
		if _, err := fmt.Fprintf(t, "%s\t%s\n", f.name, clean(dash(f.value))); err != nil {
			return err
		}
	}
	return t.Flush()
}

// listFlag bounds a list.
type listFlag struct {
	Limit int `help:"At most so many; 0 is all." default:"0" placeholder:"N"`
}

// printList prints a list as JSON or as a table.
func printList[T any](p *program, asJSON bool, list iter.Seq2[T, error], limit int, head []string, row func(T) []string) error {
	if limit < 0 {
		return usage("--limit", "must not be negative")
	}
	all, err := client.Collect(list, limit)
	if err != nil {
		return err
	}
	return printAll(p, asJSON, all, head, row)
}

// printSorted is printList for a list that comes in another order.
func printSorted[T any](p *program, asJSON bool, list iter.Seq2[T, error], limit int, head []string, row func(T) []string, order func(a, b T) int) error {
	if limit < 0 {
		return usage("--limit", "must not be negative")
	}
	all, err := client.Collect(list, 0)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, order)
	if limit > 0 {
		all = all[:min(limit, len(all))]
	}
	return printAll(p, asJSON, all, head, row)
}

func printAll[T any](p *program, asJSON bool, all []T, head []string, row func(T) []string) error {
	if asJSON {
		return printJSON(p.stdout, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(p.stdout, "none")
		return err
	}
	rows := make([][]string, len(all))
	for i, item := range all {
		rows[i] = row(item)
	}
	return table(p.stdout, head, rows)
}

// did says that something was done.
func (p *program) did(asJSON bool, what, id string) error {
	if asJSON {
		return printJSON(p.stdout, map[string]string{what: id})
	}
	_, err := fmt.Fprintf(p.stdout, "%s %s\n", what, clean(id))
	return err
}
