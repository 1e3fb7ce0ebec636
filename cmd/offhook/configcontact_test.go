package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

func TestEventsMayBePosted(t *testing.T) {
	d := newDesk(t)
	c, err := d.load(t, netFile(`events: { delivery: http_contact, listen: "127.0.0.1:9443", public_url: "https://receiver.example.com/xsi",`,
		`  cert_file: DIR/cert.pem, key_file: DIR/key.pem, allow: ["192.0.2.0/24", "2001:db8::7"], trust_forwarded: true }`))
	require.NoError(t, err)
	require.Empty(t, c.Warnings)
	require.Equal(t, tenant.Contact{
		Listen: "127.0.0.1:9443", PublicURL: "https://receiver.example.com/xsi", CertFile: filepath.Join(d.dir, "cert.pem"), KeyFile: filepath.Join(d.dir, "key.pem"),
		Allow: []string{"192.0.2.0/24", "2001:db8::7"}, TrustForwarded: true,
	}, c.TenantNetworks()[0].BroadWorks.Contact)

	c, err = d.load(t, netFile(`events: { delivery: http_contact, public_url: "http://receiver.example.com", allow: ["192.0.2.0/24"] }`))
	require.NoError(t, err)
	require.Equal(t, ":9443", c.TenantNetworks()[0].BroadWorks.Contact.Listen)
	require.Equal(t, []string{"networks[0].broadworks.events.public_url is http: events and the secret path cross the network in the clear"}, c.Warnings)

	c, err = d.load(t, netFile(`events: { delivery: channel }`))
	require.NoError(t, err)
	require.Zero(t, c.TenantNetworks()[0].BroadWorks.Contact)
}

func TestBrokenContacts(t *testing.T) {
	d := newDesk(t)
	const good = `delivery: http_contact, public_url: "https://r.example.com", allow: ["192.0.2.0/24"]`
	for events, want := range map[string]string{
		`delivery: pigeon`:         `delivery: must be channel or http_contact, not "pigeon"`,
		`public_url: "https://r"`:  `public_url: is for delivery: http_contact`,
		`allow: ["192.0.2.0/24"]`:  `allow: is for delivery: http_contact`,
		`delivery: http_contact`:   `public_url: is required`,
		good + `, listen: "9443"`:  `listen: "9443" is no address to listen on`,
		good + `, listen: ":8080"`: `listen: is the same address as listen; give one of them another port`,
		good + `, key_file: x`:     `key_file: is given without cert_file`,
		good + `, cert_file: DIR/nothing.pem, key_file: DIR/key.pem`: `nothing.pem cannot be read`,
		good + `, cert_file: DIR/cert.pem, key_file: DIR/password`:   `cert_file: cannot be used with key_file`,
		`delivery: http_contact, public_url: "https://r"`:            `allow: is required`,
		`delivery: http_contact, public_url: "r", allow: ["::/0"]`:   `public_url: must be https://`,
	} {
		_, err := d.load(t, netFile("events: { "+events+" }"))
		require.ErrorContains(t, err, want, events)
		require.ErrorContains(t, err, "networks[0].broadworks.events.", events)
	}
	two := netFile("events: { "+good+" }") + "  - network_id: m\n" + netFile("events: { " + good + " }")[len("networks:\n  - network_id: n\n"):]
	_, err := d.load(t, two)
	require.ErrorContains(t, err, "networks[1].broadworks.events.listen: is the same address as networks[0].broadworks.events.listen")
}
