package oci

import "strings"

// user is a UserGetRequest of any release up to the Config's.
func (c *session) user(cmd *element) (*element, *Error) {
	p, found := c.s.people.User(cmd.get("userId"))
	if !found {
		return nil, NoUser(cmd.get("userId"))
	}
	cc, national := p.number()
	number := national
	if c.s.cfg.DashedNumbers {
		number = p.dashed()
	}
	e := reply(cmd, strings.Replace(cmd.kind, "Request", "Response", 1),
		text("serviceProviderId", p.Provider), text("groupId", p.Group), text("lastName", p.LastName), text("firstName", p.FirstName),
		text("callingLineIdLastName", p.LastName), text("callingLineIdFirstName", p.FirstName),
		text("hiraganaLastName", p.LastName), text("hiraganaFirstName", p.FirstName))
	if number != "" {
		e.kids = append(e.kids, text("phoneNumber", number))
	}
	if p.Extension != "" {
		e.kids = append(e.kids, text("extension", p.Extension))
	}
	if p.Department != "" {
		e.kids = append(e.kids, departmentOf(&p), text("departmentFullPath", p.Department))
	}
	e.kids = append(e.kids, text("language", "English"), text("timeZone", "UTC"), text("timeZoneDisplayName", "(GMT) UTC"),
		text("defaultAlias", p.UserID), text("emailAddress", p.UserID))
	if cc != "" {
		e.kids = append(e.kids, text("countryCode", cc))
	}
	return e, nil
}

func departmentOf(p *Person) *element {
	d := el("department", text("serviceProviderId", p.Provider), text("groupId", p.Group), text("name", p.Department))
	d.kind = "GroupDepartmentKey"
	return d
}

// assignments is the short list of services every user here has.
func (c *session) assignments(cmd *element) (*element, *Error) {
	if _, found := c.s.people.User(cmd.get("userId")); !found {
		return nil, NoUser(cmd.get("userId"))
	}
	packs := []string{"Basic User"}
	services := []string{"Basic Call Logs", "Call Transfer", "Call Waiting", "Client Call Control", "Do Not Disturb"}
	row := func(of []string) func(int, string) string {
		return func(i int, heading string) string {
			switch heading {
			case "Assigned":
				return "true"
			case "Description":
				return ""
			}
			return of[i]
		}
	}
	return reply(cmd, "UserServiceGetAssignmentListResponse",
		table("servicePacksAssignmentTable", []string{"Service Pack Name", "Assigned", "Description"}, len(packs), row(packs)),
		table("userServicesAssignmentTable", []string{"Service Name", "Assigned"}, len(services), row(services))), nil
}
