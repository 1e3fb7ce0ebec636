package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"offhook/transport/client"
)

// networkSettings are how a network is reached and dialled. A flag that is not
// given says nothing; an empty one empties.
type networkSettings struct {
	File string `help:"The settings as the API takes them, a JSON object, for those that have no flag; “-” is standard input. Flags win over it." placeholder:"FILE"`

	Xsp           []string `sep:"none" help:"An XSP's URL; can be repeated." placeholder:"URL"`
	Srv           *string  `help:"In their place: the SRV record that names them." placeholder:"NAME"`
	Username      *string  `help:"The account at the platform." placeholder:"NAME"`
	PasswordFile  string   `help:"Its password is in this file; “-” is standard input." placeholder:"FILE"`
	ApplicationID *string  `name:"application-id" help:"What offhook calls itself there." placeholder:"ID"`
	XspCAFile     *string  `name:"xsp-ca-file" help:"Trust these authorities (PEM, on the server) for the XSPs." placeholder:"FILE"`
	Subscribe     string   `help:"Subscribe by user, group or enterprise." enum:",user,group,enterprise" default:"" placeholder:"BY"`
	Target        []string `sep:"none" help:"Of this enterprise, service provider or group, as “ENTERPRISE”, “provider/” or “provider/group”; can be repeated." placeholder:"TARGET"`
	Without       []string `help:"A capability that the platform does not have; can be repeated." placeholder:"VERB"`
	Events        string   `help:"How events come: channel or http_contact." enum:",channel,http_contact" default:"" placeholder:"HOW"`
	ContactListen *string  `help:"The address for http_contact." placeholder:"ADDR"`
	ContactURL    *string  `name:"contact-url" help:"Where the platform finds it." placeholder:"URL"`
	ContactAllow  []string `help:"An XSP's address or network; can be repeated." placeholder:"NET"`

	CountryCode      *string  `help:"What numbers without + begin with, as 1." placeholder:"DIGITS"`
	Allow            []string `help:"Numbers with this beginning may be called, no others; can be repeated." placeholder:"PREFIX"`
	Deny             []string `help:"Numbers with this beginning may not be called; can be repeated." placeholder:"PREFIX"`
	ParkRetrieveCode *string  `help:"The feature code that takes a parked call back; *88 if left out." placeholder:"CODE"`
}

// object is the settings as the API takes them.
func (s *networkSettings) object(p *program) (map[string]any, error) {
	all := map[string]any{}
	if err := onlyOnce(s.File, s.PasswordFile); err != nil {
		return nil, err
	}
	if s.File != "" {
		text, err := p.whole("--file", s.File)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewBufferString(text))
		d.UseNumber()
		if err := d.Decode(&all); err != nil || all == nil {
			return nil, usage("--file", "%s must have one JSON object", s.File) // the error would show what is in it
		}
		if _, err := d.Token(); !errors.Is(err, io.EOF) {
			return nil, usage("--file", "%s must have one JSON object, and no more", s.File)
		}
	}
	password, err := p.secretOf("--password-file", s.PasswordFile)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		at  string
		is  any
		set bool
	}{
		{"broadworks.xsps", s.Xsp, s.Xsp != nil},
		{"broadworks.srv", s.Srv, s.Srv != nil},
		{"broadworks.username", s.Username, s.Username != nil},
		{"broadworks.password", password, password != ""},
		{"broadworks.application_id", s.ApplicationID, s.ApplicationID != nil},
		{"broadworks.ca_file", s.XspCAFile, s.XspCAFile != nil},
		{"broadworks.subscribe", s.Subscribe, s.Subscribe != ""},
		{"broadworks.targets", targets(s.Target), s.Target != nil},
		{"broadworks.without", s.Without, s.Without != nil},
		{"broadworks.events.delivery", s.Events, s.Events != ""},
		{"broadworks.events.listen", s.ContactListen, s.ContactListen != nil},
		{"broadworks.events.public_url", s.ContactURL, s.ContactURL != nil},
		{"broadworks.events.allow", s.ContactAllow, s.ContactAllow != nil},
		{"dialing.country_code", s.CountryCode, s.CountryCode != nil},
		{"dialing.allow", s.Allow, s.Allow != nil},
		{"dialing.deny", s.Deny, s.Deny != nil},
		{"dialing.park_retrieve_code", s.ParkRetrieveCode, s.ParkRetrieveCode != nil},
	} {
		if f.set && !place(all, f.at, f.is) {
			return nil, usage("--file", "%s: %s is no object", s.File, f.at[:strings.LastIndex(f.at, ".")])
		}
	}
	return all, nil
}

// place sets a member by its path. It reports whether all on the way are
// objects.
func place(in map[string]any, path string, v any) bool {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		in[name] = v
		return true
	}
	if in[name] == nil {
		in[name] = map[string]any{}
	}
	next, ok := in[name].(map[string]any)
	return ok && place(next, rest, v)
}

func targets(all []string) []map[string]string {
	list := make([]map[string]string, 0, len(all))
	for _, t := range all {
		provider, group, is := strings.Cut(t, "/")
		switch {
		case !is:
			list = append(list, map[string]string{"enterprise": t})
		case group == "":
			list = append(list, map[string]string{"service_provider": provider})
		default:
			list = append(list, map[string]string{"service_provider": provider, "group": group})
		}
	}
	return list
}

type networkCreateCmd struct {
	remote
	idFlag
	networkSettings
	ID       string `name:"id" help:"Its id; one is made up if it is left out." placeholder:"ID"`
	Provider string `help:"What kind of platform it is; broadworks if left out." placeholder:"KIND"`
}

func (c *networkCreateCmd) Run(p *program) error {
	all, err := c.object(p)
	if err != nil {
		return err
	}
	if c.ID != "" {
		all["network_id"] = c.ID
	}
	if c.Provider != "" {
		all["provider"] = c.Provider
	} else if all["provider"] == nil {
		all["provider"] = "broadworks"
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		n, err := a.Idempotent(c.IdempotencyKey).CreateNetwork(ctx, text)
		return printNetwork(p, c.JSON, n, err)
	})
}

type networkSetCmd struct {
	remote
	networkSettings
	Network string `arg:"" help:"Its id."`
}

func (c *networkSetCmd) Run(p *program) error {
	all, err := c.object(p)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errNothing
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		n, err := a.PatchNetwork(ctx, c.Network, text)
		return printNetwork(p, c.JSON, n, err)
	})
}

type networkArg struct {
	remote
	Network string `arg:"" help:"Its id."`
}

type networkDeleteCmd struct{ networkArg }

func (c *networkDeleteCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.DeleteNetwork(ctx, c.Network); err != nil {
			return err
		}
		return p.did(c.JSON, "deleted", c.Network)
	})
}

type networkRotateContactCmd struct {
	networkArg
	idFlag
}

func (c *networkRotateContactCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.Idempotent(c.IdempotencyKey).RotateContact(ctx, c.Network); err != nil {
			return err
		}
		return p.did(c.JSON, "rotated", c.Network)
	})
}

type networkConfirmCmd struct{ networkArg }

func (c *networkConfirmCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.ConfirmProvisioning(ctx, c.Network); err != nil {
			return err
		}
		return p.did(c.JSON, "confirmed", c.Network)
	})
}
