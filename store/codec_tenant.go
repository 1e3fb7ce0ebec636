package store

import (
	"encoding/binary"

	"offhook/engine/tenant"
)

func appendApp(b []byte, a *tenant.App) []byte {
	b = append(b, version1)
	b = appendString(b, a.ID)
	b = appendString(b, a.Name)
	b = appendFlags(b, a.Demo, a.Challenge, true) // records of before had no third webhook
	b = binary.AppendVarint(b, a.CreatedAt)
	b = appendReceiver(b, &a.Calls)
	b = appendReceiver(b, &a.Subscriber)
	b = appendReceiver(b, &a.Operations)
	b = binary.AppendUvarint(b, uint64(len(a.Keys)))
	for i := range a.Keys {
		k := &a.Keys[i]
		b = appendString(b, k.ID)
		b = append(b, k.Digest[:]...)
		b = binary.AppendVarint(b, k.CreatedAt)
		b = appendList(b, k.Scopes)
	}
	return b
}

func decodeApp(b []byte) (*tenant.App, error) {
	d := decode(b)
	a := &tenant.App{ID: d.string(), Name: d.string()}
	var operations bool
	d.flags(&a.Demo, &a.Challenge, &operations)
	a.CreatedAt = d.int()
	d.receiver(&a.Calls)
	d.receiver(&a.Subscriber)
	if operations {
		d.receiver(&a.Operations)
	}
	if n := d.count(35); n > 0 {
		a.Keys = make([]tenant.Key, n)
		for i := range a.Keys {
			k := &a.Keys[i]
			k.ID = d.string()
			copy(k.Digest[:], d.take(len(k.Digest)))
			k.CreatedAt = d.int()
			k.Scopes = list[tenant.Scope](&d)
		}
	}
	if err := d.done("app"); err != nil {
		return nil, err
	}
	return a, nil
}

func appendReceiver(b []byte, r *tenant.Receiver) []byte {
	b = appendList(appendString(b, r.URL), r.Secrets)
	b = appendString(appendRetired(b, r.Retired), r.SigningKey)
	b = binary.AppendUvarint(b, uint64(len(r.Headers)))
	for _, h := range r.Headers {
		b = appendString(appendString(b, h.Name), h.Value)
	}
	b = appendFlags(b, r.Batch, r.Extended, r.Paused, len(r.Held) > 0, r.Since > 0, len(r.RetiredKeys) > 0)
	b = appendString(b, r.Disabled)
	b = append(b, r.Filter.States, r.Filter.Directions)
	b = appendList(b, r.Filter.Subscribers)
	if len(r.Held) > 0 {
		b = appendList(b, r.Held)
	}
	if r.Since > 0 {
		b = binary.AppendUvarint(b, r.Since)
	}
	if len(r.RetiredKeys) > 0 {
		b = appendRetired(b, r.RetiredKeys)
	}
	return b
}

func appendRetired(b []byte, retired []tenant.Retired) []byte {
	b = binary.AppendUvarint(b, uint64(len(retired)))
	for _, old := range retired {
		b = binary.AppendVarint(appendString(b, old.Secret), old.Until)
	}
	return b
}

func (d *decoder) receiver(r *tenant.Receiver) {
	r.URL = d.string()
	r.Secrets = list[string](d)
	r.Retired = d.retired()
	r.SigningKey = d.string()
	if n := d.count(2); n > 0 {
		r.Headers = make([]tenant.Header, n)
		for i := range r.Headers {
			r.Headers[i] = tenant.Header{Name: d.string(), Value: d.string()}
		}
	}
	var held, since, keys bool
	d.flags(&r.Batch, &r.Extended, &r.Paused, &held, &since, &keys)
	r.Disabled = d.string()
	r.Filter.States, r.Filter.Directions = d.byte(), d.byte()
	r.Filter.Subscribers = list[string](d)
	if held {
		r.Held = list[string](d)
	}
	if since {
		r.Since = d.uint()
	}
	if keys {
		r.RetiredKeys = d.retired()
	}
}

