package simulator

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// The request bodies of Xsi-Events. Any order of elements, and elements that
// do not belong there, are fine (dossier §3.3, §3.10).
type (
	channelRequest struct {
		SetID         string `xml:"channelSetId"`
		Priority      int    `xml:"priority"`
		Weight        int    `xml:"weight"`
		Expires       int64  `xml:"expires"`
		ApplicationID string `xml:"applicationId"`
	}
	subscriptionRequest struct {
		Event         string `xml:"event"`
		Expires       int64  `xml:"expires"`
		SetID         string `xml:"channelSetId"`
		ContactURI    string `xml:"httpContact>uri"`
		ApplicationID string `xml:"applicationId"`
	}
	eventResponse struct {
		EventID    string `xml:"eventID"`
		StatusCode int    `xml:"statusCode"`
	}
)

func decode(body []byte, into any) bool {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if is(label, "ISO-8859-1") {
			return charmap.ISO8859_1.NewDecoder().Reader(in), nil
		}
		return in, nil
	}
	return d.Decode(into) == nil
}

// events answers what is below com.broadsoft.xsi-events, but for the opening of
// a channel.
func (s *Simulator) events(r *request) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch strings.ToLower(r.at(0)) {
	case "channel":
		return s.channelRequests(r)
	case "channelset":
		return only(r, http.MethodGet, func() reply { return s.channelSetNode(r.at(1)) })
	case "subscription":
		return s.subscriptionRequests(r)
	case "user", "serviceprovider", "enterprise":
		return only(r, http.MethodPost, func() reply { return s.newSubscription(r) })
	}
	return refuse(RefusedUnknownPath)
}

func (s *Simulator) channelRequests(r *request) reply {
	if is(r.at(1), "eventresponse") {
		var ack eventResponse
		if r.Method != http.MethodPost {
			return refuse(RefusedMethod)
		}
		if !decode(r.body, &ack) {
			return refuse(RefusedBody)
		}
		if d := s.waiting[ack.EventID]; d != nil && elsewhere(d.on, r.x) {
			return refuse(RefusedElsewhere)
		}
		s.acknowledge(ack.EventID, ack.StatusCode)
		return reply{status: http.StatusOK}
	}
	ch := s.channels[r.at(1)]
	known := ch != nil
	switch {
	case elsewhere(ch, r.x):
		return refuse(RefusedElsewhere)
	case is(r.at(2), "heartbeat"):
		if r.Method != http.MethodPut {
			return refuse(RefusedMethod)
		}
		if !known {
			return refuse(RefusedUnknownChannel)
		}
		s.stats.Heartbeats++
		s.touch(ch)
		s.enqueue(ch, doc{bytes: heartbeat})
		return reply{status: http.StatusOK}
	case len(r.path) != 2:
		return refuse(RefusedUnknownPath)
	case !known:
		return refuse(RefusedChannelGone)
	case r.Method == http.MethodPut:
		var ask channelRequest
		if !decode(r.body, &ask) {
			return refuse(RefusedBody)
		}
		var seconds int64
		seconds, ch.expires = s.grant(ask.Expires)
		s.renewChannel(ch)
		return ok(el("Channel", textEl("channelId", ch.id), textEl("expires", itoa(seconds))))
	case r.Method == http.MethodDelete:
		s.endChannel(ch, reasonDelete)
		return reply{status: http.StatusOK}
	}
	return refuse(RefusedMethod)
}

func (s *Simulator) channelSetNode(id string) reply {
	set := s.sets[id]
	if set == nil {
		return refuse(RefusedUnknownSet)
	}
	n := el("ChannelSet", textEl("channelSetId", set.id))
	for _, ch := range set.channels {
		n.add(el("channel", textEl("channelId", ch.id), textEl("priority", itoa(int64(ch.priority))),
			textEl("weight", itoa(int64(ch.weight)))))
	}
	return ok(n)
}

