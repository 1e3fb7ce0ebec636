package simulator

import (
	"errors"

	"offhook/provider/simulator/oci"
)

// peopleSteps are the steps that change who there is. What cannot be, as a
// number somebody has, shows when the step is played.
var peopleSteps = map[string]func(a args) (func(*player) error, error){
	"add-user":          addUserStep,
	"change-user":       changeUserStep,
	"rename-user":       renameUserStep,
	"delete-user":       deleteStep(oci.DeleteUser),
	"delete-group":      deleteStep(oci.DeleteGroup),
	"delete-enterprise": deleteStep(oci.DeleteProvider),
}

const personWords = "first last number extension department"

// ask reads what a step says of a user.
func (a args) ask() (ask personAsk) {
	for name, to := range map[string]**string{
		"first": &ask.FirstName, "last": &ask.LastName, "number": &ask.SubscriberNumber,
		"extension": &ask.Extension, "department": &ask.Department, "group": &ask.Group,
	} {
		if v, said := a.named[name]; said {
			*to = &v
		}
	}
	return ask
}

func addUserStep(a args) (func(*player) error, error) {
	err := a.want(1, "first last", personWords+" group enterprise")
	return func(p *player) error {
		ask := a.ask()
		c := oci.Change{Op: oci.AddUser, Provider: enterpriseName, Group: "site-1", UserID: userID(a.plain[0]), Set: ask.values()}
		for name, to := range map[string]*string{"enterprise": &c.Provider, "group": &c.Group} {
			if v := a.named[name]; v != "" {
				*to = v
			}
		}
		return asStep(p.sim.addWithPlace(c))
	}, err
}

func changeUserStep(a args) (func(*player) error, error) {
	err := a.want(1, "", personWords+" group")
	if err == nil && len(a.named) == 0 {
		err = errors.New("nothing is changed")
	}
	return func(p *player) error {
		ph, err := p.phone(a.plain[0])
		if err != nil {
			return err
		}
		ask := a.ask()
		return asStep(p.sim.apply(p.sim.cfg.OCI.Username, ask.changes(ph.SubscriberID)...))
	}, err
}

func renameUserStep(a args) (func(*player) error, error) {
	err := a.want(1, "to", "")
	return func(p *player) error {
		return asStep(p.sim.apply(p.sim.cfg.OCI.Username,
			oci.Change{Op: oci.RenameUser, UserID: userID(a.plain[0]), NewID: userID(a.named["to"])}))
	}, err
}

func deleteStep(op oci.Op) func(args) (func(*player) error, error) {
	return func(a args) (func(*player) error, error) {
		allowed := ""
		if op == oci.DeleteGroup {
			allowed = "enterprise"
		}
		err := a.want(1, "", allowed)
		return func(p *player) error {
			c := oci.Change{Op: op, Provider: enterpriseName}
			switch op {
			case oci.DeleteUser:
				c.UserID = userID(a.plain[0])
			case oci.DeleteGroup:
				c.Group = a.plain[0]
				if v := a.named["enterprise"]; v != "" {
					c.Provider = v
				}
			default:
				c.Provider = a.plain[0]
			}
			return asStep(p.sim.apply(p.sim.cfg.OCI.Username, c))
		}, err
	}
}

// asStep is a refusal free of names and numbers, as a step's error is.
func asStep(err *oci.Error) error {
	switch {
	case err == nil:
		return nil
	case err.Reason == oci.NotFound:
		return errors.New("no such subscriber, group or enterprise")
	case err.Reason == oci.Exists:
		return errors.New("that is somebody's already")
	case err.Reason == oci.TooMany:
		return errors.New("there are too many")
	}
	return errors.New(err.Field + " is none a switch can have")
}
