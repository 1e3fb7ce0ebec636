package broadworks

import (
	"net/http"
	"strings"
	"sync"
)

// jar holds the cookies of one interface of an XSP. They pin us to the node
// that holds our channel when a load balancer stands before several (dossier
// §3.2).
//
// Paths and the Secure mark are not looked at: the channel's cookie names
// another path than the channel's own (dossier §3.1), and a jar is for one host
// and one interface alone. Each interface has its own, since both are
// applications of their own to the XSP and call their sessions the same: the
// session of a command says nothing about where the channel is.
type jar struct {
	mu      sync.Mutex
	cookies []*http.Cookie
	header  string // Cookie, as it is sent; empty without any
}

// maxCookies bounds what one interface of an XSP may make us hold.
const maxCookies = 16

// jarOf is the jar of the interface that a request is for.
func (p *Provider) jarOf(x *xsp, path string) *jar {
	if rest, ok := strings.CutPrefix(path, p.cfg.Network.ActionsPath); ok && (rest == "" || rest[0] == '/') {
		return &x.actions
	}
	return &x.events
}

// sign puts the login and the cookies on a request.
func (j *jar) sign(req *http.Request, header string) {
	req.Header.Set("Authorization", header)
	if cookie := j.cookie(); cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
}

// cookie is what the header Cookie of a request says.
func (j *jar) cookie() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.header
}

// learn keeps the cookies of an answer. A request that left without a cookie
// that we have by now met any node: the one we have stays, unless what was
// opened is the channel.
func (j *jar) learn(res *http.Response, channel bool) {
	cookies := res.Cookies()
	if len(cookies) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		at := j.index(c.Name)
		if at >= 0 && !channel {
			if _, err := res.Request.Cookie(c.Name); err != nil {
				continue
			}
		}
		switch {
		case c.MaxAge < 0: // it is taken back
			if at >= 0 {
				j.cookies = append(j.cookies[:at], j.cookies[at+1:]...)
			}
		case at >= 0:
			j.cookies[at] = c
		case len(j.cookies) < maxCookies:
			j.cookies = append(j.cookies, c)
		}
	}
	req := http.Request{Header: http.Header{}}
	for _, c := range j.cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) // #nosec G124 -- a cookie that is sent, and has no attributes
	}
	j.header = req.Header.Get("Cookie")
}

func (j *jar) index(name string) int {
	for i, c := range j.cookies {
		if c.Name == name {
			return i
		}
	}
	return -1
}
