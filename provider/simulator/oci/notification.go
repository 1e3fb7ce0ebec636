package oci

import (
	"bytes"
	"strconv"
	"strings"
)

// Write is an accepted write as the feed tells it.
type Write struct {
	User      string // who asked
	LoginType string
	Session   string // of OCI-P; empty where somebody asked otherwise
	command   *element
	userID    string
}

// Made is a change that nobody asked for through OCI-P, as the write that would
// have made it.
func Made(c Change, by string) Write {
	w := Write{User: by, LoginType: "System", command: c.request(), userID: c.UserID}
	if c.Op == RenameUser {
		w.userID = c.NewID
	}
	return w
}

const (
	declaration  = `<?xml version="1.0" encoding="ISO-8859-1"?>`
	feedOpen     = `<BroadsoftOCIReportingDocument protocol="OCIReporting" xmlns:xsi="` + schemaInstance + `">`
	feedClose    = `</BroadsoftOCIReportingDocument>`
	statusSymbol = `<command xsi:type="OCIReportingServerStatusNotification"/>`
)

// notification is one document of the feed: the declaration line, then the
// document on one line, or on several (dossier §4.2).
func (s *Server) notification(w *Write, id int64) []byte {
	altered := false
	command := *w.command
	command.space = noSpace
	if s.cfg.Reporting.AlterPasswords {
		command.kids, altered = masked(command.kids)
	}
	nl := ""
	if s.cfg.Reporting.Lines {
		nl = "\r\n"
	}
	var inner bytes.Buffer
	inner.WriteString(declaration + nl + `<BroadsoftDocument protocol="OCI" xmlns="C" xmlns:xsi="` + schemaInstance + `">` + nl)
	who := &element{name: "userId", text: w.User, space: noSpace}
	if w.Session != "" {
		who.name, who.text = "sessionId", w.Session
	}
	inner.Write(spread(who.append(nil), nl))
	inner.Write(spread(command.append(nil), nl))
	inner.WriteString("</BroadsoftDocument>")

	b := []byte(declaration + "\n" + feedOpen + nl)
	b = append(b, `<command xsi:type="OCIReportingReportNotification">`+nl...)
	for _, e := range []*element{text("id", "write"+strconv.FormatInt(id, 10)), text("userId", w.User), text("loginType", w.LoginType)} {
		b = append(e.append(b), nl...)
	}
	// Nothing inside can end the section: a ">" is always written as &gt;.
	b = append(append(append(b, "<request>"+nl+"<![CDATA["...), inner.Bytes()...), "]]>"+nl+"</request>"+nl...)
	if altered {
		b = append(b, "<isAltered>true</isAltered>"+nl...)
	}
	b = append(b, "</command>"+nl...)
	if s.cfg.Reporting.PublicIdentity && w.userID != "" {
		b = append(b, `<command xsi:type="OCIReportingReportPublicIdentityNotification">`+nl...)
		b = append(el("modifiedUser", text("userId", w.userID), text("addedSipURI", w.userID)).append(b), nl+"</command>"+nl...)
	}
	return append(b, feedClose+"\n"...)
}

// spread gives each child of an element a line, where documents have several.
func spread(e []byte, nl string) []byte {
	if nl == "" {
		return e
	}
	return append(bytes.ReplaceAll(e, []byte("><"), []byte(">"+nl+"    <")), nl...)
}

// masked is a copy of elements whose credentials are taken out.
func masked(kids []*element) (out []*element, altered bool) {
	for _, k := range kids {
		c := *k
		name := strings.ToLower(k.name)
		if (strings.Contains(name, "password") || strings.Contains(name, "passcode")) && len(k.kids) == 0 && !k.null {
			c.text, altered = "******", true
		}
		inner, below := masked(k.kids)
		c.kids, altered = inner, altered || below
		out = append(out, &c)
	}
	return out, altered
}

// status is a keep-alive.
func (s *Server) status() []byte {
	return []byte(declaration + "\n" + feedOpen + statusSymbol + feedClose + "\n")
}

// garbage is a document nobody can make sense of; mu is held.
func (s *Server) garbage() []byte {
	switch s.rnd.IntN(3) {
	case 0: // well-formed, and of no known kind
		return []byte(declaration + "\n" + feedOpen + `<command xsi:type="OCIReportingWeatherNotification"><sky>grey</sky></command>` + feedClose + "\n")
	case 1: // not well-formed, but it ends
		return []byte(declaration + "\n" + feedOpen + `<command xsi:type="OCIReportingReportNotification"><id>write&&</idd>` + feedClose + "\n")
	}
	// What is inside the notification is no document.
	return []byte(declaration + "\n" + feedOpen + `<command xsi:type="OCIReportingReportNotification"><id>write1</id><userId>admin</userId>` +
		`<loginType>System</loginType><request><![CDATA[<BroadsoftDocument><command>]]></request></command>` + feedClose + "\n")
}
