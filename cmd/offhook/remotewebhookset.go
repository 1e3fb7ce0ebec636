package main

import (
	"context"
	"strings"

	"offhook/transport/client"
)

type webhookSetCmd struct {
	kindArg
	URL      string `name:"url" help:"Where events are sent; needed for a new one." placeholder:"URL"`
	Batch    *bool  `negatable:"" help:"Many events in one POST."`
	Extended *bool  `negatable:"" help:"Changes of detail and gaps are events too."`
	Signing  string `help:"v1, or v1+v1a for a key pair too." enum:",v1,v1+v1a" default:"" placeholder:"SCHEME"`

	Subscriber []string `sep:"none" xor:"filter" help:"Send what is of this subscriber alone; can be repeated. With --state and --direction it replaces the filter." placeholder:"ID"`
	State      []string `help:"Send what brings a call into this state alone (${enum})." enum:"ringing,active,held,released" placeholder:"STATE"`
	Direction  []string `help:"Send what is of calls in this direction alone (${enum})." enum:"incoming,outgoing" placeholder:"DIRECTION"`
	Everything bool     `xor:"filter" help:"Send everything: no filter."`

	Header      []string `sep:"none" xor:"headers" help:"Send this along, as “Name: value”; can be repeated. They replace those there are." placeholder:"LINE"`
	HeadersFile string   `xor:"headers" help:"The same from a file, a line for each; “-” is standard input. For values that are secret." placeholder:"FILE"`
	NoHeaders   bool     `xor:"headers" help:"Send nothing along."`
	SecretFile  string   `help:"Sign with the secret (whsec_…) in this file, at once; “-” is standard input." placeholder:"FILE"`
}

// settings are what the flags say.
func (c *webhookSetCmd) settings(p *program) (s client.WebhookSettings, err error) {
	s = client.WebhookSettings{URL: c.URL, Batch: c.Batch, ExtendedEvents: c.Extended, Signing: c.Signing}
	if err := onlyOnce(c.HeadersFile, c.SecretFile); err != nil {
		return s, err
	}
	if s.Secret, err = p.secretOf("--secret-file", c.SecretFile); err != nil {
		return s, err
	}
	switch only := (client.Filter{Subscribers: c.Subscriber, States: c.State, Directions: c.Direction}); {
	case len(c.Subscriber)+len(c.State)+len(c.Direction) == 0:
	case c.Everything:
		return s, usage("--everything", "is no filter; leave --subscriber, --state and --direction out")
	default:
		s.Filter = &only
	}
	if c.Everything {
		s.Default = append(s.Default, "filter")
	}
	lines, flag := c.Header, "--header"
	if c.HeadersFile != "" {
		flag = "--headers-file"
		text, err := p.whole(flag, c.HeadersFile)
		if err != nil {
			return s, err
		}
		if lines = strings.Split(strings.TrimRight(text, "\r\n"), "\n"); lines[0] == "" {
			return s, usage(flag, "%s is empty; --no-headers sends nothing along", c.HeadersFile)
		}
	}
	for i, line := range lines {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return s, usage(flag, "%d must be “Name: value”", i+1) // the line itself may be secret
		}
		if s.Headers == nil {
			s.Headers = map[string]string{}
		}
		s.Headers[name] = strings.TrimSpace(value)
	}
	if c.NoHeaders {
		s.Default = append(s.Default, "headers")
	}
	return s, nil
}

// saysMore reports whether the settings say anything besides the URL.
func saysMore(s client.WebhookSettings) bool {
	return s.Batch != nil || s.ExtendedEvents != nil || s.Filter != nil || s.Headers != nil || s.Signing != "" || s.Secret != "" || s.Default != nil
}

func (c *webhookSetCmd) Run(p *program) error {
	s, err := c.settings(p)
	if err != nil {
		return err
	}
	if c.URL == "" && !saysMore(s) {
		return errNothing
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		is, err := a.GetWebhook(ctx, c.Kind)
		isNew := client.CodeOf(err) == "not_found"
		switch {
		case err != nil && !isNew:
			return err
		case isNew && c.URL == "":
			return usage("--url", "is needed: there is no such webhook yet")
		case isNew, c.Kind == "operations": // of this one there is nothing to be left as it is
			s.URL = first(s.URL, is.URL)
			is, err = a.PutWebhook(ctx, c.Kind, s)
		default:
			is, err = a.PatchWebhook(ctx, c.Kind, s)
		}
		return printWebhook(p, c.JSON, is, err)
	})
}
