package oci

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider"
)

const password = "Gr\u00fcn-s3cret"

// peer is a platform of the test's own making. It shares nothing with the
// client: it looks for closing tags, and composes its answers by hand.
type peer struct {
	mu       sync.Mutex
	groups   []string            // of the service provider acme
	users    map[string][]string // group → rows of cells, with | between them
	lacks    []string            // requests this release does not have
	scope    string              // of the login, as elements
	right    string              // the password it takes
	cap      int                 // the largest page
	say      func(name, doc string) (answer string, handled bool)
	write    func(c net.Conn, answer []byte) bool // the way bytes go out; false closes
	headings string                               // of users
	down     bool

	connects, logins int
	asked            []string // names of requests, in order
	wg               sync.WaitGroup
	once             sync.Once
}

const groupHeadings = "User Id|Last Name|First Name|Department|Phone Number|Phone Number Activated|Email Address|In Trunk Group|Extension|Country Code"

func row(user, last, first, department, number, extension string) string {
	return strings.Join([]string{user, last, first, department, number, "true", "x@example.com", "false", extension, "1"}, "|")
}

func newPeer() *peer {
	return &peer{
		right: password, cap: 1000, headings: groupHeadings, groups: []string{"north", "south"},
		users: map[string][]string{
			"north": {
				row("anna@example.com", "Archer", "Anna", "Sales", "+1-2015550100", "1001"),
				row("miguel@example.com", "Mu\u00f1oz", "Miguel", `Sales \ West`, "2015550101", "1002"),
			},
			"south": {row("lukasz@example.com", "Walker &amp; Sons", "&#321;ukasz", "", "", "1003")},
		},
	}
}

// dial is the network: every call is a new connection to the peer.
func (p *peer) dial(context.Context, string, string) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errors.New("connection refused")
	}
	p.connects++
	ours, theirs := net.Pipe()
	p.wg.Go(func() {
		defer ours.Close()
		p.serve(ours)
	})
	return theirs, nil
}

var (
	nameOf    = regexp.MustCompile(`<command xsi:type="(\w+)"`)
	sessionOf = regexp.MustCompile(`<sessionId xmlns="">([^<]+)</sessionId>`)
)

func (p *peer) serve(c net.Conn) {
	var buf []byte
	chunk := make([]byte, 1000)
	for {
		n, err := c.Read(chunk)
		buf = append(buf, chunk[:n]...)
		if end := bytes.Index(buf, []byte("</BroadsoftDocument>\n")); end >= 0 {
			doc := string(buf[:end])
			buf = buf[end+len("</BroadsoftDocument>\n"):]
			if !p.answer(c, doc) {
				return
			}
			continue
		}
		if err != nil {
			return
		}
	}
}

func (p *peer) answer(c net.Conn, doc string) bool {
	name, session := nameOf.FindStringSubmatch(doc)[1], sessionOf.FindStringSubmatch(doc)[1]
	p.mu.Lock()
	p.asked = append(p.asked, name)
	var answer string
	handled := false
	if p.say != nil {
		answer, handled = p.say(name, doc)
	}
	if !handled {
		answer = wrap(session, p.reply(name, doc))
	}
	write := p.write
	p.mu.Unlock()
	answer = strings.ReplaceAll(answer, "SESSION", session)
	if write != nil {
		return write(c, latin(answer))
	}
	if answer == "" {
		return false
	}
	_, err := c.Write(latin(answer))
	return err == nil
}

