package oci

import "strings"

// What a notification of the change feed concerns.
const (
	kindUser          = "user"
	kindEverybody     = "everybody"
	kindNobody        = "nobody"
	kindKeepAlive     = "keep_alive"
	kindNotUnderstood = "not_understood"
)

const maxUser = 1024 // bytes of a user id that is passed on; OCI has 161 characters

// everybody are the writes that concern more users than they name. Those of
// departments are no deletions, but rules go by departments.
var everybody = map[string]bool{
	"GroupDelete": true, "GroupConsolidatedDelete": true, "ServiceProviderDelete": true, "EnterpriseDelete": true,
	"GroupDepartmentModify": true, "GroupDepartmentDelete": true, "EnterpriseDepartmentModify": true, "EnterpriseDepartmentDelete": true,
}

// concerned are how the writes begin that make, change, rename, move or delete
// a user, or give it a service (dossier §4.2). Requests for the settings of a
// service begin with the name of the service: UserDoNotDisturbModifyRequest.
var concerned = []string{"UserAdd", "UserModify", "UserDelete", "UserConsolidated", "UserService"}

// hear reads one document of the feed and tells of each user it concerns, of ""
// when it may be anybody, and of the kind of each notification. What is inside
// carries passwords: nothing of it goes anywhere else.
func hear(raw []byte, l limits, changed func(user string), kind func(string)) {
	lost := func() {
		kind(kindNotUnderstood)
		changed("")
	}
	text, ok := toUTF8(raw)
	if !ok {
		lost()
		return
	}
	doc, err := decode(text, l)
	if err != nil || doc.root != rootOfReporting {
		lost()
		return
	}
	for i := range doc.commands {
		c := &doc.commands[i]
		switch base, _, _ := strings.Cut(c.kind, "Notification"); base {
		case "OCIReportingServerStatus":
			kind(kindKeepAlive)
		case "OCIReportingReport":
			// The section was decoded with the document around it, so it is
			// UTF-8 by now, whatever its own declaration says.
			inner, err := decode([]byte(c.fields["request"]), l)
			if err != nil || inner.root != rootOfOCI || len(inner.commands) == 0 {
				lost()
				continue
			}
			for i := range inner.commands {
				kind(concerns(&inner.commands[i], changed))
			}
		default: // of public identities, which ride along, and what is not known yet
			kind(kindNobody)
		}
	}
}

// concerns tells whom an accepted write is about.
func concerns(c *command, changed func(user string)) (kind string) {
	// The release stands behind the name: UserModifyRequest17sp4.
	name, _, found := strings.Cut(c.kind, "Request")
	if !found {
		changed("")
		return kindNotUnderstood
	}
	if everybody[name] {
		changed("")
		return kindEverybody
	}
	// A new id is a new user to us, and the old one is gone.
	user, renamed := c.fields["userId"], c.fields["newUserId"]
	about := strings.HasPrefix(name, "User") && renamed != ""
	for _, prefix := range concerned {
		about = about || strings.HasPrefix(name, prefix)
	}
	switch {
	case !about:
		return kindNobody
	case user == "", len(user) > maxUser, len(renamed) > maxUser:
		changed("")
		return kindEverybody
	}
	changed(user)
	if renamed != "" && renamed != user {
		changed(renamed)
	}
	return kindUser
}
