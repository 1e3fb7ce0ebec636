package oci

import (
	"crypto/md5"  // #nosec G501 -- the platform asks for it
	"crypto/sha1" // #nosec G505 -- the platform asks for it
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// logins are the requests that need no login.
var logins = map[string]func(*session, *element) (*element, *Error){
	"AuthenticationRequest": (*session).authenticate,
	"LoginRequest":          (*session).logIn,
	"LogoutRequest":         (*session).logOut,
}

// lock counts the wrong passwords of one user id.
type lock struct {
	failures int
	until    time.Time
}

// authenticate is the first step: a nonce, good for one login. Who does not
// exist is told in the second.
func (c *session) authenticate(cmd *element) (*element, *Error) {
	c.nonces = cmd.get("userId")
	c.s.mu.Lock()
	c.nonce = strconv.FormatUint(c.s.rnd.Uint64()|1<<63, 10)
	c.s.mu.Unlock()
	return reply(cmd, "AuthenticationResponse", text("userId", c.nonces),
		text("nonce", c.nonce), text("passwordAlgorithm", "MD5")), nil
}

// logIn is the second step: LoginRequest14sp4 with a signed password, or
// LoginRequest22V2 and V3 with a plain one (dossier §4.1).
func (c *session) logIn(cmd *element) (*element, *Error) {
	user := cmd.get("userId")
	signed := cmd.get("signedPassword")
	plain := cmd.get("password")
	if k := cmd.kid("plainTextPassword"); k != nil {
		plain = k.text
	}
	nonce := c.nonce
	c.nonce = ""
	if !strings.EqualFold(c.nonces, user) {
		nonce = ""
	}
	right := strings.EqualFold(user, c.s.cfg.Username)
	switch _, release := cutSuffix(cmd.kind); {
	case signed != "" && release < 22:
		right = right && nonce != "" && same(signed, sign(nonce, c.s.cfg.Password))
	default:
		right = right && same(plain, c.s.cfg.Password)
	}
	if err := c.s.tried(user, right); err != nil {
		return nil, err
	}
	c.login = user
	return reply(cmd, strings.Replace(cmd.kind, "Request", "Response", 1),
		text("loginType", "System"), text("locale", "en_US"), text("encoding", "ISO-8859-1"),
		text("isEnterprise", "false"), text("passwordExpiresDays", "2147483647"), text("userDomain", c.s.cfg.Domain)), nil
}

func (c *session) logOut(cmd *element) (*element, *Error) {
	c.login = ""
	return success(cmd), nil
}

// sign is what a client makes of a nonce and its password.
func sign(nonce, password string) string {
	inner := sha1.Sum([]byte(password))                                  // #nosec G401 -- the platform asks for it
	outer := md5.Sum([]byte(nonce + ":" + hex.EncodeToString(inner[:]))) // #nosec G401 -- the platform asks for it
	return hex.EncodeToString(outer[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// tried counts a login. Wrong ones lock the user out for a while, right ones
// are forgotten wrong ones. Only the administrator's are counted: nobody else
// can log in.
func (s *Server) tried(user string, right bool) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(user)
	l := s.failures[key]
	if l == nil {
		l = &lock{}
	}
	if time.Now().Before(l.until) {
		s.stats.LoginFailures++
		return &Error{Code: 4963, Reason: Denied, Text: "The login is locked: " + user}
	}
	if right {
		delete(s.failures, key)
		s.stats.Logins++
		return nil
	}
	s.stats.LoginFailures++
	if strings.EqualFold(user, s.cfg.Username) && s.cfg.MaxLoginFailures > 0 {
		if l.failures++; l.failures >= s.cfg.MaxLoginFailures {
			l.failures, l.until = 0, time.Now().Add(s.cfg.LockedFor)
		}
		s.failures[key] = l
	}
	return &Error{Code: 4962, Reason: Denied, Text: "Invalid password"}
}
