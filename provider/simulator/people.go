package simulator

import (
	"strings"

	"offhook/provider/simulator/oci"
)

// What the platform holds at most, and how long its words are.
const (
	maxEnterprises = 1000
	maxGroups      = 10_000 // of one enterprise
	maxUserID      = 161
	maxWord        = 80
)

// plan looks at a change of the people and returns what makes it; nothing is
// changed before that is called. mu is held, and stays so between the two.
func (s *Simulator) plan(c *oci.Change) (do func(), err *oci.Error) {
	if len(c.Provider) > maxWord || len(c.Group) > maxWord {
		return nil, oci.Refuse("group", "the id is too long")
	}
	switch c.Op {
	case oci.AddUser:
		return s.planAdd(c)
	case oci.AddGroup, oci.DeleteGroup, oci.AddProvider, oci.DeleteProvider:
		return s.planPlace(c)
	}
	p := s.phoneOf(c.UserID)
	if p == nil {
		return nil, oci.NoUser(c.UserID)
	}
	switch c.Op {
	case oci.ModifyUser:
		if err := s.check(p, &c.Set); err != nil {
			return nil, err
		}
		return func() { s.set(p, &c.Set) }, nil
	case oci.RenameUser:
		if err := s.free(p, c.NewID); err != nil {
			return nil, err
		}
		return func() { s.rename(p, c.NewID) }, nil
	case oci.MoveUser:
		g := p.group.of.group(c.NewID)
		if g == nil {
			return nil, oci.NoGroup(c.NewID)
		}
		return func() { s.moveTo(p, g) }, nil
	case oci.DeleteUser:
		return func() { s.leave(p); s.remove(p) }, nil
	}
	return nil, oci.Refuse("", "no such change")
}

func (s *Simulator) planAdd(c *oci.Change) (func(), *oci.Error) {
	e := s.enterprise(c.Provider)
	if e == nil {
		return nil, oci.NoProvider(c.Provider)
	}
	g := e.group(c.Group)
	if g == nil {
		return nil, oci.NoGroup(c.Group)
	}
	if len(s.phones) >= maxSubscribers {
		return nil, oci.Full("users")
	}
	p := &phone{group: g}
	if err := s.free(p, c.UserID); err != nil {
		return nil, err
	}
	if err := s.check(p, &c.Set); err != nil {
		return nil, err
	}
	return func() {
		p.SubscriberID, p.key = c.UserID, strings.ToLower(c.UserID)
		p.Enterprise, p.Group = e.id, g.name
		p.SubscriberAccountID = p.Enterprise + "/" + p.Group
		s.install(p, g)
		s.set(p, &c.Set)
	}, nil
}

// planPlace is about a group or an enterprise.
func (s *Simulator) planPlace(c *oci.Change) (func(), *oci.Error) {
	e := s.enterprise(c.Provider)
	if c.Op == oci.AddProvider {
		switch {
		case c.Provider == "":
			return nil, oci.Refuse("enterprise", "the id is missing")
		case e != nil:
			return nil, oci.Taken("enterprise", c.Provider)
		case len(s.enterprises) >= maxEnterprises:
			return nil, oci.Full("enterprises")
		}
		return func() { s.enterprises = append(s.enterprises, &enterprise{id: c.Provider}) }, nil
	}
	if e == nil {
		return nil, oci.NoProvider(c.Provider)
	}
	g := e.group(c.Group)
	switch {
	case c.Op == oci.DeleteProvider:
		return func() { s.removeEnterprise(e) }, nil
	case c.Op == oci.DeleteGroup && g == nil:
		return nil, oci.NoGroup(c.Group)
	case c.Op == oci.DeleteGroup:
		return func() { s.removeGroup(g) }, nil
	case c.Group == "":
		return nil, oci.Refuse("group", "the id is missing")
	case g != nil:
		return nil, oci.Taken("group", c.Group)
	case len(e.groups) >= maxGroups:
		return nil, oci.Full("groups")
	}
	return func() { e.groups = append(e.groups, &group{name: c.Group, of: e}) }, nil
}

// free reports whether p may have a user id.
func (s *Simulator) free(p *phone, id string) *oci.Error {
	user, host, at := strings.Cut(id, "@")
	if !at || user == "" || host == "" || len(id) > maxUserID || strings.ContainsAny(id, " \t\r\n<>&\"/?#%") {
		return oci.Refuse("subscriber_id", "is a user id like anna@example.com")
	}
	if other := s.phoneOf(id); other != nil && other != p {
		return oci.Taken("subscriber_id", "the user id")
	}
	return nil
}

// check looks at what is to be said of p.
func (s *Simulator) check(p *phone, v *oci.Values) *oci.Error {
	for _, w := range []struct {
		field string
		v     *string
	}{{"first_name", v.FirstName}, {"last_name", v.LastName}, {"department", v.Department}} {
		if w.v != nil && len(*w.v) > maxWord {
			return oci.Refuse(w.field, "is too long")
		}
	}
	for _, w := range []struct {
		field, prefix string
		most          int
		v             *string
	}{{"subscriber_number", "+", 15, v.Number}, {"extension", "", 20, v.Extension}} {
		if w.v == nil || *w.v == "" {
			continue
		}
		digits, prefixed := strings.CutPrefix(*w.v, w.prefix)
		if !prefixed || len(digits) < 2 || len(digits) > w.most || strings.Trim(digits, "0123456789") != "" {
			return oci.Refuse(w.field, "is no number; a subscriber's is in E.164, an extension has digits alone")
		}
		if other := s.byDigits[digits]; other != nil && other != p {
			return oci.Taken(w.field, "the number")
		}
	}
	return nil
}

// set says it of p, past check.
func (s *Simulator) set(p *phone, v *oci.Values) {
	s.unreach(p)
	for _, w := range []struct{ to, v *string }{
		{&p.FirstName, v.FirstName}, {&p.LastName, v.LastName}, {&p.SubscriberNumber, v.Number},
		{&p.Extension, v.Extension}, {&p.department, v.Department},
	} {
		if w.v != nil {
			*w.to = *w.v
		}
	}
	p.SubscriberName = strings.TrimSpace(p.FirstName + " " + p.LastName)
	s.reachBy(p)
}

// apply plans changes, and when all are possible makes them one after the other
// and tells the feed of each. mu is held. A later one is not about what an
// earlier one makes.
func (s *Simulator) apply(by string, changes ...oci.Change) *oci.Error {
	plans := make([]func(), len(changes))
	for i := range changes {
		var err *oci.Error
		if plans[i], err = s.plan(&changes[i]); err != nil {
			return err
		}
	}
	for i, do := range plans {
		do()
		s.tell(oci.Made(changes[i], by)) // #nosec G602 -- as long as plans, which is made from it
	}
	return nil
}
