package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type subscriberCmd struct {
	List   subscriberListCmd   `cmd:"" help:"List or search the subscribers."`
	Show   subscriberShowCmd   `cmd:"" help:"Show a subscriber, and how it stands at its platform."`
	Put    subscriberPutCmd    `cmd:"" help:"Provision a subscriber. What is left out is empty."`
	Delete subscriberDeleteCmd `cmd:"" help:"Delete a subscriber."`
	Link   subscriberLinkCmd   `cmd:"" help:"Let an app follow a subscriber."`
	Unlink subscriberUnlinkCmd `cmd:"" help:"End that."`
	Import subscriberImportCmd `cmd:"" help:"Provision many subscribers: a JSON object in each line."`
}

type subscriberListCmd struct {
	viewFlag
	listFlag
	Search string `arg:"" optional:"" help:"Words that an id, number, extension, name or account must all have."`
}

func (c *subscriberListCmd) Run(p *program) error {
	if c.ofApp(p) {
		if c.Search != "" {
			return usage("SEARCH", "is for the operator; an app lists all of its subscribers")
		}
		return c.withApp(p, func(ctx context.Context, a *client.App) error {
			return printList(p, c.JSON, a.ListSubscribers(ctx, client.Page{}), c.Limit, []string{"SUBSCRIBER", "NUMBER", "NAME", "NETWORK"}, func(s client.Subscriber) []string {
				return []string{s.SubscriberID, s.SubscriberNumber, s.SubscriberName, s.NetworkID}
			})
		})
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		list := a.ListSubscribers(ctx, c.Search, client.Page{})
		return printList(p, c.JSON, list, c.Limit, []string{"SUBSCRIBER", "NUMBER", "NAME", "NETWORK", "APPS"}, func(s client.ProvisionedSubscriber) []string {
			return []string{s.SubscriberID, s.SubscriberNumber, s.SubscriberName, s.NetworkID, strconv.Itoa(len(s.Apps))}
		})
	})
}

type subscriberShowCmd struct {
	viewFlag
	Subscriber string `arg:"" help:"Its id."`
}

func (c *subscriberShowCmd) Run(p *program) error {
	if c.ofApp(p) {
		return c.withApp(p, func(ctx context.Context, a *client.App) error {
			s, err := a.GetSubscriber(ctx, c.Subscriber)
			if err != nil || c.JSON {
				return shown(p, err, s)
			}
			return facts(p.stdout, fact{"subscriber", s.SubscriberID}, fact{"number", s.SubscriberNumber}, fact{"name", s.SubscriberName},
				fact{"account", s.SubscriberAccountID}, fact{"network", s.NetworkID})
		})
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		s, err := a.GetSubscriber(ctx, c.Subscriber)
		return c.print(p, s, err)
	})
}

func (r *remote) print(p *program, s client.ProvisionedSubscriber, err error) error {
	if err != nil || r.JSON {
		return shown(p, err, s)
	}
	all := []fact{
		{"subscriber", s.SubscriberID}, {"number", s.SubscriberNumber}, {"name", s.SubscriberName}, {"account", s.SubscriberAccountID},
		{"network", s.NetworkID}, {"provider's user", s.ProviderUserID}, {"extension", s.Extension}, {"apps", strings.Join(s.Apps, " ")},
		{"in the log", s.LogID},
	}
	if at := s.ProviderStatus; at != nil {
		all = append(all, fact{"at the platform", strings.TrimSpace(at.State + " " + at.Detail)})
	}
	return facts(p.stdout, all...)
}

type subscriberPutCmd struct {
	remote
	Subscriber   string `arg:"" help:"Its id."`
	Number       string `required:"" help:"Its number, E.164." placeholder:"NUMBER"`
	Network      string `required:"" help:"The network it is on." placeholder:"ID"`
	Name         string `help:"For people." placeholder:"NAME"`
	Account      string `help:"Your own id of it." placeholder:"ID"`
	ProviderUser string `help:"The platform's user, if that is not the id." placeholder:"USER"`
	Extension    string `help:"Its extension." placeholder:"DIGITS"`
}

func (c *subscriberPutCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		s, err := a.PutSubscriber(ctx, c.Subscriber, client.SubscriberProfile{
			SubscriberNumber: c.Number, SubscriberName: c.Name, SubscriberAccountID: c.Account,
			NetworkID: c.Network, ProviderUserID: c.ProviderUser, Extension: c.Extension,
		})
		return c.print(p, s, err)
	})
}

type subscriberDeleteCmd struct {
	remote
	Subscriber string `arg:"" help:"Its id."`
}

func (c *subscriberDeleteCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.DeleteSubscriber(ctx, c.Subscriber); err != nil {
			return err
		}
		return p.did(c.JSON, "deleted", c.Subscriber)
	})
}

type pair struct {
	remote
	App        string `arg:"" help:"The app."`
	Subscriber string `arg:"" help:"The subscriber."`
}

type subscriberLinkCmd struct{ pair }

func (c *subscriberLinkCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.LinkSubscriber(ctx, c.App, c.Subscriber); err != nil {
			return err
		}
		return p.did(c.JSON, "linked", c.Subscriber)
	})
}

type subscriberUnlinkCmd struct{ pair }

func (c *subscriberUnlinkCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.UnlinkSubscriber(ctx, c.App, c.Subscriber); err != nil {
			return err
		}
		return p.did(c.JSON, "unlinked", c.Subscriber)
	})
}

type subscriberImportCmd struct {
	remote
	File string `arg:"" help:"NDJSON; “-” is standard input."`
}

func (c *subscriberImportCmd) Run(p *program) error {
	in, err := p.open("FILE", c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		// Another reader type, so that the file is not sent with a length.
		r, err := a.ProvisionSubscribers(ctx, struct{ io.Reader }{in})
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(p.stdout, r)
		} else {
			err = printBulk(p.stdout, r)
		}
		if n := len(r.Failed) + r.FailedOmitted; err == nil && n > 0 {
			return fmt.Errorf("%d lines were not carried out", n)
		}
		return err
	})
}

func printBulk(w io.Writer, r client.BulkResult) error {
	for _, f := range r.Failed {
		if _, err := fmt.Fprintf(w, "line %d: %s (%s)\n", f.Line, clean(f.Detail), clean(f.Code)); err != nil {
			return err
		}
	}
	if r.FailedOmitted > 0 {
		if _, err := fmt.Fprintf(w, "and %d lines more\n", r.FailedOmitted); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d created, %d updated, %d failed\n", r.Created, r.Updated, len(r.Failed)+r.FailedOmitted)
	return err
}
