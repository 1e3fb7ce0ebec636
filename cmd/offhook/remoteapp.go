package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type appCmd struct {
	List   appListCmd   `cmd:"" help:"List the apps."`
	Show   appShowCmd   `cmd:"" help:"Show an app, its webhooks and its keys."`
	Create appCreateCmd `cmd:"" help:"Make an app. Its key is shown this once."`
	Set    appSetCmd    `cmd:"" help:"Change what is given of an app. The secret of a new webhook is shown this once."`
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
		return printApp(p, c.JSON, i, err)
	})
}

func printApp(p *program, asJSON bool, i client.AppInfo, err error) error {
	if err != nil || asJSON {
		return shown(p, err, i)
	}
	all := []fact{{"app", i.AppID}, {"name", i.Name}, {"created", moment(i.CreatedAt)}, {"challenges new URLs", strconv.FormatBool(i.Challenge)}}
	secrets := false
	for _, h := range []struct {
		name string
		hook *client.AppHook
	}{{"calls webhook", i.CallsWebhook}, {"subscriber webhook", i.SubscriberWebhook}} {
		if h.hook == nil {
			continue
		}
		all = append(all, fact{h.name, h.hook.URL})
		if h.hook.Secret != "" {
			all, secrets = append(all, fact{h.name + " secret", h.hook.Secret}), true
		}
	}
	for _, k := range i.Keys {
		all = append(all, fact{"key " + k.KeyID, strings.Join(k.Scopes, " ") + ", of " + moment(k.CreatedAt)})
	}
	if err := facts(p.stdout, all...); err != nil || !secrets {
		return err
	}
	return p.keep("the secret")
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
	idFlag
	Name           string `arg:"" help:"For people."`
	ID             string `name:"id" help:"Its id; one is made up if it is left out." placeholder:"ID"`
	CallsURL       string `name:"calls-url" help:"Where events of calls are sent." placeholder:"URL"`
	SubscribersURL string `name:"subscriber-url" help:"Where events of subscribers are sent." placeholder:"URL"`
	Challenge      bool   `help:"A new URL of a webhook must answer a challenge."`
}

func (c *appCreateCmd) Run(p *program) error {
	n := client.NewApp{AppID: c.ID, Name: c.Name, Challenge: c.Challenge}
	if c.CallsURL != "" {
		n.CallsWebhook = &client.AppHook{URL: c.CallsURL}
	}
	if c.SubscribersURL != "" {
		n.SubscriberWebhook = &client.AppHook{URL: c.SubscribersURL}
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		made, err := a.Idempotent(c.IdempotencyKey).CreateApp(ctx, n)
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

type appSetCmd struct {
	remote
	App              string `arg:"" help:"Its id."`
	Name             string `help:"For people." placeholder:"NAME"`
	Challenge        *bool  `negatable:"" help:"A new URL of a webhook must answer a challenge."`
	CallsURL         string `name:"calls-url" xor:"calls" help:"Where events of calls are sent." placeholder:"URL"`
	SubscribersURL   string `name:"subscriber-url" xor:"subscribers" help:"Where events of subscribers are sent." placeholder:"URL"`
	RemoveCalls      bool   `name:"no-calls-url" xor:"calls" help:"Remove the webhook of calls."`
	RemoveSubscriber bool   `name:"no-subscriber-url" xor:"subscribers" help:"Remove the webhook of subscribers."`
}

func (c *appSetCmd) Run(p *program) error {
	changes := map[string]any{}
	if c.Name != "" {
		changes["name"] = c.Name
	}
	if c.Challenge != nil {
		changes["challenge"] = *c.Challenge
	}
	for _, h := range []struct {
		member, url string
		remove      bool
	}{{"calls_webhook", c.CallsURL, c.RemoveCalls}, {"subscriber_webhook", c.SubscribersURL, c.RemoveSubscriber}} {
		if h.url != "" {
			changes[h.member] = client.AppHook{URL: h.url}
		} else if h.remove {
			changes[h.member] = nil
		}
	}
	if len(changes) == 0 {
		return errNothing
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		i, err := a.PatchApp(ctx, c.App, changes)
		return printApp(p, c.JSON, i, err)
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
	Rotate keyRotateCmd `cmd:"" help:"Make a key that opens what another does, and goes in its place. It is shown this once."`
	Remove keyRemoveCmd `cmd:"" aliases:"delete" help:"Revoke a key."`
}

type keyAddCmd struct {
	remote
	idFlag
	App   string   `arg:"" help:"The app."`
	Scope []string `help:"What it opens (${enum}); all if left out." enum:"calls:read,calls:control" placeholder:"SCOPE"`
}

func (c *keyAddCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		k, err := a.Idempotent(c.IdempotencyKey).CreateKey(ctx, c.App, c.Scope...)
		return printKey(p, c.JSON, k, err)
	})
}

func printKey(p *program, asJSON bool, k client.CreatedKey, err error) error {
	if err != nil || asJSON {
		return shown(p, err, k)
	}
	if err := facts(p.stdout, fact{"key", k.KeyID}, fact{"api key", k.APIKey}, fact{"scopes", strings.Join(k.Scopes, " ")}); err != nil {
		return err
	}
	return p.keep("the key")
}

type keyRotateCmd struct {
	remote
	idFlag
	App    string `arg:"" help:"The app."`
	Key    string `arg:"" help:"The id of the old key, as “app show” lists it."`
	Revoke bool   `help:"Revoke the old one at once, as when it leaked. Else it goes on until “app key remove”."`
}

func (c *keyRotateCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		i, err := a.GetApp(ctx, c.App)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(i.Keys, func(k client.Key) bool { return k.KeyID == c.Key })
		if at < 0 {
			return usage("KEY", "%s is none of %s; “offhook app show %s” lists them", c.Key, c.App, c.App)
		}
		k, err := a.Idempotent(c.IdempotencyKey).CreateKey(ctx, c.App, i.Keys[at].Scopes...)
		if err := printKey(p, c.JSON, k, err); err != nil {
			return err
		}
		if !c.Revoke {
			_, err := fmt.Fprintf(p.stderr, "the old one still opens; take it away when nobody uses it any more: offhook app key remove %s %s\n", c.App, c.Key)
			return err
		}
		if err := a.DeleteKey(ctx, c.App, c.Key); err != nil {
			return fmt.Errorf("the new key is made, the old one is still there: %w", err)
		}
		_, err = fmt.Fprintf(p.stderr, "revoked %s\n", clean(c.Key))
		return err
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
