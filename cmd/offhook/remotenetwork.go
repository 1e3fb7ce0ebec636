package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type networkCmd struct {
	List networkListCmd `cmd:"" help:"List the networks, and how their links are."`
	Show networkShowCmd `cmd:"" help:"Show a network."`

	Create           networkCreateCmd        `cmd:"" help:"Connect a network."`
	Set              networkSetCmd           `cmd:"" help:"Change what is given of a network. Those of the config file are changed there."`
	Delete           networkDeleteCmd        `cmd:"" aliases:"remove" help:"Disconnect a network that has no subscribers."`
	RotateContact    networkRotateContactCmd `cmd:"" help:"Have events be POSTed to another secret path."`
	ConfirmDeletions networkConfirmCmd       `cmd:"" help:"Let the deletions go ahead that “network show” shows to be held."`
}

type networkListCmd struct {
	viewFlag
	listFlag
}

func (c *networkListCmd) Run(p *program) error {
	if c.ofApp(p) {
		return c.withApp(p, func(ctx context.Context, a *client.App) error {
			return printList(p, c.JSON, a.ListNetworks(ctx, client.Page{}), c.Limit, []string{"NETWORK", "PROVIDER", "CAN"}, func(n client.AppNetwork) []string {
				return []string{n.NetworkID, n.Provider, strings.Join(n.Capabilities, " ")}
			})
		})
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		head := []string{"NETWORK", "PROVIDER", "LINK", "CHANNELS", "FOLLOWED", "SUBSCRIBED", "REFUSED"}
		return printList(p, c.JSON, a.ListNetworks(ctx, client.Page{}), c.Limit, head, func(n client.Network) []string {
			l := n.Link
			if l == nil {
				l = &client.NetworkLink{}
			}
			return []string{n.NetworkID, n.Provider, l.State, strconv.Itoa(l.Channels), strconv.Itoa(l.Followed), strconv.Itoa(l.Subscribed), strconv.Itoa(l.Refused)}
		})
	})
}

type networkShowCmd struct {
	viewFlag
	Network string `arg:"" help:"Its id."`
}

func (c *networkShowCmd) Run(p *program) error {
	if c.ofApp(p) {
		return c.withApp(p, func(ctx context.Context, a *client.App) error {
			n, err := a.GetNetwork(ctx, c.Network)
			if err != nil || c.JSON {
				return shown(p, err, n)
			}
			return facts(p.stdout, fact{"network", n.NetworkID}, fact{"provider", n.Provider}, fact{"can", strings.Join(n.Capabilities, " ")})
		})
	}
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		n, err := a.GetNetwork(ctx, c.Network)
		return printNetwork(p, c.JSON, n, err)
	})
}

func printNetwork(p *program, asJSON bool, n client.Network, err error) error {
	if err != nil || asJSON {
		return shown(p, err, n)
	}
	all := []fact{{"network", n.NetworkID}, {"provider", n.Provider}, {"in the config file", strconv.FormatBool(n.ReadOnly)}}
	if l := n.Link; l != nil {
		all = append(all, fact{"link", strings.TrimSpace(l.State + " " + l.Detail)}, fact{"since", moment(l.Since)}, fact{"channels", strconv.Itoa(l.Channels)},
			fact{"followed", strconv.Itoa(l.Followed)}, fact{"subscribed", strconv.Itoa(l.Subscribed)}, fact{"refused", strconv.Itoa(l.Refused)})
	}
	if s := n.Provisioning; s != nil {
		all = append(all, fact{"provisioned by", s.Source + ", " + s.State}, fact{"users there", strconv.Itoa(s.Entries)}, fact{"subscribers of these", strconv.Itoa(s.Subscribers)},
			fact{"conflicts", strconv.Itoa(s.Conflicts)}, fact{"unknown apps", strings.Join(s.UnknownApps, " ")}, fact{"last error", s.LastError})
		if h := s.Held; h != nil {
			all = append(all, fact{"deletions held", fmt.Sprintf("%d of %d, since %s; “network confirm-deletions” lets them go ahead", h.Missing, h.Of, moment(h.Since))})
		}
	}
	all = append(append(all, settled(n.Provider, n.BroadWorks)...), settled("dialing", n.Dialing)...)
	return facts(p.stdout, all...)
}

// settled are the settings in a JSON object, those that are empty left out, as
// “dialing country_code”.
func settled(name string, text json.RawMessage) (all []fact) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return factsOf(name, v)
}

func factsOf(name string, v any) (all []fact) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, factsOf(name+" "+k, v[k])...)
		}
		return all
	case []any:
		words := make([]string, 0, len(v))
		for i, item := range v {
			if _, object := item.(map[string]any); object {
				all = append(all, factsOf(name+" "+strconv.Itoa(i+1), item)...)
			} else {
				words = append(words, fmt.Sprint(item))
			}
		}
		if len(words) > 0 {
			all = append(all, fact{name, strings.Join(words, " ")})
		}
		return all
	case nil:
		return nil
	}
	if text := fmt.Sprint(v); text != "" {
		all = append(all, fact{name, text})
	}
	return all
}
