package broadworks

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const head = `<?xml version="1.0" encoding="UTF-8"?>`

var xmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")

// expires is the life asked for, in seconds.
func (p *Provider) expires() string { return strconv.Itoa(int(p.cfg.Expires / time.Second)) }

func (p *Provider) applicationID() string {
	if p.cfg.Network.ApplicationID == "" {
		return ""
	}
	return "<applicationId>" + xmlEscaper.Replace(p.cfg.Network.ApplicationID) + "</applicationId>"
}

// channelBody is a Channel in the order of the schema (dossier §3.1).
func (p *Provider) channelBody() string {
	return head + `<Channel xmlns="http://schema.broadsoft.com/xsi"><channelSetId>` + xmlEscaper.Replace(p.channelSet()) +
		`</channelSetId><priority>1</priority><weight>50</weight><expires>` + p.expires() + `</expires>` + p.applicationID() + `</Channel>`
}

// subscriptionBody is a Subscription in the order of the schema (dossier §3.3).
func (p *Provider) subscriptionBody() string {
	to := ""
	if p.contact.on {
		p.mu.Lock()
		to = `<httpContact><uri>` + xmlEscaper.Replace(p.contactURI()) + `</uri></httpContact>`
		p.mu.Unlock()
	} else {
		to = `<channelSetId>` + xmlEscaper.Replace(p.channelSet()) + `</channelSetId>`
	}
	return head + `<Subscription xmlns="http://schema.broadsoft.com/xsi"><event>` + xmlEscaper.Replace(p.cfg.EventPackage) + `</event><expires>` + p.expires() +
		`</expires>` + to + p.applicationID() + `</Subscription>`
}

func (p *Provider) renewalBody() string {
	return head + `<Subscription xmlns="http://schema.broadsoft.com/xsi"><expires>` + p.expires() + `</expires></Subscription>`
}

func ackBody(eventID string, code int) string {
	reason := "OK"
	if code != 200 {
		reason = "UnknownSubscription"
	}
	return head + `<EventResponse xmlns="http://schema.broadsoft.com/xsi"><eventID>` + xmlEscaper.Replace(eventID) +
		`</eventID><statusCode>` + strconv.Itoa(code) + `</statusCode><reason>` + reason + `</reason></EventResponse>`
}

// channelSet is the id of our channel set, the same from start to start: a new
// one would end the channels of the old.
func (p *Provider) channelSet() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.set != "" {
		return p.set
	}
	if value, err := p.cfg.Memory.Get(targetSet); err == nil {
		if p.set = decodeRemembered(value).ID; p.set != "" {
			return p.set
		}
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	p.set = fmt.Sprintf("offhook-%x", b)
	if err := p.cfg.Memory.Put(targetSet, remembered{ID: p.set}.encode()); err != nil {
		p.cfg.Log.Error("channel set not remembered", "err", err)
	}
	return p.set
}
