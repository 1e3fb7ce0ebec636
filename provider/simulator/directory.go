package simulator

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// pageCap is the largest page the server gives (its real value is unknown; 50
// is safe, dossier §1.7).
const pageCap = 50

// directory lists the enterprise or the user's group, a page at a time.
func (s *Simulator) directory(r *request) reply {
	if r.Method != http.MethodGet || len(r.path) != 4 {
		return refuse(RefusedUnknownPath)
	}
	root, list, people := "Enterprise", "enterpriseDirectory", []*phone(nil)
	switch {
	case is(r.path[3], "Enterprise"):
		people = r.phone.group.of.phones()
	case is(r.path[3], "Group"):
		root, list, people = "Group", "groupDirectory", r.phone.group.phones
	default:
		return refuse(RefusedUnknownPath)
	}
	query := r.URL.Query()
	found := people
	if filtered(query) {
		found = make([]*phone, 0, len(people))
		for _, p := range people {
			if p.matches(query) {
				found = append(found, p)
			}
		}
	}
	start := max(1, number(query.Get("start"), 1)) // 1-based
	size := min(max(1, number(query.Get("results"), pageCap)), pageCap)
	from := min(start-1, len(found))
	page := found[from:min(from+size, len(found))]

	entries := el(list)
	for _, p := range page {
		entries.add(p.directoryNode())
	}
	return reply{status: http.StatusOK, lat1: true, body: el(root,
		textEl("startIndex", itoa(int64(start))), textEl("numberOfRecords", itoa(int64(len(page)))),
		textEl("totalAvailableRecords", itoa(int64(len(found)))), entries)}
}

func number(s string, fallback int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return fallback
}

func (p *phone) directoryNode() *node {
	return el("directoryDetails",
		textEl("userId", p.SubscriberID), textEl("firstName", p.FirstName), textEl("lastName", p.LastName),
		textEl("hiranganaLastName", p.LastName), textEl("hiranganaFirstName", p.FirstName),
		textEl("groupId", p.Group), textEl("number", dashed(p.SubscriberNumber)), textEl("extension", p.Extension),
		el("additionalDetails", textEl("emailAddress", p.SubscriberID), textEl("department", p.department)))
}

// filtered reports whether a query asks for some only.
func filtered(query url.Values) bool {
	for name := range query {
		switch name {
		case "start", "results", "sortColumn", "searchCriteriaModeOr", "format":
		default:
			return true
		}
	}
	return false
}

// matches applies the filters: "*" stands for anything, "/i" at the end for
// any case; all must fit unless searchCriteriaModeOr is set (dossier §1.7).
func (p *phone) matches(query url.Values) bool {
	fields := map[string]string{
		"firstName": p.FirstName, "lastName": p.LastName, "name": p.SubscriberName, "userId": p.SubscriberID,
		"groupId": p.Group, "number": dashed(p.SubscriberNumber), "extension": p.Extension,
		"department": p.department, "emailAddress": p.SubscriberID,
	}
	either := is(query.Get("searchCriteriaModeOr"), "true")
	asked, fits := 0, 0
	for name, value := range fields {
		want := query.Get(name)
		if want == "" {
			continue
		}
		asked++
		if pattern, folded := strings.CutSuffix(want, "/i"); folded {
			want, value = strings.ToLower(pattern), strings.ToLower(value)
		}
		if wildcard(want, value) {
			fits++
		}
	}
	return fits == asked || either && fits > 0
}

// wildcard matches value against a pattern in which "*" is any text.
func wildcard(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}
	if !strings.HasPrefix(value, parts[0]) {
		return false
	}
	value = value[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return strings.HasSuffix(value, parts[len(parts)-1])
}
