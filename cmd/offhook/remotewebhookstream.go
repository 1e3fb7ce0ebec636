package main

import (
	"context"
	"strconv"

	"offhook/transport/client"
)

type webhookStreamCmd struct {
	List   streamListCmd   `cmd:"" help:"List the subscribers with something undelivered."`
	Pause  streamPauseCmd  `cmd:"" help:"Keep the events of one subscriber back until they are resumed."`
	Resume streamResumeCmd `cmd:"" help:"Go on with those, parked ones too."`
}

type streamListCmd struct {
	delivering
	listFlag
}

func (c *streamListCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		head := []string{"SUBSCRIBER", "NUMBER", "WAITING SINCE", "FAILURES", "NEXT TRY", "PARKED", "PAUSED"}
		return printList(p, c.JSON, a.ListStreams(ctx, c.Kind, client.Page{}), c.Limit, head, func(s client.DeliveryStream) []string {
			next := ""
			if s.NextTryAt != nil {
				next = moment(*s.NextTryAt)
			}
			return []string{s.SubscriberID, s.SequenceNumber, moment(s.WaitingSince), strconv.Itoa(s.Failures), next, strconv.FormatBool(s.Parked), strconv.FormatBool(s.Paused)}
		})
	})
}

type streamArgs struct {
	delivering
	Subscriber string `arg:"" help:"The subscriber."`
}

type streamPauseCmd struct{ streamArgs }

func (c *streamPauseCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.PauseStream(ctx, c.Kind, c.Subscriber); err != nil {
			return err
		}
		return p.did(c.JSON, "paused", c.Subscriber)
	})
}

type streamResumeCmd struct{ streamArgs }

func (c *streamResumeCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.ResumeStream(ctx, c.Kind, c.Subscriber); err != nil {
			return err
		}
		return p.did(c.JSON, "resumed", c.Subscriber)
	})
}

type webhookRedeliveryCmd struct {
	List   redeliveryListCmd   `cmd:"" help:"List the tasks."`
	Show   redeliveryShowCmd   `cmd:"" help:"Show how far a task is."`
	Cancel redeliveryCancelCmd `cmd:"" help:"End a task where it is."`
}

type redeliveryListCmd struct {
	delivering
	listFlag
}

func (c *redeliveryListCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		head := []string{"TASK", "STATE", "SUBSCRIBER", "DONE", "DELIVERED", "FAILED", "BEGUN"}
		return printList(p, c.JSON, a.ListRedeliveries(ctx, c.Kind, client.Page{}), c.Limit, head, func(t client.RedeliveryTask) []string {
			of := "all"
			if t.SubscriberID != nil {
				of = *t.SubscriberID
			}
			return []string{t.TaskID, t.State, of, doneOf(t), strconv.Itoa(t.Delivered), strconv.Itoa(t.Failed), moment(t.CreatedAt)}
		})
	})
}

type taskArgs struct {
	delivering
	Task string `arg:"" help:"The task's id."`
}

type redeliveryShowCmd struct{ taskArgs }

func (c *redeliveryShowCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		t, err := a.GetRedelivery(ctx, c.Kind, c.Task)
		return printTask(p, c.JSON, t, err)
	})
}

type redeliveryCancelCmd struct{ taskArgs }

func (c *redeliveryCancelCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.CancelRedelivery(ctx, c.Kind, c.Task); err != nil {
			return err
		}
		t, err := a.GetRedelivery(ctx, c.Kind, c.Task)
		return printTask(p, c.JSON, t, err)
	})
}
