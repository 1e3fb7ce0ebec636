package main

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"offhook/engine"
	"offhook/engine/tenant"
)

// network checks one network of the file and adds it, password read, to what
// TenantNetworks returns. The admin API has the same rules for its networks.
func (k *checker) network(i int, ids map[string]int) {
	n := &k.config.Networks[i]
	path := fmt.Sprintf("networks[%d]", i)
	switch {
	case n.NetworkID == "":
		k.fault(path+".network_id", "is required; a UUID is a good one")
	case len(n.NetworkID) > 255 || strings.ContainsFunc(n.NetworkID, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' }):
		k.fault(path+".network_id", "may have up to 255 characters of printable ASCII, no space and no slash")
	case n.NetworkID == demoNetwork:
		k.fault(path+".network_id", "is that of the built-in simulator; choose another")
	default:
		if first, taken := ids[n.NetworkID]; taken {
			k.fault(path+".network_id", "is also that of networks[%d]; each network has its own", first)
		} else {
			ids[n.NetworkID] = i
		}
	}
	if n.Provider == "" {
		n.Provider = "broadworks"
	}
	if n.Provider != "broadworks" {
		k.fault(path+".provider", "must be broadworks, not %q%s", n.Provider, didYouMean(n.Provider, []string{"broadworks"}))
	}
	t := &tenant.Network{ID: n.NetworkID, Provider: n.Provider, FromFile: true}
	t.BroadWorks = k.broadworks(path+".broadworks", &n.BroadWorks)
	t.Dialing = k.dialing(path+".dialing", n.Dialing)
	t.Provision = k.provisioning(path+".provisioning", &n.Provisioning)
	k.config.tenants = append(k.config.tenants, t)
}

func (k *checker) broadworks(path string, b *BroadWorks) tenant.BroadWorks {
	switch {
	case !k.know(path+".xsps", path+".srv"):
	case len(b.XSPs) == 0 && b.SRV == "":
		k.fault(path+".xsps", "is required, as in [\"https://xsp1.example.com\"]; or name a domain in srv")
	case len(b.XSPs) > 0 && b.SRV != "":
		k.fault(path+".srv", "is given, and xsps too; keep one of the two")
	}
	for i, x := range b.XSPs {
		at := fmt.Sprintf("%s.xsps[%d]", path, i)
		u, ok := baseURL(x)
		switch {
		case !ok:
			k.fault(at, "%q is no XSP; write https://host or https://host:port, nothing behind it", withoutLogin(x))
		case slices.Index(b.XSPs, x) < i:
			k.fault(at, "is in the list already")
		case u.Scheme == "http" && !loopback(u.Hostname()):
			k.config.Warnings = append(k.config.Warnings, at+" is http: the provider's password crosses the network in the clear")
		}
	}
	for _, p := range []struct{ name, have string }{
		{"actions_path", b.ActionsPath}, {"events_path", b.EventsPath}, {"channel_path", b.ChannelPath},
	} {
		if p.have != "" && !strings.HasPrefix(p.have, "/") {
			k.fault(path+"."+p.name, "must begin with a slash: %q", "/"+p.have)
		}
	}
	if b.Username == "" {
		k.fault(path+".username", "is required")
	}
	if len(b.ApplicationID) > 256 {
		k.fault(path+".application_id", "has more than 256 characters")
	}
	k.authorities(path+".ca_file", b.CAFile)
	k.without(path+".without", b.Without)
	k.tuning(path+".tuning", b.Tuning)
	t := tenant.BroadWorks{
		XSPs: b.XSPs, SRV: b.SRV, ActionsPath: b.ActionsPath, EventsPath: b.EventsPath, ChannelPath: b.ChannelPath,
		Username: b.Username, Password: k.password(path+".password_file", b.PasswordFile),
		CAFile: b.CAFile, ApplicationID: b.ApplicationID, Without: b.Without,
	}
	t.Subscribe, t.Targets = k.subscribe(path, b)
	t.Contact = k.contact(path+".events", &b.Events)
	return t
}

// without checks the names of what is not offered.
func (k *checker) without(path string, names []string) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, ok := tenant.Capability(name); !ok {
			k.words(at, name, tenant.Capabilities()...)
		} else if slices.Index(names, name) < i {
			k.fault(at, "is in the list already")
		}
	}
}

