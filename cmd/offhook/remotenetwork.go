package main

import (
	"context"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type networkCmd struct {
	List networkListCmd `cmd:"" help:"List the networks, and how their links are."`
	Show networkShowCmd `cmd:"" help:"Show a network."`
}

type networkListCmd struct {
	remote
	listFlag
}

func (c *networkListCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		// A list leaves out how the links are; there are few networks.
		list := func(yield func(client.Network, error) bool) {
			for n, err := range a.ListNetworks(ctx, client.Page{}) {
				if err == nil {
					n, err = a.GetNetwork(ctx, n.NetworkID)
				}
				if !yield(n, err) {
					return
				}
			}
		}
		head := []string{"NETWORK", "PROVIDER", "LINK", "CHANNELS", "FOLLOWED", "SUBSCRIBED", "REFUSED"}
		return printList(p, c.JSON, list, c.Limit, head, func(n client.Network) []string {
			l := n.Link
			if l == nil {
				l = &client.NetworkLink{}
			}
			return []string{n.NetworkID, n.Provider, l.State, strconv.Itoa(l.Channels), strconv.Itoa(l.Followed), strconv.Itoa(l.Subscribed), strconv.Itoa(l.Refused)}
		})
	})
}

type networkShowCmd struct {
	remote
	Network string `arg:"" help:"Its id."`
}

func (c *networkShowCmd) Run(p *program) error {
	return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
		n, err := a.GetNetwork(ctx, c.Network)
		if err != nil || c.JSON {
			return shown(p, err, n)
		}
		all := []fact{{"network", n.NetworkID}, {"provider", n.Provider}, {"in the config file", strconv.FormatBool(n.ReadOnly)}}
		if l := n.Link; l != nil {
			all = append(all, fact{"link", strings.TrimSpace(l.State + " " + l.Detail)}, fact{"since", moment(l.Since)}, fact{"channels", strconv.Itoa(l.Channels)},
				fact{"followed", strconv.Itoa(l.Followed)}, fact{"subscribed", strconv.Itoa(l.Subscribed)}, fact{"refused", strconv.Itoa(l.Refused)})
		}
		return facts(p.stdout, append(all, fact{"reached by", string(n.BroadWorks)}, fact{"dialing", string(n.Dialing)})...)
	})
}
