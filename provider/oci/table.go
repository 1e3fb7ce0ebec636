package oci

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"offhook/provider"
)

// columns finds the columns of some headings. Releases add columns and move
// them, so they are known by their headings alone (dossier §4.1); one that is
// not there would empty a field of everybody.
func (t *table) columns(headings ...string) ([]int, error) {
	columns := make([]int, len(headings))
	for i, want := range headings {
		columns[i] = slices.IndexFunc(t.headings, func(have string) bool { return strings.EqualFold(have, want) })
		if columns[i] < 0 {
			return nil, fmt.Errorf("the table has no column %q", want)
		}
	}
	return columns, nil
}

func (t *table) cell(row, column int) string { return t.cells[row*len(t.headings)+column] }

// optional is the column of a heading, or -1.
func (t *table) optional(heading string) int {
	if c, err := t.columns(heading); err == nil {
		return c[0]
	}
	return -1
}

// users asks for a list of users. Those of a group do not say which group that
// is; group is empty for those that do.
func (s *Source) users(ctx context.Context, r *request, of, group string) ([]provider.Entry, error) {
	a, err := s.client.do(ctx, r)
	if err != nil {
		return nil, err
	}
	all, err := a.table.users(of, group, s.cfg.CountryCode)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return all, nil
}

func (t *table) users(of, group, home string) ([]provider.Entry, error) {
	need := []string{"User Id", "Last Name", "First Name", "Department", "Phone Number", "Extension"}
	if group == "" {
		need = append(need, "Group Id")
	}
	columns, err := t.columns(need...)
	if err != nil {
		return nil, err
	}
	country := t.optional("Country Code")
	all := make([]provider.Entry, t.rows())
	for i := range all {
		cell := func(n int) string { return t.cell(i, columns[n]) }
		e := provider.Entry{
			User: cell(0), LastName: cell(1), FirstName: cell(2), Department: department(cell(3)), Number: cell(4), Extension: cell(5),
			ServiceProvider: of, Group: group,
		}
		if group == "" {
			e.Group = cell(6)
		}
		if e.User == "" || e.Group == "" {
			return nil, errNotUnderstood
		}
		code := ""
		if country >= 0 {
			code = t.cell(i, country)
		}
		if number, ok := e164(e.Number, code, home); ok {
			e.Number = number
		}
		all[i] = e
	}
	return all, nil
}
