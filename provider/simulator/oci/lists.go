package oci

import (
	"cmp"
	"slices"
	"strings"
)

// reads are the requests that change nothing.
var reads = map[string]func(*session, *element) (*element, *Error){
	"ServiceProviderGetListRequest":            (*session).providerList,
	"GroupGetListInServiceProviderRequest":     (*session).groupList,
	"UserGetListInServiceProviderRequest":      (*session).usersOfProvider,
	"UserGetListInGroupRequest":                (*session).usersOfGroup,
	"UserGetListInGroupPagedSortedListRequest": (*session).userPage,
	"UserGetRequest":                           (*session).user,
	"UserServiceGetAssignmentListRequest":      (*session).assignments,
}

func (c *session) providerList(cmd *element) (*element, *Error) {
	all := c.s.people.Providers()
	all, err := sized(c.s, cmd, all)
	if err != nil {
		return nil, err
	}
	return reply(cmd, "ServiceProviderGetListResponse", table("serviceProviderTable",
		[]string{"Service Provider Id", "Service Provider Name", "Is Enterprise"}, len(all),
		func(i int, heading string) string {
			if heading == "Is Enterprise" {
				if all[i].Enterprise {
					return "true"
				}
				return "false"
			}
			return all[i].ID
		})), nil
}

func (c *session) groupList(cmd *element) (*element, *Error) {
	provider := cmd.get("serviceProviderId")
	all, found := c.s.people.Groups(provider)
	if !found {
		return nil, NoProvider(provider)
	}
	all, err := sized(c.s, cmd, all)
	if err != nil {
		return nil, err
	}
	return reply(cmd, "GroupGetListInServiceProviderResponse", table("groupTable",
		[]string{"Group Id", "Group Name", "User Limit"}, len(all),
		func(i int, heading string) string {
			if heading == "User Limit" {
				return "100000"
			}
			return all[i]
		})), nil
}

func (c *session) usersOfProvider(cmd *element) (*element, *Error) {
	return c.userList(cmd, "UserGetListInServiceProviderResponse", "", providerColumns)
}

// usersOfGroup spells its GroupId with a capital letter (dossier §4.1): the
// schema does, so nothing else is understood.
func (c *session) usersOfGroup(cmd *element) (*element, *Error) {
	group := cmd.get("GroupId")
	if group == "" {
		return nil, invalid("GroupId", "GroupId is missing")
	}
	return c.userList(cmd, "UserGetListInGroupResponse", group, groupColumns)
}

func (c *session) userList(cmd *element, kind, group string, columns []string) (*element, *Error) {
	people, err := c.listed(cmd, group)
	if err != nil {
		return nil, err
	}
	if people, err = sized(c.s, cmd, people); err != nil {
		return nil, err
	}
	return reply(cmd, kind, c.s.userTable(columns, people)), nil
}

// userPage has no total: the last page is the one that is not full.
func (c *session) userPage(cmd *element) (*element, *Error) {
	group := cmd.get("groupId")
	if group == "" {
		return nil, invalid("groupId", "groupId is missing")
	}
	people, err := c.listed(cmd, group)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(people, func(a, b Person) int { return cmp.Compare(a.UserID, b.UserID) })
	paging := cmd.kid("responsePagingControl")
	start, size := whole(paging.get("responseStartIndex"), 1), whole(paging.get("responsePageSize"), c.s.cfg.PageCap)
	if start < 1 || size < 1 {
		return nil, invalid("responsePagingControl", "a page begins at 1 or later, and has 1 user or more")
	}
	from := min(start-1, len(people))
	people = people[from:min(from+min(size, c.s.cfg.PageCap), len(people))]
	return reply(cmd, "UserGetListInGroupPagedSortedListResponse", c.s.userTable(pagedColumns, people)), nil
}

// listed finds the users a list is about, as far as the criteria fit them.
func (c *session) listed(cmd *element, group string) ([]Person, *Error) {
	if c.lists++; c.lists > 1 {
		if _, failed := c.s.people.Struck(ListError); failed {
			return nil, &Error{Code: 4999, Reason: Invalid, Text: "An internal error occurred"}
		}
	}
	provider := cmd.get("serviceProviderId")
	if _, found := c.s.people.Groups(provider); !found {
		return nil, NoProvider(provider)
	}
	people, found := c.s.people.Users(provider, group)
	if !found {
		return nil, NoGroup(group)
	}
	fits, err := criteria(cmd)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(people, func(p Person) bool { return !fits(&p) }), nil
}

// sized keeps a list to what the client, and the server, allow: a longer one is
// an error, not a part of it.
func sized[T any](s *Server, cmd *element, all []T) ([]T, *Error) {
	limit := s.cfg.MaxRows
	if asked := whole(cmd.get("responseSizeLimit"), 0); asked > 0 && (limit <= 0 || asked < limit) {
		limit = asked
	}
	if limit > 0 && len(all) > limit {
		return nil, &Error{Code: 4401, Reason: TooMany, Text: "The number of results exceeds the limit"}
	}
	return all, nil
}

// criterion is a searchCriteria… element: what of a user it looks at.
var criterion = map[string]func(*Person) string{
	"searchCriteriaUserLastName":   func(p *Person) string { return p.LastName },
	"searchCriteriaUserFirstName":  func(p *Person) string { return p.FirstName },
	"searchCriteriaUserId":         func(p *Person) string { return p.UserID },
	"searchCriteriaEmailAddress":   func(p *Person) string { return p.UserID },
	"searchCriteriaDn":             func(p *Person) string { return p.Number },
	"searchCriteriaExtension":      func(p *Person) string { return p.Extension },
	"searchCriteriaGroupId":        func(p *Person) string { return p.Group },
	"searchCriteriaDepartmentName": func(p *Person) string { return p.Department },
}

// criteria reads the searchCriteria… of a list; all must fit.
func criteria(cmd *element) (func(*Person) bool, *Error) {
	type rule struct {
		of         func(*Person) string
		mode, want string
		fold       bool
	}
	var rules []rule
	for _, k := range cmd.kids {
		if !strings.HasPrefix(k.name, "searchCriteria") {
			continue
		}
		of := criterion[k.name]
		if of == nil {
			return nil, invalid(k.name, "%s is not searched for here", k.name)
		}
		r := rule{of: of, mode: k.get("mode"), want: k.get("value"), fold: k.get("isCaseInsensitive") == "true"}
		if r.fold {
			r.want = strings.ToLower(r.want)
		}
		rules = append(rules, r)
	}
	return func(p *Person) bool {
		for _, r := range rules {
			have := r.of(p)
			if r.fold {
				have = strings.ToLower(have)
			}
			fits := have == r.want
			switch r.mode {
			case "Starts With":
				fits = strings.HasPrefix(have, r.want)
			case "Contains":
				fits = strings.Contains(have, r.want)
			}
			if !fits {
				return false
			}
		}
		return true
	}, nil
}
