package simulator

import (
	"net/http"

	"offhook/provider/simulator/oci"
)

// personView is a subscriber as provisioned.
type personView struct {
	Phone
	Department string `json:"department"`
}

func (p *phone) personView() personView { return personView{p.Phone, p.department} }

// enterpriseView is an enterprise with how many subscribers each group has.
type enterpriseView struct {
	Enterprise string      `json:"enterprise"`
	Groups     []groupView `json:"groups"`
}

type groupView struct {
	Group       string `json:"group"`
	Subscribers int    `json:"subscribers"`
}

// controlPeople answers /simulator/people and /simulator/enterprises: who
// subscribers are, where /simulator/phones is how their phones behave.
func (s *Simulator) controlPeople(r *http.Request, words []string, pick func(string, map[string]handler) (int, any, error)) (int, any, error) {
	people := words[0] == "people"
	switch n := len(words); {
	case people && n == 1:
		return pick("GET, POST", map[string]handler{
			http.MethodGet:  func() (int, any, error) { return http.StatusOK, s.personViews(), nil },
			http.MethodPost: func() (int, any, error) { return s.addPerson(r) },
		})
	case people && n == 2:
		return pick("DELETE, GET, PATCH", map[string]handler{
			http.MethodGet:    func() (int, any, error) { return s.changePerson(words[1], nil) },
			http.MethodPatch:  func() (int, any, error) { return s.changePerson(words[1], r) },
			http.MethodDelete: func() (int, any, error) { return s.takeAway(oci.Change{Op: oci.DeleteUser, UserID: words[1]}) },
		})
	case !people && n == 1:
		return pick("GET", map[string]handler{
			http.MethodGet: func() (int, any, error) { return http.StatusOK, s.enterpriseViews(), nil },
		})
	case !people && n == 2:
		return pick("DELETE", map[string]handler{
			http.MethodDelete: func() (int, any, error) { return s.takeAway(oci.Change{Op: oci.DeleteProvider, Provider: words[1]}) },
		})
	case !people && n == 4 && words[2] == "groups":
		return pick("DELETE", map[string]handler{
			http.MethodDelete: func() (int, any, error) {
				return s.takeAway(oci.Change{Op: oci.DeleteGroup, Provider: words[1], Group: words[3]})
			},
		})
	}
	return 0, nil, notFound("path")
}

func (s *Simulator) personViews() []personView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]personView, len(s.phones))
	for i, p := range s.phones {
		all[i] = p.personView()
	}
	return all
}

func (s *Simulator) enterpriseViews() []enterpriseView {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]enterpriseView, len(s.enterprises))
	for i, e := range s.enterprises {
		all[i] = enterpriseView{Enterprise: e.id, Groups: make([]groupView, len(e.groups))}
		for j, g := range e.groups {
			all[i].Groups[j] = groupView{Group: g.name, Subscribers: len(g.phones)}
		}
	}
	return all
}

// personAsk is what may be said of a subscriber; what is left out stays, and
// "" takes a number, an extension or a department away.
type personAsk struct {
	SubscriberID     *string `json:"subscriber_id"`
	FirstName        *string `json:"first_name"`
	LastName         *string `json:"last_name"`
	SubscriberNumber *string `json:"subscriber_number"`
	Extension        *string `json:"extension"`
	Department       *string `json:"department"`
	Enterprise       *string `json:"enterprise"`
	Group            *string `json:"group"`
}

func (a *personAsk) values() oci.Values {
	return oci.Values{FirstName: a.FirstName, LastName: a.LastName, Number: a.SubscriberNumber, Extension: a.Extension, Department: a.Department}
}

func (s *Simulator) addPerson(r *http.Request) (int, any, error) {
	var ask personAsk
	if err := readJSON(r, &ask); err != nil {
		return 0, nil, err
	}
	c := oci.Change{Op: oci.AddUser, Provider: enterpriseName, Group: "site-1", Set: ask.values()}
	for _, f := range []struct{ to, from *string }{{&c.UserID, ask.SubscriberID}, {&c.Provider, ask.Enterprise}, {&c.Group, ask.Group}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.addWithPlace(c); err != nil {
		return 0, nil, ociProblem(err)
	}
	return http.StatusCreated, s.phoneOf(c.UserID).personView(), nil
}

// addWithPlace adds a user, and the enterprise and the group where they are
// not there yet. mu is held.
func (s *Simulator) addWithPlace(c oci.Change) *oci.Error {
	if err := s.free(nil, c.UserID); err != nil {
		return err
	}
	if err := s.check(nil, &c.Set); err != nil {
		return err
	}
	if s.enterprise(c.Provider) == nil {
		if err := s.apply(s.cfg.OCI.Username, oci.Change{Op: oci.AddProvider, Provider: c.Provider}); err != nil {
			return err
		}
	}
	if s.enterprise(c.Provider).group(c.Group) == nil {
		if err := s.apply(s.cfg.OCI.Username, oci.Change{Op: oci.AddGroup, Provider: c.Provider, Group: c.Group}); err != nil {
			return err
		}
	}
	return s.apply(s.cfg.OCI.Username, c)
}

// changePerson reads a subscriber, or changes who that is. A subscriber_id is
// another user id, a group another one of the same enterprise.
func (s *Simulator) changePerson(id string, patch *http.Request) (int, any, error) {
	var ask personAsk
	if patch != nil {
		if err := readJSON(patch, &ask); err != nil {
			return 0, nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.phoneOf(id)
	if p == nil {
		return 0, nil, notFound("subscriber")
	}
	if patch == nil {
		return http.StatusOK, p.personView(), nil
	}
	if ask.Enterprise != nil && !is(*ask.Enterprise, p.Enterprise) {
		return 0, nil, invalid("enterprise", "a subscriber stays in its enterprise")
	}
	if err := s.apply(s.cfg.OCI.Username, ask.changes(p.SubscriberID)...); err != nil {
		return 0, nil, ociProblem(err)
	}
	return http.StatusOK, p.personView(), nil
}

// changes is a PATCH as the writes that make it; the id comes last, since the
// others name it.
func (a *personAsk) changes(id string) (all []oci.Change) {
	if v := a.values(); v != (oci.Values{}) {
		all = append(all, oci.Change{Op: oci.ModifyUser, UserID: id, Set: v})
	}
	if a.Group != nil {
		all = append(all, oci.Change{Op: oci.MoveUser, UserID: id, NewID: *a.Group})
	}
	if a.SubscriberID != nil && *a.SubscriberID != id {
		all = append(all, oci.Change{Op: oci.RenameUser, UserID: id, NewID: *a.SubscriberID})
	}
	return all
}

func (s *Simulator) takeAway(c oci.Change) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.apply(s.cfg.OCI.Username, c); err != nil {
		return 0, nil, ociProblem(err)
	}
	return http.StatusNoContent, nil, nil
}

// ociProblem is a refusal of provisioning as the control paths tell it.
func ociProblem(err *oci.Error) error {
	switch err.Reason {
	case oci.NotFound:
		p := notFound("subscriber, group or enterprise")
		return p
	case oci.Exists, oci.TooMany:
		p := refusal(http.StatusConflict, "conflict", err.Text)
		p.Field = err.Field
		return p
	}
	return invalid(err.Field, err.Text)
}
