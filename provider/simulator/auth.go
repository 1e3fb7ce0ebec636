package simulator

import (
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

// identity is who asks: the administrator, or one subscriber (dossier §1.2).
type identity struct {
	login string // as the owner of subscriptions is told
	self  *phone // nil for the administrator
}

func (id identity) mayActFor(p *phone) bool { return id.self == nil || id.self == p }

// identify reads Basic credentials. A space behind the token is forgiven, as
// one monitoring client sends it (dossier §3.10, 6).
func (s *Simulator) identify(r *http.Request) (identity, bool) {
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return identity{}, false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(token))
	if err != nil {
		return identity{}, false
	}
	user, password, _ := strings.Cut(string(raw), ":")
	if strings.EqualFold(user, s.cfg.Username) {
		return identity{login: s.cfg.Username}, same(password, s.cfg.Password)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phoneOf(user)
	if p == nil || !same(password, s.cfg.UserPassword) {
		return identity{}, false
	}
	return identity{login: p.SubscriberID, self: p}, true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
