package simulator

import (
	"net"
	"time"

	"offhook/provider/simulator/oci"
)

// ServeOCI answers OCI-P on ln until Close. It returns nil then.
func (s *Simulator) ServeOCI(ln net.Listener) error { return s.oci.Serve(ln) }

// ServeReporting tells every change of the people to whoever connects to ln,
// until Close. It returns nil then.
func (s *Simulator) ServeReporting(ln net.Listener) error { return s.oci.ServeReporting(ln) }

// provisioning is the switch as its OCI servers see it.
type provisioning struct{ s *Simulator }

var _ oci.People = provisioning{}

func (v provisioning) Providers() []oci.Provider {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	all := make([]oci.Provider, len(v.s.enterprises))
	for i, e := range v.s.enterprises {
		all[i] = oci.Provider{ID: e.id, Enterprise: true}
	}
	return all
}

func (v provisioning) Groups(provider string) ([]string, bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	e := v.s.enterprise(provider)
	if e == nil {
		return nil, false
	}
	all := make([]string, len(e.groups))
	for i, g := range e.groups {
		all[i] = g.name
	}
	return all, true
}

func (v provisioning) Users(provider, name string) ([]oci.Person, bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	e := v.s.enterprise(provider)
	if e == nil {
		return nil, false
	}
	groups := e.groups
	if name != "" {
		g := e.group(name)
		if g == nil {
			return nil, false
		}
		groups = []*group{g}
	}
	n := 0
	for _, g := range groups {
		n += len(g.phones)
	}
	all := make([]oci.Person, 0, n)
	for _, g := range groups {
		for _, p := range g.phones {
			all = append(all, p.person())
		}
	}
	return all, true
}

func (v provisioning) User(id string) (oci.Person, bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if p := v.s.phoneOf(id); p != nil {
		return p.person(), true
	}
	return oci.Person{}, false
}

func (p *phone) person() oci.Person {
	return oci.Person{
		UserID: p.SubscriberID, FirstName: p.FirstName, LastName: p.LastName, Number: p.SubscriberNumber,
		Extension: p.Extension, Department: p.department, Provider: p.Enterprise, Group: p.Group,
	}
}

// Change implements oci.People.
func (v provisioning) Change(c oci.Change, w oci.Write) *oci.Error {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	do, err := v.s.plan(&c)
	if err != nil {
		return err
	}
	do()
	v.s.tell(w)
	return nil
}

// Struck implements oci.People.
func (v provisioning) Struck(kind oci.Fault) (time.Duration, bool) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if kind == oci.Down && (v.s.closed || time.Now().Before(v.s.downUntil)) {
		return 0, true
	}
	return v.s.struckOCI(kind)
}

func (s *Simulator) struckOCI(kind oci.Fault) (time.Duration, bool) {
	if len(s.faults) == 0 {
		return 0, false
	}
	f := s.struck(string(kind), nil, "", nil)
	if f == nil {
		return 0, false
	}
	return f.delay, true
}

// tell hands an accepted write to the feed, the way the faults in force let it
// go. mu is held: the feed has the order of the changes.
func (s *Simulator) tell(w oci.Write) {
	how := oci.How{Copies: 1}
	if len(s.faults) > 0 {
		if _, twice := s.struckOCI(oci.DoubleReport); twice {
			how.Copies = 2
		}
		if _, lost := s.struckOCI(oci.LoseReport); lost {
			how.Copies = 0
		}
		if most, late := s.struckOCI(oci.DelayReport); late {
			how.Delay = s.rnd.between(most/4, most)
		}
		_, how.Split = s.struckOCI(oci.SplitReport)
		_, how.Garbage = s.struckOCI(oci.GarbageReport)
	}
	s.oci.Report(w, how)
}
