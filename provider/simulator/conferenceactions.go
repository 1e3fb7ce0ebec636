package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// conferenceActions answers what is below calls/Conference (dossier §1.4); mu
// is held. GET and DELETE are a guess there, and so are the refusals.
func (s *Simulator) conferenceActions(r *request) reply {
	p := r.phone
	if len(r.path) > 4 {
		return only(r, http.MethodPut, func() reply { return s.memberAction(r) })
	}
	switch r.Method {
	case http.MethodPost:
		return s.newConference(r)
	case http.MethodGet:
		if p.conf == nil {
			return refuse(RefusedNoConference)
		}
		return ok(p.conf.node("Conference"))
	case http.MethodDelete:
		if p.conf == nil {
			return refuse(RefusedNoConference)
		}
		s.accept(r, "endconference", func() {
			if p.conf != nil {
				s.releaseConference(p.conf)
			}
		})
		return reply{status: http.StatusOK}
	}
	return refuse(RefusedMethod)
}

// newConference joins calls of the user; a call named twice is one.
func (s *Simulator) newConference(r *request) reply {
	ids, read := readParticipants(r.body)
	if !read {
		return refuse(RefusedBody)
	}
	calls, why := s.participants(r.phone, ids)
	switch {
	case why != "":
		return refuse(why)
	case r.phone.conf != nil:
		return refuse(RefusedConference)
	case !canConfer(calls):
		return refuse(RefusedState)
	}
	s.accept(r, "conference", func() {
		if canConfer(calls) {
			s.startConference(calls)
		}
	})
	return reply{status: http.StatusCreated}
}

// participants finds p's calls by their ids.
func (s *Simulator) participants(p *phone, ids []string) (calls []*half, why Refusal) {
	seen := map[string]bool{}
	for _, id := range ids {
		h := s.calls[id]
		switch {
		case seen[id]:
			continue
		case h == nil || h.phone != p:
			return nil, RefusedUnknownCall
		}
		seen[id] = true
		calls = append(calls, h)
	}
	if len(calls) < minParticipants || len(calls) > s.cfg.MaxParticipants {
		return nil, RefusedParticipants
	}
	return calls, ""
}

// memberAction is PUT …/Conference/{callId}/{verb}.
func (s *Simulator) memberAction(r *request) reply {
	name := strings.ToLower(r.at(5))
	v, known := memberVerbs[name]
	if !known || len(r.path) > 6 {
		return refuse(RefusedUnknownPath)
	}
	h := s.calls[r.at(4)]
	switch {
	case h == nil || h.phone != r.phone:
		return refuse(RefusedUnknownCall)
	case h.conf == nil && r.phone.conf == nil:
		return refuse(RefusedNoConference)
	case h.conf == nil:
		return refuse(RefusedUnknownCall)
	case !v.can(h):
		return refuse(RefusedState)
	}
	s.accept(r, name, func() {
		if v.can(h) {
			v.do(s, h)
		}
	})
	return reply{status: http.StatusOK}
}

// readParticipants reads the call ids out of a Conference, in XML or JSON
// (dossier §1.3, §1.6).
func readParticipants(body []byte) (ids []string, ok bool) {
	if body = bytes.TrimSpace(body); len(body) > 0 && body[0] == '{' {
		var doc any
		if json.Unmarshal(body, &doc) != nil {
			return nil, false
		}
		return callIDs(doc, nil), true
	}
	var ask struct {
		CallIDs []string `xml:"conferenceParticipantList>conferenceParticipant>callId"`
	}
	if !decode(body, &ask) {
		return nil, false
	}
	for _, id := range ask.CallIDs {
		ids = append(ids, strings.TrimSpace(id))
	}
	return ids, true
}

// callIDs collects every callId of a JSON document, its text under "$" or bare.
func callIDs(doc any, ids []string) []string {
	switch doc := doc.(type) {
	case []any:
		for _, v := range doc {
			ids = callIDs(v, ids)
		}
	case map[string]any:
		for name, v := range doc {
			if name != "callId" {
				ids = callIDs(v, ids)
				continue
			}
			if inner, wrapped := v.(map[string]any); wrapped {
				v = inner["$"]
			}
			if id, text := v.(string); text {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
