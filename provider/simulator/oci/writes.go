package oci

import "strings"

// writes are the requests that change somebody, as changes. Those the feed's
// readers map are here (dossier §4.2), in every release.
var writes = map[string]func(*Server, *element) (Change, *Error){
	"UserAddRequest":                addUser,
	"UserConsolidatedAddRequest":    addUser,
	"UserModifyRequest":             modifyUser,
	"UserConsolidatedModifyRequest": modifyUser,
	"UserModifyUserIdRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: RenameUser, UserID: cmd.get("userId"), NewID: cmd.get("newUserId")}, needs(cmd, "userId", "newUserId")
	},
	"UserModifyGroupIdRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: MoveUser, UserID: cmd.get("userId"), NewID: cmd.get("newGroupId")}, needs(cmd, "userId", "newGroupId")
	},
	"UserDeleteRequest":             deleteUser,
	"UserConsolidatedDeleteRequest": deleteUser,
	"GroupAddRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: AddGroup, Provider: cmd.get("serviceProviderId"), Group: cmd.get("groupId")}, needs(cmd, "serviceProviderId", "groupId")
	},
	"GroupDeleteRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: DeleteGroup, Provider: cmd.get("serviceProviderId"), Group: cmd.get("groupId")}, needs(cmd, "serviceProviderId", "groupId")
	},
	"ServiceProviderAddRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: AddProvider, Provider: cmd.get("serviceProviderId")}, needs(cmd, "serviceProviderId")
	},
	"ServiceProviderDeleteRequest": func(_ *Server, cmd *element) (Change, *Error) {
		return Change{Op: DeleteProvider, Provider: cmd.get("serviceProviderId")}, needs(cmd, "serviceProviderId")
	},
}

func needs(cmd *element, names ...string) *Error {
	for _, n := range names {
		if cmd.get(n) == "" {
			return invalid(n, "%s is missing", n)
		}
	}
	return nil
}

func deleteUser(_ *Server, cmd *element) (Change, *Error) {
	return Change{Op: DeleteUser, UserID: cmd.get("userId")}, needs(cmd, "userId")
}

func addUser(s *Server, cmd *element) (Change, *Error) {
	c := Change{Op: AddUser, Provider: cmd.get("serviceProviderId"), Group: cmd.get("groupId"), UserID: cmd.get("userId"), Set: s.values(cmd)}
	return c, needs(cmd, "serviceProviderId", "groupId", "userId", "lastName", "firstName")
}

func modifyUser(s *Server, cmd *element) (Change, *Error) {
	return Change{Op: ModifyUser, UserID: cmd.get("userId"), Set: s.values(cmd)}, needs(cmd, "userId")
}

// values reads what a write says of a user: absent stays, nil clears (dossier §4.2).
func (s *Server) values(cmd *element) (v Values) {
	for name, to := range map[string]**string{
		"lastName": &v.LastName, "firstName": &v.FirstName, "phoneNumber": &v.Number, "extension": &v.Extension, "department": &v.Department,
	} {
		k := cmd.kid(name)
		if k == nil {
			continue
		}
		said := strings.TrimSpace(k.text)
		switch {
		case k.null:
			said = ""
		case name == "department":
			if n := k.get("name"); n != "" {
				said = n
			}
		case name == "phoneNumber":
			said = s.international(said)
		}
		*to = &said
	}
	return v
}

// international is a number in E.164: +1-2015550100 is cleaned, 2015550100 gets
// the country code of the platform.
func (s *Server) international(number string) string {
	clean := strings.NewReplacer("-", "", " ", "", "(", "", ")", "", ".", "").Replace(number)
	if clean == "" || strings.HasPrefix(clean, "+") {
		return clean
	}
	return "+" + s.cfg.CountryCode + clean
}

// request is a change as the request that would make it, for those that were
// made otherwise. The password is made up, and says so.
func (c *Change) request() *element {
	cmd := &element{name: "command"}
	add := func(kids ...*element) { cmd.kids = append(cmd.kids, kids...) }
	switch c.Op {
	case AddUser:
		cmd.kind = "UserAddRequest22"
		add(text("serviceProviderId", c.Provider), text("groupId", c.Group), text("userId", c.UserID))
		c.Set.append(cmd)
		add(text("password", "made-up-password-of-"+c.UserID))
	case ModifyUser:
		cmd.kind = "UserModifyRequest22"
		add(text("userId", c.UserID))
		c.Set.append(cmd)
	case RenameUser:
		cmd.kind = "UserModifyUserIdRequest"
		add(text("userId", c.UserID), text("newUserId", c.NewID))
	case MoveUser:
		cmd.kind = "UserModifyGroupIdRequest"
		add(text("userId", c.UserID), text("newGroupId", c.NewID))
	case DeleteUser:
		cmd.kind = "UserDeleteRequest"
		add(text("userId", c.UserID))
	case AddGroup, DeleteGroup:
		cmd.kind = "GroupAddRequest"
		if c.Op == DeleteGroup {
			cmd.kind = "GroupDeleteRequest"
		}
		add(text("serviceProviderId", c.Provider), text("groupId", c.Group))
	case AddProvider, DeleteProvider:
		cmd.kind = "ServiceProviderAddRequest13mp2"
		if c.Op == DeleteProvider {
			cmd.kind = "ServiceProviderDeleteRequest"
		}
		add(text("serviceProviderId", c.Provider))
	}
	return cmd
}

func (v *Values) append(cmd *element) {
	for _, f := range []struct {
		name string
		v    *string
	}{
		{"lastName", v.LastName}, {"firstName", v.FirstName}, {"phoneNumber", v.Number}, {"extension", v.Extension}, {"department", v.Department},
	} {
		switch {
		case f.v == nil:
			continue
		case *f.v == "":
			cmd.kids = append(cmd.kids, null(f.name))
		case f.name == "department":
			d := el("department", text("name", *f.v))
			d.kind = "GroupDepartmentKey"
			cmd.kids = append(cmd.kids, d)
		case f.name == "phoneNumber":
			cmd.kids = append(cmd.kids, text(f.name, (&Person{Number: *f.v}).dashed()))
		default:
			cmd.kids = append(cmd.kids, text(f.name, *f.v))
		}
	}
}