func (d *decoder) retired() (retired []tenant.Retired) {
	for range d.count(2) {
		retired = append(retired, tenant.Retired{Secret: d.string(), Until: d.int()})
	}
	return retired
}

func appendNetwork(b []byte, n *tenant.Network) []byte {
	b = append(b, version1)
	b = appendString(b, n.ID)
	b = appendString(b, n.Provider)
	// Records of before had no contact, then no provisioning. Few have verbs at all.
	verbs := len(n.BroadWorks.Without) > 0 || n.Dialing.ParkRetrieveCode != ""
	b = appendFlags(b, n.FromFile, true, true, verbs)
	b = appendString(b, n.Dialing.CountryCode)
	b = appendList(b, n.Dialing.Allow)
	b = appendList(b, n.Dialing.Deny)
	w := &n.BroadWorks
	b = appendList(b, w.XSPs)
	for _, s := range []string{
		w.SRV, w.ActionsPath, w.EventsPath, w.ChannelPath, w.Username, w.Password, w.CAFile, w.ApplicationID, w.Subscribe,
	} {
		b = appendString(b, s)
	}
	b = appendTargets(b, w.Targets)
	b = appendContact(b, &w.Contact)
	b = appendProvisioning(b, &n.Provision)
	if verbs {
		b = appendString(appendList(b, w.Without), n.Dialing.ParkRetrieveCode)
	}
	return b
}

func appendTargets(b []byte, targets []tenant.Target) []byte {
	b = binary.AppendUvarint(b, uint64(len(targets)))
	for _, t := range targets {
		b = appendString(b, t.Enterprise)
		b = appendString(b, t.ServiceProvider)
		b = appendString(b, t.Group)
	}
	return b
}

func (d *decoder) targets() (targets []tenant.Target) {
	if n := d.count(3); n > 0 {
		targets = make([]tenant.Target, n)
		for i := range targets {
			t := &targets[i]
			t.Enterprise, t.ServiceProvider, t.Group = d.string(), d.string(), d.string()
		}
	}
	return targets
}

func appendContact(b []byte, c *tenant.Contact) []byte {
	for _, s := range []string{c.Listen, c.PublicURL, c.CertFile, c.KeyFile} {
		b = appendString(b, s)
	}
	return appendFlags(appendList(b, c.Allow), c.TrustForwarded)
}

func (d *decoder) contact(c *tenant.Contact) {
	for _, s := range []*string{&c.Listen, &c.PublicURL, &c.CertFile, &c.KeyFile} {
		*s = d.string()
	}
	c.Allow = list[string](d)
	d.flags(&c.TrustForwarded)
}

func decodeNetwork(b []byte) (*tenant.Network, error) {
	d := decode(b)
	n := &tenant.Network{ID: d.string(), Provider: d.string()}
	var contact, provisioning, verbs bool
	d.flags(&n.FromFile, &contact, &provisioning, &verbs)
	n.Dialing.CountryCode = d.string()
	n.Dialing.Allow = list[string](&d)
	n.Dialing.Deny = list[string](&d)
	w := &n.BroadWorks
	w.XSPs = list[string](&d)
	for _, s := range []*string{
		&w.SRV, &w.ActionsPath, &w.EventsPath, &w.ChannelPath, &w.Username, &w.Password, &w.CAFile, &w.ApplicationID, &w.Subscribe,
	} {
		*s = d.string()
	}
	w.Targets = d.targets()
	if contact {
		d.contact(&w.Contact)
	}
	if provisioning {
		d.provisioning(&n.Provision)
	}
	if verbs {
		w.Without, n.Dialing.ParkRetrieveCode = list[string](&d), d.string()
	}
	if err := d.done("network"); err != nil {
		return nil, err
	}
	return n, nil
}

func appendList[S ~string](b []byte, list []S) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, string(s))
	}
	return b
}

func list[S ~string](d *decoder) []S {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	out := make([]S, n)
	for i := range out {
		out[i] = S(d.string())
	}
	return out
}