func (s *Simulator) newSubscription(r *request) reply {
	sub := &subscription{owner: r.who.login}
	if why := s.target(r, sub); why != "" {
		return refuse(why)
	}
	var ask subscriptionRequest
	if !decode(r.body, &ask) {
		return refuse(RefusedBody)
	}
	var known bool
	if sub.event, known = knownPackage(strings.TrimSpace(ask.Event)); !known {
		return refuse(RefusedPackage)
	}
	switch {
	case ask.SetID == "" && ask.ContactURI != "": // with both the channel wins (dossier §3.3)
		if sub.contact = newContact(ask.ContactURI); sub.contact == nil {
			return refuse(RefusedBody)
		}
	case s.sets[ask.SetID] == nil:
		return refuse(RefusedUnknownSet)
	}
	sub.id, sub.appID, sub.setID = s.rnd.uuid(), ask.ApplicationID, ask.SetID
	var seconds int64
	seconds, sub.expires = s.grant(ask.Expires)
	if !s.subscribe(sub) {
		return refuse(RefusedQuota)
	}
	rep := ok(subscriptionNode(sub, seconds))
	before := s.cfg.SnapshotOrder == SnapshotBefore
	if s.cfg.SnapshotOrder == SnapshotEither {
		before = s.rnd.chance(0.5)
	}
	if before {
		s.snapshot(sub)
	} else {
		rep.then = func() { s.snapshot(sub) }
	}
	return rep
}

func subscriptionNode(sub *subscription, seconds int64) *node {
	return el("Subscription", textEl("subscriptionId", sub.id), textEl("expires", itoa(seconds)))
}

// target reads whose events are asked for out of the path (dossier §3.3).
func (s *Simulator) target(r *request, sub *subscription) Refusal {
	switch strings.ToLower(r.at(0)) {
	case "user":
		if r.phone != nil && r.phone.gone {
			return RefusedUnknownUser
		}
		if r.phone == nil || len(r.path) > 3 || len(r.path) == 3 && !is(r.at(2), "subscription") {
			return RefusedUnknownPath
		}
		sub.user = r.phone
		return ""
	case "serviceprovider":
		if len(r.path) == 4 && is(r.at(2), "group") {
			if sub.site = s.enterprise(r.at(1)).group(r.at(3)); sub.site == nil {
				return RefusedTarget
			}
			break
		}
		fallthrough
	default:
		if len(r.path) != 2 {
			return RefusedUnknownPath
		}
		if sub.org = s.enterprise(r.at(1)); sub.org == nil {
			return RefusedTarget
		}
	}
	if r.who.self != nil {
		return RefusedUser // only an administrator sees a whole group
	}
	return ""
}

func (s *Simulator) subscriptionRequests(r *request) reply {
	sub := s.subs[r.at(1)]
	if sub == nil {
		return refuse(RefusedSubscription)
	}
	if r.who.self != nil && sub.owner != r.who.login {
		return refuse(RefusedUser)
	}
	switch r.Method {
	case http.MethodGet:
		seconds := int64(maxExpires)
		if sub.expires > 0 {
			seconds = int64(sub.expires.Seconds())
		}
		n := subscriptionNode(sub, seconds)
		to := textEl("channelSetId", sub.setID)
		if sub.contact != nil {
			to = el("httpContact", textEl("uri", sub.contact.uri))
		}
		n.kids = []*node{n.kids[0], textEl("event", sub.event), n.kids[1], to, textEl("applicationId", sub.appID)}
		return ok(n)
	case http.MethodPut:
		var ask subscriptionRequest
		if !decode(r.body, &ask) {
			return refuse(RefusedBody)
		}
		var seconds int64
		seconds, sub.expires = s.grant(ask.Expires)
		s.expireLater(sub)
		s.stats.Renewed++
		rep := ok(subscriptionNode(sub, seconds))
		// Renewing issues the snapshot again (dossier §3.3).
		rep.then = func() { s.snapshot(sub) }
		return rep
	case http.MethodDelete:
		s.endSubscription(sub, true)
		return reply{status: http.StatusOK}
	}
	return refuse(RefusedMethod)
}
