package main

import (
	"crypto/tls"
	"fmt"
	"net/url"

	"offhook/engine/tenant"
)

// Delivery is the way a platform's events come: over channels, which need
// nothing more, or POSTed to a listener of ours.
type Delivery struct {
	Delivery       string   `yaml:"delivery"` // channel, http_contact
	Listen         string   `yaml:"listen"`
	PublicURL      string   `yaml:"public_url"`
	CertFile       string   `yaml:"cert_file"`
	KeyFile        string   `yaml:"key_file"`
	Allow          []string `yaml:"allow"`
	TrustForwarded bool     `yaml:"trust_forwarded"`
}

const (
	deliverChannel = "channel"
	deliverContact = "http_contact"
)

// contact checks how events come; the zero value is over channels.
func (k *checker) contact(path string, d *Delivery) (c tenant.Contact) {
	if d.Delivery == "" {
		d.Delivery = deliverChannel
	}
	k.words(path+".delivery", d.Delivery, deliverChannel, deliverContact)
	if d.Delivery != deliverContact {
		if !k.know(path + ".delivery") {
			return c
		}
		for _, s := range []struct {
			name  string
			given bool
		}{
			{"listen", d.Listen != ""}, {"public_url", d.PublicURL != ""}, {"cert_file", d.CertFile != ""}, {"key_file", d.KeyFile != ""},
			{"allow", len(d.Allow) > 0}, {"trust_forwarded", d.TrustForwarded},
		} {
			if s.given {
				k.fault(path+"."+s.name, "is for delivery: http_contact")
			}
		}
		return c
	}
	c = tenant.Contact{
		Listen: d.Listen, PublicURL: d.PublicURL, CertFile: d.CertFile, KeyFile: d.KeyFile, Allow: d.Allow, TrustForwarded: d.TrustForwarded,
	}
	if c.Listen == "" {
		c.Listen = tenant.DefaultContactListen
	}
	for _, f := range c.Faults() {
		pair := f.Setting == "cert_file" || f.Setting == "key_file"
		if f.Setting != "listen" && (!pair || k.know(path+".cert_file", path+".key_file")) { // the listeners are checked together
			k.fault(path+"."+f.Setting, "%s", f.Why)
		}
	}
	if c.CertFile != "" && c.KeyFile != "" {
		readable := k.readable(path+".cert_file", c.CertFile)
		if k.readable(path+".key_file", c.KeyFile) && readable {
			if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
				k.fault(path+".cert_file", "cannot be used with key_file: %v", err)
			}
		}
	}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		k.config.Warnings = append(k.config.Warnings, path+".public_url is http: events and the secret path cross the network in the clear")
	}
	return c
}

// contactListeners are the addresses networks listen on for events.
func (c *Config) contactListeners() (all []address) {
	for i := range c.Networks {
		d := &c.Networks[i].BroadWorks.Events
		if d.Delivery != deliverContact {
			continue
		}
		a := address{path: fmt.Sprintf("networks[%d].broadworks.events.listen", i), host: d.Listen}
		if a.host == "" {
			a.host = tenant.DefaultContactListen
		}
		all = append(all, a)
	}
	return all
}
