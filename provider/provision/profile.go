package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/provider"
)

const maxText = 256 // bytes of each field, as for those provisioned by hand

// wish is what the rules make of one user.
type wish struct {
	user    string
	profile engine.Profile // its ID is for a new subscriber
	apps    []string       // that exist
	person  string         // who it is, whatever the user id; empty when nobody could say
	wanted  bool           // some rule matches, and it can be a subscriber
}

// wish applies the network's rules to an entry. unknown is told of apps that
// rules name and that are not there.
func (r *Reconciler) wish(e *provider.Entry, unknown func(app string)) wish {
	n := &r.cfg.Network
	w := wish{user: e.User, person: person(n, e)}
	if !usable(e.User) {
		return w
	}
	w.profile = profile(n, e)
	named, wanted := apps(n.Provision.Rules, e, w.profile.Number)
	w.wanted = wanted && w.profile.ID != ""
	for _, id := range named {
		if _, ok := r.cfg.Tenants.App(id); ok {
			w.apps = append(w.apps, id)
		} else {
			unknown(id)
		}
	}
	return w
}

// profile is how a user reads as a subscriber. There may be no number: then
// the extension has to do.
func profile(n *tenant.Network, e *provider.Entry) engine.Profile {
	p := engine.Profile{
		ID: e.User, Extension: extension(e.Extension), Name: text(strings.TrimSpace(e.FirstName + " " + e.LastName)),
		AccountID: text(account(n.Provision.AccountID, e)), Network: n.ID, ProviderUser: e.User,
	}
	if number, ok := n.Dialing.Normalise(e.Number); ok && strings.HasPrefix(number, "+") {
		p.Number = number
	}
	if n.Provision.SubscriberID == tenant.IDNumber {
		p.ID = p.Number
	}
	return p
}

func account(how string, e *provider.Entry) string {
	switch how {
	case tenant.AccountGroup:
		return e.Group
	case tenant.AccountBoth:
		return strings.Trim(e.ServiceProvider+"/"+e.Group, "/")
	}
	return e.ServiceProvider
}

func extension(s string) string {
	if len(s) > 20 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// usable reports whether a user id may be a subscriber's.
func usable(id string) bool {
	return id != "" && len(id) <= maxText && utf8.ValidString(id) &&
		!strings.ContainsFunc(id, func(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError })
}

// text is s as far as it may be shown: without control characters, and not
// endless.
func text(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, s)
	for len(s) > maxText {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// person names whoever an entry is about in a way that outlives the user id:
// the number, or without one the extension in its group, and the name. A number
// that went to somebody else is somebody else.
func person(n *tenant.Network, e *provider.Entry) string {
	p := profile(n, e)
	line := p.Number
	if line == "" && p.Extension != "" {
		line = e.ServiceProvider + "\x00" + e.Group + "\x00" + p.Extension
	}
	if line == "" || p.Name == "" {
		return ""
	}
	return digest(line, p.Name)
}

// fingerprint tells whether a subscriber reads as it was written.
func fingerprint(p *engine.Profile) string {
	return digest(engine.Fold(p.ID), p.Number, p.Extension, p.Name, p.AccountID, p.Network, p.ProviderUser)
}

func digest(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		h.Write([]byte(s))
		h.Write([]byte{0xff}) // in no UTF-8 text
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
