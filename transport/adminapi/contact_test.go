package adminapi

import (
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/problem"
)

const contactNetwork = `{"provider":"broadworks","broadworks":{"xsps":["https://x.example.com"],"username":"u","events":{` +
	`"delivery":"http_contact","public_url":"https://receiver.example.com/xsi","allow":["192.0.2.0/24"],"trust_forwarded":true}}}`

func TestANetworkMayHaveItsEventsPosted(t *testing.T) {
	o := newOffice(t)
	made := o.do("POST", "/admin/networks", contactNetwork)
	require.Equal(t, 201, made.StatusCode, made.body)
	require.Contains(t, made.body, `"events":{"delivery":"http_contact","listen":":9443","public_url":"https://receiver.example.com/xsi","allow":["192.0.2.0/24"],"trust_forwarded":true}`)
	id := made.json(t)["network_id"].(string)
	n, _ := o.store.Network(id)
	require.Equal(t, tenant.Contact{Listen: ":9443", PublicURL: "https://receiver.example.com/xsi", Allow: []string{"192.0.2.0/24"}, TrustForwarded: true}, n.BroadWorks.Contact)

	require.Equal(t, 200, o.do("PATCH", "/admin/networks/"+id, `{"broadworks":{"events":{"listen":"127.0.0.1:9444","trust_forwarded":false}}}`).StatusCode)
	n, _ = o.store.Network(id)
	require.Equal(t, tenant.Contact{Listen: "127.0.0.1:9444", PublicURL: "https://receiver.example.com/xsi", Allow: []string{"192.0.2.0/24"}}, n.BroadWorks.Contact)

	require.Equal(t, 200, o.do("PATCH", "/admin/networks/"+id, `{"broadworks":{"events":{"delivery":"channel"}}}`).StatusCode)
	n, _ = o.store.Network(id)
	require.Equal(t, tenant.Contact{}, n.BroadWorks.Contact)
}

func TestContactsThatAreRefused(t *testing.T) {
	o := newOffice(t)
	for events, field := range map[string]string{
		`[]`:                          "broadworks.events",
		`{"delivery":"pigeon"}`:       "broadworks.events.delivery",
		`{"delivery":5}`:              "broadworks.events.delivery",
		`{"delivery":"http_contact"}`: "broadworks.events.public_url",
		`{"delivery":"http_contact","public_url":"https://r.example.com"}`:                                            "broadworks.events.allow",
		`{"delivery":"http_contact","public_url":"https://r.example.com","allow":"192.0.2.0/24"}`:                     "broadworks.events.allow",
		`{"delivery":"http_contact","public_url":"https://r.example.com","allow":["all"]}`:                            "broadworks.events.allow",
		`{"delivery":"http_contact","public_url":"https://r.example.com","allow":["::/0"],"listen":"x"}`:              "broadworks.events.listen",
		`{"delivery":"http_contact","public_url":"https://r.example.com","allow":["::/0"],"cert_file":"c"}`:           "broadworks.events.cert_file",
		`{"delivery":"http_contact","public_url":"https://r.example.com","allow":["::/0"],"trust_forwarded":"maybe"}`: "broadworks.events.trust_forwarded",
	} {
		o.do("PATCH", "/admin/networks/"+networkID, `{"broadworks":{"events":`+events+`}}`).wantProblem(t, 422, "invalid_field", field)
	}
	n, _ := o.store.Network(networkID)
	require.Equal(t, tenant.Contact{}, n.BroadWorks.Contact)
}

// rotations are contacts that note which got another path.
type rotations struct {
	of     []string
	refuse error
}

func (r *rotations) RotateContact(network string) error {
	r.of = append(r.of, network)
	return r.refuse
}

func TestASecretPathIsReplaced(t *testing.T) {
	r := &rotations{}
	o := newOffice(t, func(c *Config) { c.Contacts = r })
	for _, id := range []string{networkID, fileNet} { // one of the file too: nothing of the file changes
		o.do("POST", "/admin/networks/"+id+"/contact/rotate", "").want(t, 204, "")
	}
	o.do("POST", "/admin/networks/unknown/contact/rotate", "").wantProblem(t, 404, "not_found")
	require.Equal(t, []string{networkID, fileNet}, r.of)
	r.refuse = problem.New(engine.CodeConflict, "its events come over channels")
	o.do("POST", "/admin/networks/"+networkID+"/contact/rotate", "").wantProblem(t, 409, "conflict")
	newOffice(t).do("POST", "/admin/networks/"+networkID+"/contact/rotate", "").wantProblem(t, 409, "conflict")
}
