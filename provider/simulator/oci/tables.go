package oci

import (
	"strconv"
	"strings"
)

// table is an OCITable: headings, then a row of cells for each thing.
func table(name string, headings []string, rows int, cell func(row int, heading string) string) *element {
	t := el(name)
	for _, h := range headings {
		t.kids = append(t.kids, text("colHeading", h))
	}
	for i := range rows {
		t.raw = append(t.raw, "<row>"...)
		for _, h := range headings {
			t.raw = text("col", cell(i, h)).append(t.raw)
		}
		t.raw = append(t.raw, "</row>"...)
	}
	return t
}

// The headings of the tables of users (dossier §4.1): those of a service
// provider name the group as well.
var (
	providerColumns = []string{
		"User Id", "Group Id", "Last Name", "First Name", "Department", "Phone Number", "Phone Number Activated", "Email Address",
		"Hiragana Last Name", "Hiragana First Name", "In Trunk Group", "Extension", "User External Id",
	}
	groupColumns = []string{
		"User Id", "Last Name", "First Name", "Department", "Phone Number", "Phone Number Activated", "Email Address",
		"Hiragana Last Name", "Hiragana First Name", "In Trunk Group", "Extension", "Country Code", "National Prefix", "User External Id",
	}
	pagedColumns = []string{
		"User Id", "Last Name", "First Name", "Department", "Department Type", "Parent Department", "Parent Department Type",
		"Phone Number", "Phone Number Activated", "Email Address", "Hiragana Last Name", "Hiragana First Name", "In Trunk Group",
		"Extension", "Country Code", "National Prefix", "User External Id",
	}
)

func (s *Server) userTable(columns []string, people []Person) *element {
	if s.cfg.UserColumns != nil {
		columns = s.cfg.UserColumns
	}
	return table("userTable", columns, len(people), func(i int, heading string) string { return people[i].cell(heading) })
}

func (p *Person) cell(heading string) string {
	switch heading {
	case "User Id", "Email Address":
		return p.UserID
	case "Group Id":
		return p.Group
	case "Last Name", "Hiragana Last Name":
		return p.LastName
	case "First Name", "Hiragana First Name":
		return p.FirstName
	case "Department":
		return p.Department
	case "Department Type":
		if p.Department != "" {
			return "Group"
		}
	case "Phone Number":
		return p.dashed()
	case "Phone Number Activated":
		if p.Number != "" {
			return "true"
		}
	case "In Trunk Group":
		return "false"
	case "Extension":
		return p.Extension
	case "Country Code", "National Prefix":
		return "1"
	}
	return ""
}

// dashed is a number as the tables have it: +1-2015550100.
func (p *Person) dashed() string {
	cc, national := p.number()
	if cc == "" {
		return national
	}
	return "+" + cc + "-" + national
}

// number cuts a number in its country code and the rest.
func (p *Person) number() (cc, national string) {
	digits, international := strings.CutPrefix(p.Number, "+")
	if !international {
		return "", p.Number
	}
	n := 3
	switch {
	case strings.HasPrefix(digits, "1"), strings.HasPrefix(digits, "7"):
		n = 1
	case len(digits) > 1 && strings.Contains(twoDigitCodes, " "+digits[:2]+" "):
		n = 2
	}
	n = min(n, len(digits))
	return digits[:n], digits[n:]
}

const twoDigitCodes = " 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98 "

func whole(s string, fallback int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return fallback
}
