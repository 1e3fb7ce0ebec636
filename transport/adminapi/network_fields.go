package adminapi

import (
	"net/url"
	"slices"
	"strings"

	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// applyNetwork sets what the body names, and checks the whole. A new network
// begins empty, so the same rules make it and change it.
func applyNetwork(n *tenant.Network, doc web.Object) error {
	if err := setText(doc, "provider", &n.Provider); err != nil {
		return err
	}
	if n.Provider != "broadworks" {
		return problem.Invalid("provider", "must be broadworks")
	}
	bw, err := doc.Object("broadworks")
	if err != nil {
		return err
	}
	if err := applyBroadWorks(&n.BroadWorks, bw); err != nil {
		return err
	}
	dialing, err := doc.Object("dialing")
	if err != nil {
		return err
	}
	return applyDialing(n, dialing)
}

func applyBroadWorks(b *tenant.BroadWorks, doc web.Object) error {
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"srv", &b.SRV}, {"actions_path", &b.ActionsPath}, {"events_path", &b.EventsPath}, {"channel_path", &b.ChannelPath},
		{"username", &b.Username}, {"password", &b.Password}, {"ca_file", &b.CAFile}, {"application_id", &b.ApplicationID},
		{"subscribe", &b.Subscribe},
	} {
		if err := setText(doc, f.name, f.to); err != nil {
			return err
		}
	}
	if err := setTexts(doc, "xsps", &b.XSPs); err != nil {
		return err
	}
	if err := setTexts(doc, "without", &b.Without); err != nil {
		return err
	}
	if doc.Has("targets") {
		if err := readTargets(b, doc); err != nil {
			return err
		}
	}
	if doc.Has("events") {
		events, err := doc.Object("events")
		if err != nil {
			return err
		}
		if err := applyEvents(&b.Contact, events); err != nil {
			return err
		}
	}
	return checkBroadWorks(b)
}

func readTargets(b *tenant.BroadWorks, doc web.Object) error {
	items, err := doc.Objects("targets")
	if err != nil {
		return err
	}
	b.Targets = nil
	for _, item := range items {
		var t tenant.Target
		for name, to := range map[string]*string{"enterprise": &t.Enterprise, "service_provider": &t.ServiceProvider, "group": &t.Group} {
			if err := setText(item, name, to); err != nil {
				return err
			}
		}
		if (t.ServiceProvider != "") == (t.Enterprise != "") || t.Group != "" && t.ServiceProvider == "" {
			return problem.Invalid("broadworks.targets", "each must have an enterprise, a service_provider, or a service_provider and a group")
		}
		b.Targets = append(b.Targets, t)
	}
	return nil
}

func checkBroadWorks(b *tenant.BroadWorks) error {
	if len(b.XSPs) == 0 && b.SRV == "" {
		return problem.Invalid("broadworks.xsps", "or srv is required")
	}
	for _, x := range b.XSPs {
		u, err := url.Parse(x)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return problem.Invalid("broadworks.xsps", "must be http or https URLs without user, query and fragment")
		}
	}
	for name, p := range map[string]string{"actions_path": b.ActionsPath, "events_path": b.EventsPath, "channel_path": b.ChannelPath} {
		if p != "" && !strings.HasPrefix(p, "/") {
			return problem.Invalid("broadworks."+name, "must begin with a slash")
		}
	}
	for i, name := range b.Without {
		if _, ok := tenant.Capability(name); !ok || slices.Index(b.Without, name) < i {
			return problem.Invalid("broadworks.without", "must be different ones of "+strings.Join(tenant.Capabilities(), ", "))
		}
	}
	if b.Username == "" {
		return problem.Invalid("broadworks.username", "is required")
	}
	switch b.Subscribe {
	case "":
		b.Subscribe = "user"
	case "user":
	case "group", "enterprise":
		if len(b.Targets) == 0 {
			return problem.Invalid("broadworks.targets", "are required to subscribe by group or enterprise")
		}
	default:
		return problem.Invalid("broadworks.subscribe", "must be user, group or enterprise")
	}
	return nil
}

func applyDialing(n *tenant.Network, doc web.Object) error {
	d := &n.Dialing
	if err := setText(doc, "country_code", &d.CountryCode); err != nil {
		return err
	}
	if len(d.CountryCode) > 3 || !digits(d.CountryCode) || strings.HasPrefix(d.CountryCode, "0") {
		return problem.Invalid("dialing.country_code", "must be one to three digits without +")
	}
	if err := setText(doc, "park_retrieve_code", &d.ParkRetrieveCode); err != nil {
		return err
	}
	if d.ParkRetrieveCode != "" && !tenant.IsFeatureCode(d.ParkRetrieveCode) {
		return problem.Invalid("dialing.park_retrieve_code", "must be up to six digits, with * or # before them or neither")
	}
	for name, to := range map[string]*[]string{"allow": &d.Allow, "deny": &d.Deny} {
		if err := setTexts(doc, name, to); err != nil {
			return err
		}
		for _, p := range *to {
			if p = strings.TrimPrefix(p, "+"); p == "" || len(p) > 15 || !digits(p) {
				return problem.Invalid("dialing."+name, "must be prefixes of up to 15 digits")
			}
		}
	}
	return nil
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// setText and setTexts set what a member says, and leave what it does not.
func setText(doc web.Object, name string, to *string) error {
	if !doc.Has(name) {
		return nil
	}
	s, err := doc.Text(name)
	if err == nil {
		*to = s
	}
	return err
}

func setTexts(doc web.Object, name string, to *[]string) error {
	if !doc.Has(name) {
		return nil
	}
	s, err := doc.Texts(name)
	if err == nil {
		*to = s
	}
	return err
}
