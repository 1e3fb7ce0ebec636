package main

import (
	"context"
	"strconv"
	"strings"

	"offhook/transport/client"
)

type callConferenceCmd struct {
	List   conferenceListCmd   `cmd:"" help:"List those that are on."`
	Show   conferenceShowCmd   `cmd:"" help:"Show one, and who is in it."`
	Start  conferenceStartCmd  `cmd:"" help:"Join calls of one subscriber."`
	Mute   conferenceMuteCmd   `cmd:"" help:"Have nobody hear a participant."`
	Unmute conferenceUnmuteCmd `cmd:"" help:"End that."`
	Deaf   conferenceDeafCmd   `cmd:"" help:"Have a participant hear nobody."`
	Undeaf conferenceUndeafCmd `cmd:"" help:"End that."`
	End    conferenceEndCmd    `cmd:"" help:"Hang up all calls in it."`
}

func printConference(p *program, asJSON bool, c client.Conference, err error) error {
	if err != nil || asJSON {
		return shown(p, err, c)
	}
	all := []fact{
		{"conference", c.ConferenceID}, {"subscriber", c.SubscriberID}, {"state", c.State}, {"your name for it", c.ClientRef},
		{"created", moment(c.CreatedAt)}, {"can", strings.Join(c.Capabilities, " ")},
	}
	for _, m := range c.Participants {
		is := m.RemoteNumber + " " + m.RemoteName
		if m.Muted {
			is += " muted"
		}
		if m.Deaf {
			is += " deaf"
		}
		all = append(all, fact{"call " + m.CallID, strings.Join(strings.Fields(is), " ")})
	}
	return facts(p.stdout, all...)
}

type conferenceListCmd struct {
	appFlag
	listFlag
}

func (c *conferenceListCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		head := []string{"CONFERENCE", "SUBSCRIBER", "STATE", "CALLS", "CREATED"}
		return printList(p, c.JSON, a.ListConferences(ctx, client.Page{}), c.Limit, head, func(f client.Conference) []string {
			return []string{f.ConferenceID, f.SubscriberID, f.State, strconv.Itoa(len(f.Participants)), moment(f.CreatedAt)}
		})
	})
}

type conferenceArg struct {
	appFlag
	Conference string `arg:"" help:"The conference's id, as “call conference list” and “call show” have it."`
}

type conferenceShowCmd struct{ conferenceArg }

func (c *conferenceShowCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		is, err := a.GetConference(ctx, c.Conference)
		return printConference(p, c.JSON, is, err)
	})
}

type conferenceStartCmd struct {
	appFlag
	idFlag
	Calls     []string `arg:"" help:"The ids of two calls or more."`
	ClientRef string   `help:"Your own name for it." placeholder:"REF"`
}

func (c *conferenceStartCmd) Run(p *program) error {
	if len(c.Calls) < 2 {
		return usage("CALLS", "must be two calls or more")
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		is, err := a.Idempotent(c.IdempotencyKey).StartConference(ctx, client.NewConference{CallIDs: c.Calls, ClientRef: c.ClientRef})
		return printConference(p, c.JSON, is, err)
	})
}

type participantArgs struct {
	conferenceArg
	idFlag
	Call string `arg:"" help:"The participant's call."`
}

// do carries a verb out and shows what the conference is then.
func (c *participantArgs) do(p *program, verb func(a *client.App, ctx context.Context, conference, call string) error) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := verb(a.Idempotent(c.IdempotencyKey), ctx, c.Conference, c.Call); err != nil {
			return err
		}
		is, err := a.GetConference(ctx, c.Conference)
		return printConference(p, c.JSON, is, err)
	})
}

type conferenceMuteCmd struct{ participantArgs }

func (c *conferenceMuteCmd) Run(p *program) error { return c.do(p, (*client.App).MuteParticipant) }

type conferenceUnmuteCmd struct{ participantArgs }

func (c *conferenceUnmuteCmd) Run(p *program) error { return c.do(p, (*client.App).UnmuteParticipant) }

type conferenceDeafCmd struct{ participantArgs }

func (c *conferenceDeafCmd) Run(p *program) error { return c.do(p, (*client.App).DeafenParticipant) }

type conferenceUndeafCmd struct{ participantArgs }

func (c *conferenceUndeafCmd) Run(p *program) error {
	return c.do(p, (*client.App).UndeafenParticipant)
}

type conferenceEndCmd struct {
	conferenceArg
	idFlag
}

func (c *conferenceEndCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.Idempotent(c.IdempotencyKey).EndConference(ctx, c.Conference); err != nil {
			return err
		}
		is, err := a.GetConference(ctx, c.Conference)
		return printConference(p, c.JSON, is, err)
	})
}
