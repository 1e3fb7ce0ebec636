package adminapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Contacts are the HTTP contacts of the networks that run.
type Contacts interface {
	// RotateContact gives a network's contact another secret path, and has its
	// subscriptions made again. It refuses with a problem.
	RotateContact(network string) error
}

// eventsView is how events come, as in the config file. The secret path is not
// shown: whoever has it can invent events.
type eventsView struct {
	Delivery       string   `json:"delivery"`
	Listen         string   `json:"listen,omitempty"`
	PublicURL      string   `json:"public_url,omitempty"`
	CertFile       string   `json:"cert_file,omitempty"`
	KeyFile        string   `json:"key_file,omitempty"`
	Allow          []string `json:"allow,omitempty"`
	TrustForwarded bool     `json:"trust_forwarded,omitempty"`
}

const (
	deliverChannel = "channel"
	deliverContact = "http_contact"
)

func viewEvents(c *tenant.Contact) eventsView {
	if c.Listen == "" {
		return eventsView{Delivery: deliverChannel}
	}
	return eventsView{
		Delivery: deliverContact, Listen: c.Listen, PublicURL: c.PublicURL, CertFile: c.CertFile, KeyFile: c.KeyFile,
		Allow: c.Allow, TrustForwarded: c.TrustForwarded,
	}
}

// applyEvents sets how events come. Channels need nothing else.
func applyEvents(c *tenant.Contact, doc web.Object) error {
	delivery := viewEvents(c).Delivery
	if err := setText(doc, "delivery", &delivery); err != nil {
		return err
	}
	switch delivery {
	case deliverChannel:
		*c = tenant.Contact{}
		return nil
	case deliverContact:
	default:
		return problem.Invalid("broadworks.events.delivery", "must be channel or http_contact")
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"listen", &c.Listen}, {"public_url", &c.PublicURL}, {"cert_file", &c.CertFile}, {"key_file", &c.KeyFile}} {
		if err := setText(doc, f.name, f.to); err != nil {
			return err
		}
	}
	if err := setTexts(doc, "allow", &c.Allow); err != nil {
		return err
	}
	if doc.Has("trust_forwarded") {
		trust, err := doc.Bool("trust_forwarded")
		if err != nil {
			return err
		}
		c.TrustForwarded = trust
	}
	if c.Listen == "" {
		c.Listen = tenant.DefaultContactListen
	}
	if setting, why := c.Fault(); setting != "" {
		return problem.Invalid("broadworks.events."+setting, why)
	}
	return nil
}

func (s *Server) rotateContact(ctx *fasthttp.RequestCtx) error {
	n, err := s.network(ctx)
	if err != nil {
		return err
	}
	if s.config.Contacts == nil {
		return problem.New(engine.CodeConflict, "no networks run here")
	}
	if err := s.config.Contacts.RotateContact(n.ID); err != nil {
		return err
	}
	ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