// password reads the file it is kept in; white space around it is an editor's.
func (k *checker) password(path, file string) string {
	if file == "" {
		k.fault(path, "is required; put the password into a file of its own and name it here")
		return ""
	}
	text, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
	if err != nil {
		k.fault(path, "%s cannot be read: %s", unlessSecret(file), unreadable(file, err))
		return ""
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		k.fault(path, "%s is empty; the password belongs there", file)
	}
	return password
}

// unlessSecret is the name of a file with a secret in it, unless it may be the
// secret itself, written where its file's name belongs.
func unlessSecret(file string) string {
	if strings.ContainsRune(file, filepath.Separator) {
		return file
	}
	return "the file that it names"
}

func (k *checker) authorities(path, file string) {
	if file == "" {
		return
	}
	pem, err := os.ReadFile(file) // #nosec G304 -- a file that the operator names
	switch {
	case err != nil:
		k.fault(path, "%s cannot be read: %s", file, cause(err))
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		k.fault(path, "%s has no certificate in PEM", file)
	}
}

// subscribe checks the way to subscribe against the targets.
func (k *checker) subscribe(path string, b *BroadWorks) (string, []tenant.Target) {
	how := b.Subscribe
	if how == "" {
		how = "user"
	}
	k.words(path+".subscribe", how, "user", "group", "enterprise")
	known := k.know(path+".subscribe", path+".targets")
	switch {
	case !known:
	case how == "user" && len(b.Targets) > 0:
		k.fault(path+".targets", "are for subscribe: group or enterprise; users are subscribed to as they are provisioned")
	case how != "user" && len(b.Targets) == 0:
		k.fault(path+".subscribe", "%s needs targets", how)
	}
	var targets []tenant.Target
	for i, t := range b.Targets {
		group := t.ServiceProvider != "" && t.Group != "" && t.Enterprise == ""
		whole := (t.Enterprise != "") != (t.ServiceProvider != "") && t.Group == ""
		if !known {
			break
		}
		if how == "group" && !group || how == "enterprise" && !whole {
			want := map[string]string{"group": "{service_provider, group}", "enterprise": "{enterprise} or {service_provider}"}[how]
			k.fault(fmt.Sprintf("%s.targets[%d]", path, i), "must be %s with subscribe: %s", want, how)
		}
		targets = append(targets, tenant.Target(t))
	}
	return how, targets
}

func (k *checker) dialing(path string, d Dialing) engine.Dialing {
	if len(d.CountryCode) > 3 || !digits(d.CountryCode) || strings.HasPrefix(d.CountryCode, "0") {
		k.fault(path+".country_code", "%q is none; write one to three digits without +, as in \"1\"", d.CountryCode)
	}
	allowed := map[string]bool{}
	for _, list := range []struct {
		name     string
		prefixes []string
	}{{"allow", d.Allow}, {"deny", d.Deny}} {
		for i, p := range list.prefixes {
			at := fmt.Sprintf("%s.%s[%d]", path, list.name, i)
			bare := strings.TrimPrefix(p, "+")
			switch {
			case bare == "" || len(bare) > 15 || !digits(bare):
				k.fault(at, "%q is no prefix; write up to 15 digits, as in \"1900\"", p)
			case list.name == "allow":
				allowed[bare] = true
			case allowed[bare]:
				k.fault(at, "%q is in allow too, which wins; keep one of the two", p)
			}
		}
	}
	if code := d.ParkRetrieveCode; code != "" && !tenant.IsFeatureCode(code) {
		k.fault(path+".park_retrieve_code", "%q is none; write up to six digits, with * or # before them where it has one, as in \"*88\"", code)
	}
	return engine.Dialing{CountryCode: d.CountryCode, Allow: d.Allow, Deny: d.Deny, ParkRetrieveCode: d.ParkRetrieveCode}
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// baseURL reads the address of an XSP: scheme and host, nothing else.
func baseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, false
	}
	return u, true
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withoutLogin is a URL as it can be printed: somebody may have put a user and
// a password into it.
func withoutLogin(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	scheme, _, ok := strings.Cut(text[:at], "://")
	if ok {
		scheme += "://"
	} else {
		scheme = ""
	}
	return scheme + "•••" + text[at:]
}