// latin is ISO-8859-1, as the platform sends it.
func latin(s string) []byte {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

const open = `<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`

func wrap(session, command string) string {
	return `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n" + open + `<sessionId xmlns="">` + session + `</sessionId>` + command + "</BroadsoftDocument>\n"
}

func answer(kind, fields string) string {
	return `<command echo="" xsi:type="` + kind + `" xmlns="">` + fields + `</command>`
}

func refusal(code int, text string) string {
	return fmt.Sprintf(`<command type="Error" echo="" xsi:type="c:ErrorResponse" xmlns:c="C" xmlns=""><summary>[Error %d] %s</summary><summaryEnglish>[Error %d] %s</summaryEnglish></command>`,
		code, text, code, text)
}

func asTable(name, headings string, rows []string) string {
	b := "<" + name + ">"
	for _, h := range strings.Split(headings, "|") {
		b += "<colHeading>" + h + "</colHeading>"
	}
	for _, r := range rows {
		b += "<row>"
		for _, c := range strings.Split(r, "|") {
			b += "<col>" + c + "</col>"
		}
		b += "</row>"
	}
	return b + "</" + name + ">"
}

func field(doc, name string) string {
	_, rest, _ := strings.Cut(doc, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

const nonce = "1416586235811"

func (p *peer) reply(name, doc string) string {
	if slices.Contains(p.lacks, name) {
		return refusal(4000, "Unknown request")
	}
	response := strings.Replace(name, "Request", "Response", 1)
	switch name {
	case "AuthenticationRequest":
		return answer(response, "<userId>admin</userId><nonce>"+nonce+"</nonce><passwordAlgorithm>MD5</passwordAlgorithm>")
	case "LoginRequest14sp4", "LoginRequest22V3":
		p.logins++
		sha := sha1.Sum(latin(p.right))
		sum := md5.Sum([]byte(nonce + ":" + hex.EncodeToString(sha[:])))
		if field(doc, "signedPassword") != hex.EncodeToString(sum[:]) && field(doc, "password") != string(latin(p.right)) {
			return refusal(4962, "Invalid password for admin")
		}
		return answer(response, "<loginType>System</loginType><locale>en_US</locale><encoding>ISO-8859-1</encoding>"+p.scope+"<isEnterprise>false</isEnterprise><passwordExpiresDays>2147483647</passwordExpiresDays><userDomain>example.com</userDomain>")
	case "ServiceProviderGetListRequest":
		return answer(response, asTable("serviceProviderTable", "Service Provider Id|Is Enterprise", []string{"acme|true"}))
	case "GroupGetListInServiceProviderRequest":
		return answer(response, asTable("groupTable", "Group Id|Group Name|User Limit", strings.Split(strings.Join(p.groups, "||10\x00")+"||10", "\x00")))
	case "UserGetListInGroupPagedSortedListRequest":
		start, _ := strconv.Atoi(field(doc, "responseStartIndex"))
		size, _ := strconv.Atoi(field(doc, "responsePageSize"))
		all := p.users[field(doc, "groupId")]
		from := min(start-1, len(all))
		return answer(response, asTable("userTable", p.headings, all[from:min(len(all), from+min(size, p.cap))]))
	case "UserGetListInGroupRequest":
		return answer(response, asTable("userTable", p.headings, p.users[field(doc, "GroupId")]))
	case "UserGetListInServiceProviderRequest":
		var rows []string
		for _, g := range p.groups {
			for _, r := range p.users[g] {
				rows = append(rows, g+"|"+r)
			}
		}
		return answer(response, asTable("userTable", "Group Id|"+p.headings, rows))
	}
	if strings.HasPrefix(name, "UserGetRequest") {
		for _, g := range p.groups {
			for _, r := range p.users[g] {
				c := strings.Split(r, "|")
				if c[0] == field(doc, "userId") {
					number := strings.TrimPrefix(c[4], "+1-")
					return answer(response, "<serviceProviderId>acme</serviceProviderId><groupId>"+g+"</groupId><lastName>"+c[1]+"</lastName><firstName>"+c[2]+
						"</firstName><phoneNumber>"+number+"</phoneNumber><extension>"+c[8]+"</extension><departmentFullPath>"+c[3]+"</departmentFullPath><countryCode>1</countryCode>")
				}
			}
		}
		return refusal(4008, "User not found: "+field(doc, "userId"))
	}
	return refusal(4000, "Unknown request")
}

// source is a Source of the peer's users.
func (p *peer) source(t *testing.T, change func(*Config)) *Source {
	t.Helper()
	cfg := Config{
		Network: "n", CountryCode: "1", Dial: p.dial, Random: func() float64 { return 0.5 },
		OCI: tenant.OCI{Address: "as.example.com:2208", Username: "admin", Password: password},
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	p.once.Do(func() { t.Cleanup(p.wg.Wait) }) // after all sources are closed
	t.Cleanup(s.client.close)
	return s
}

func (p *peer) count(name string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.asked {
		if a == name {
			n++
		}
	}
	return n
}

func (p *peer) set(change func(p *peer)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func list(t *testing.T, s *Source) ([]provider.Entry, error) {
	t.Helper()
	var all []provider.Entry
	err := s.List(t.Context(), func(e provider.Entry) error {
		all = append(all, e)
		return nil
	})
	return all, err
}

func users(all []provider.Entry) (ids []string) {
	for _, e := range all {
		ids = append(ids, e.User)
	}
	return ids
}

// logged is a log to look for what must not be in it.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

var _ io.Writer = (*logged)(nil)

// ago is how long ago something was, in whole seconds.
func ago(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }
