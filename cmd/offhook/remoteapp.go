package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type appCmd struct {
	List   appListCmd   `cmd:"" help:"List the apps."`
	Show   appShowCmd   `cmd:"" help:"Show an app, its webhooks and its keys."`
	Create appCreateCmd `cmd:"" help:"Make an app. Its key is shown this once."`
	Delete appDeleteCmd `cmd:"" help:"Delete an app, its keys and its links."`
	Key    appKeyCmd    `cmd:"" help:"Keys of an app."`
}

type appListCmd struct {
	remote
	listFlag
}

func (c *appListCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		return printList(p, c.JSON, a.ListApps(ctx, client.Page{}), c.Limit, []string{"APP", "NAME", "KEYS", "CALLS WEBHOOK", "CREATED"}, func(i client.AppInfo) []string {
			hook := ""
			if i.CallsWebhook != nil {
				hook = i.CallsWebhook.URL
			}
			return []string{i.AppID, i.Name, strconv.Itoa(len(i.Keys)), hook, moment(i.CreatedAt)}
		})
	})
}

type appShowCmd struct {
	remote
	App string `arg:"" help:"Its id."`
}

func (c *appShowCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		i, err := a.GetApp(ctx, c.App)
		if err != nil || c.JSON {
			return shown(p, err, i)
		}
		all := []fact{{"app", i.AppID}, {"name", i.Name}, {"created", moment(i.CreatedAt)}}
		if i.CallsWebhook != nil {
			all = append(all, fact{"calls webhook", i.CallsWebhook.URL})
		}
		if i.SubscriberWebhook != nil {
			all = append(all, fact{"subscriber webhook", i.SubscriberWebhook.URL})
		}
		for _, k := range i.Keys {
			all = append(all, fact{"key " + k.KeyID, strings.Join(k.Scopes, " ") + ", of " + moment(k.CreatedAt)})
		}
		return facts(p.stdout, all...)
	})
}

// shown prints a value as JSON, unless there is an error.
func shown(p *program, err error, v any) error {
	if err != nil {
		return err
	}
	return printJSON(p.stdout, v)
}

type appCreateCmd struct {
	remote
	Name           string `arg:"" help:"For people."`
	ID             string `name:"id" help:"Its id; one is made up if it is left out." placeholder:"ID"`
	CallsURL       string `name:"calls-url" help:"Where events of calls are sent." placeholder:"URL"`
	SubscribersURL string `name:"subscriber-url" help:"Where events of subscribers are sent." placeholder:"URL"`
}

func (c *appCreateCmd) Run(p *program) error {
	n := client.NewApp{AppID: c.ID, Name: c.Name}
	if c.CallsURL != "" {
		n.CallsWebhook = &client.AppHook{URL: c.CallsURL}
	}
	if c.SubscribersURL != "" {
		n.SubscriberWebhook = &client.AppHook{URL: c.SubscribersURL}
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		made, err := a.CreateApp(ctx, n)
		if err != nil || c.JSON {
			return shown(p, err, made)
		}
		all := []fact{{"app", made.AppID}, {"name", made.Name}, {"api key", made.APIKey}}
		if made.CallsWebhook != nil {
			all = append(all, fact{"calls webhook secret", made.CallsWebhook.Secret})
		}
		if made.SubscriberWebhook != nil {
			all = append(all, fact{"subscriber webhook secret", made.SubscriberWebhook.Secret})
		}
		if err := facts(p.stdout, all...); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stderr, "keep the key and the secrets: they are not shown again")
		return err
	})
}

type appDeleteCmd struct {
	remote
	App string `arg:"" help:"Its id."`
}

func (c *appDeleteCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.DeleteApp(ctx, c.App); err != nil {
			return err
		}
		return p.did(c.JSON, "deleted", c.App)
	})
}

type appKeyCmd struct {
	Add    keyAddCmd    `cmd:"" help:"Make a key. It is shown this once."`
	Remove keyRemoveCmd `cmd:"" help:"Revoke a key."`
}

type keyAddCmd struct {
	remote
	App   string   `arg:"" help:"The app."`
	Scope []string `help:"What it opens (${enum}); all if left out." enum:"calls:read,calls:control" placeholder:"SCOPE"`
}

func (c *keyAddCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		k, err := a.CreateKey(ctx, c.App, c.Scope...)
		if err != nil || c.JSON {
			return shown(p, err, k)
		}
		return facts(p.stdout, fact{"key", k.KeyID}, fact{"api key", k.APIKey}, fact{"scopes", strings.Join(k.Scopes, " ")})
	})
}

type keyRemoveCmd struct {
	remote
	App string `arg:"" help:"The app."`
	Key string `arg:"" help:"The key's id, as “app show” lists it."`
}

func (c *keyRemoveCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		if err := a.DeleteKey(ctx, c.App, c.Key); err != nil {
			return err
		}
		return p.did(c.JSON, "revoked", c.Key)
	})
}
