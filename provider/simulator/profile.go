package simulator

import (
	"net/http"
	"strings"
)

// profile is the user's own data. One client reads fac, registrations and
// scheduleList unconditionally, so they are always there (dossier §1.7).
func (s *Simulator) profile(r *request) reply {
	if r.Method != http.MethodGet || len(r.path) > 3 {
		return refuse(RefusedUnknownPath)
	}
	p := r.phone
	base := "/v2.0/user/" + p.SubscriberID
	details := el("details",
		textEl("userId", p.SubscriberID), textEl("firstName", p.FirstName), textEl("lastName", p.LastName),
		textEl("hiranganaLastName", p.LastName), textEl("hiranganaFirstName", p.FirstName),
		textEl("groupId", p.Group),
		textEl("serviceProvider", p.Enterprise).with(attr{name: "isEnterprise", value: "true"}),
		textEl("number", dashed(p.SubscriberNumber)), textEl("extension", p.Extension))
	return reply{status: http.StatusOK, lat1: true, body: el("Profile", details,
		el("additionalDetails", textEl("emailAddress", p.SubscriberID)),
		textEl("fac", base+"/profile/fac"), textEl("registrations", base+"/profile/registrations"),
		textEl("scheduleList", base+"/profile/schedule"),
		textEl("portalPasswordChange", base+"/profile/password/portal"),
		textEl("countryCode", "1"), textEl("nationalPrefix", "1"),
		textEl("timeZone", "UTC"), textEl("timeZoneDisplayName", "(GMT) UTC"))}
}

// services is the short list every subscriber of this switch has.
func (s *Simulator) services(r *request) reply {
	if r.Method != http.MethodGet || len(r.path) > 3 {
		return refuse(RefusedUnknownPath)
	}
	list := el("Services")
	for _, name := range []string{"Do Not Disturb", "Call Transfer", "Call Waiting"} {
		list.add(el("service", textEl("name", name), textEl("uri",
			"/v2.0/user/"+r.phone.SubscriberID+"/services/"+strings.ReplaceAll(name, " ", ""))))
	}
	return reply{status: http.StatusOK, lat1: true, body: list}
}

// dashed is a number as the provisioning store writes it: +1-2401003211.
func dashed(number string) string {
	if number == "" {
		return "" // a user may have an extension alone
	}
	cc := countryCode(number[1:])
	return "+" + cc + "-" + number[1+len(cc):]
}
