package oci

import (
	"context"
	"crypto/md5"  // #nosec G501 -- the platform asks for it
	"crypto/sha1" // #nosec G505 -- the platform asks for it
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"offhook/engine/tenant"
)

// scope is what a login may see: everything, one service provider or
// enterprise, or one group of it.
type scope struct{ serviceProvider, group string }

// logIn makes a connection a session (dossier §4.1). tried says that the
// password, or what was made of it, was sent.
func (c *client) logIn(ctx context.Context, s *session) (tried bool, err error) {
	o := &c.cfg.OCI
	ask := func(r *request) (*command, error) {
		a, _, err := s.ask(ctx, r, c.cfg.Login)
		return a, err
	}
	var login *request
	if o.Login == tenant.OCILoginPlain {
		login = newRequest("LoginRequest22V3").text("userId", o.Username).text("password", o.Password)
	} else {
		a, err := ask(newRequest("AuthenticationRequest").text("userId", o.Username))
		if err != nil {
			return errors.As(err, new(*Refused)), err
		}
		if how := a.fields["passwordAlgorithm"]; how != "" && !strings.EqualFold(how, "MD5") {
			return false, fmt.Errorf("the platform wants another signature than MD5; perhaps login: %s", tenant.OCILoginPlain)
		}
		login = newRequest("LoginRequest14sp4").text("userId", o.Username).text("signedPassword", signature(a.fields["nonce"], o.Password))
	}
	a, err := ask(login)
	if err != nil {
		return true, err
	}
	s.scope = scope{a.fields["serviceProviderId"], a.fields["groupId"]}
	if days, err := strconv.Atoi(a.fields["passwordExpiresDays"]); err == nil && days >= 0 && days <= 14 && time.Since(c.warned) > 24*time.Hour {
		c.warned = time.Now()
		c.cfg.Log.Warn("the password for OCI-P expires soon", "days", days)
	}
	return true, nil
}

// signature is what a client makes of a nonce and its password. The platform
// compares the bytes it would have made of ISO-8859-1.
func signature(nonce, password string) string {
	inner := sha1.Sum(latin1(password))                                  // #nosec G401 -- the platform asks for it
	outer := md5.Sum([]byte(nonce + ":" + hex.EncodeToString(inner[:]))) // #nosec G401 -- the platform asks for it
	return hex.EncodeToString(outer[:])
}

// latin1 is s in ISO-8859-1, or as it is where that cannot say it.
func latin1(s string) []byte {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return []byte(s)
		}
		b = append(b, byte(r)) // #nosec G115 -- looked at just before
	}
	return b
}
