package main

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"offhook/transport/client"
)

type webhookCmd struct {
	List      webhookListCmd      `cmd:"" help:"List the webhooks of an app, and how they are doing."`
	Show      webhookShowCmd      `cmd:"" help:"Show a webhook."`
	Set       webhookSetCmd       `cmd:"" help:"Make a webhook, or change what is given of one. A new one's secret is shown this once."`
	Delete    webhookDeleteCmd    `cmd:"" aliases:"remove" help:"Remove a webhook."`
	Test      webhookTestCmd      `cmd:"" help:"Send a test event, and say what came of it."`
	Pause     webhookPauseCmd     `cmd:"" help:"Keep events back until it is resumed."`
	Resume    webhookResumeCmd    `cmd:"" help:"Go on, with what was parked too."`
	Attempts  webhookAttemptsCmd  `cmd:"" help:"List the tries to deliver, the newest first."`
	Redeliver webhookRedeliverCmd `cmd:"" help:"Send one event again, or many."`

	RotateSecret     webhookRotateSecretCmd `cmd:"" help:"Sign with a new secret, shown this once; with the older ones too for a while."`
	RotateSigningKey webhookRotateKeyCmd    `cmd:"" help:"The same with the key pair, of which the public half is shown."`
	Stream           webhookStreamCmd       `cmd:"" help:"What waits for delivery, by subscriber."`
	Redelivery       webhookRedeliveryCmd   `cmd:"" help:"What “redeliver” began."`
}

// kindArg is which of an app's webhooks.
type kindArg struct {
	appFlag
	Kind string `arg:"" enum:"calls,subscriber,operations" help:"One of ${enum}."`
}

// delivering is kindArg for those that have something to deliver again.
type delivering struct {
	appFlag
	Kind string `arg:"" enum:"calls,subscriber" help:"One of ${enum}."`
}

type webhookListCmd struct {
	appFlag
	All bool `help:"Those of calls and subscribers, of all apps. For the operator."`
}

// hookOf is a webhook in a list of all apps.
type hookOf struct {
	AppID    string           `json:"app_id"`
	Kind     string           `json:"kind"`
	URL      string           `json:"url"`
	Delivery *client.Delivery `json:"delivery"`
}

var hookHead = []string{"KIND", "URL", "CONDITION", "WAITING", "PARKED", "OLDEST"}

func hookRow(kind, url string, d *client.Delivery) []string {
	if d == nil {
		return []string{kind, url, "", "", "", ""}
	}
	return []string{kind, url, d.Condition, strconv.Itoa(d.WaitingStreams), strconv.Itoa(d.ParkedStreams), age(d.OldestUndeliveredMS)}
}

func (c *webhookListCmd) Run(p *program) error {
	if c.All {
		return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
			return printList(p, c.JSON, hooksOfAll(ctx, a), 0, append([]string{"APP"}, hookHead...), func(h hookOf) []string {
				return append([]string{h.AppID}, hookRow(h.Kind, h.URL, h.Delivery)...)
			})
		})
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		all, err := a.ListWebhooks(ctx)
		if err != nil {
			return err
		}
		list := func(yield func(client.Webhook, error) bool) {
			for _, w := range all {
				if !yield(w, nil) {
					return
				}
			}
		}
		return printList(p, c.JSON, list, 0, hookHead, func(w client.Webhook) []string { return hookRow(w.Kind, w.URL, w.Delivery) })
	})
}

// hooksOfAll are the webhooks of all apps, as a list of apps has them.
func hooksOfAll(ctx context.Context, a *client.Admin) iter.Seq2[hookOf, error] {
	return func(yield func(hookOf, error) bool) {
		for i, err := range a.ListApps(ctx, client.Page{}) {
			if err != nil {
				yield(hookOf{}, err)
				return
			}
			for _, h := range []struct {
				kind string
				hook *client.AppHook
			}{{"calls", i.CallsWebhook}, {"subscriber", i.SubscriberWebhook}} {
				if h.hook != nil && !yield(hookOf{i.AppID, h.kind, h.hook.URL, h.hook.Delivery}, nil) {
					return
				}
			}
		}
	}
}

// age is a length of time as a person reads it.
func age(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }

type webhookShowCmd struct{ kindArg }

func (c *webhookShowCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		w, err := a.GetWebhook(ctx, c.Kind)
		return printWebhook(p, c.JSON, w, err)
	})
}

func printWebhook(p *program, asJSON bool, w client.Webhook, err error) error {
	if err != nil || asJSON {
		return shown(p, err, w)
	}
	all := []fact{{"webhook", w.Kind}, {"url", w.URL}, {"secrets", strconv.Itoa(w.Secrets.Count)}}
	if until := w.Secrets.RotatingUntil; until != nil {
		all = append(all, fact{"older ones sign until", moment(*until)})
	}
	if w.Secret != "" {
		all = append(all, fact{"secret", w.Secret})
	}
	if d := w.Delivery; d != nil {
		all = append(all, fact{"condition", d.Condition}, fact{"subscribers waiting", strconv.Itoa(d.WaitingStreams)},
			fact{"of these parked", strconv.Itoa(d.ParkedStreams)}, fact{"oldest undelivered", age(d.OldestUndeliveredMS)},
			fact{"batch", strconv.FormatBool(w.Batch != nil && *w.Batch)}, fact{"extended events", strconv.FormatBool(w.ExtendedEvents != nil && *w.ExtendedEvents)},
			fact{"sends", sends(w.Filter)}, fact{"headers", headersOf(w.Headers)}, fact{"signing", w.Signing})
		if w.SigningPublicKey != nil && *w.SigningPublicKey != "" {
			all = append(all, fact{"public key", *w.SigningPublicKey})
		}
		if w.Paused != nil && *w.Paused {
			all = append(all, fact{"paused", "true"})
		}
		if w.Disabled != nil && *w.Disabled != "" {
			all = append(all, fact{"given up", *w.Disabled})
		}
	}
	if err := facts(p.stdout, all...); err != nil || w.Secret == "" {
		return err
	}
	return p.keep("the secret")
}

// sends is a filter in words.
func sends(f *client.Filter) string {
	if f == nil {
		return "everything"
	}
	var all []string
	for _, part := range []struct {
		of   string
		only []string
	}{{"of ", f.Subscribers}, {"when ", f.States}, {"if ", f.Directions}} {
		if len(part.only) > 0 {
			all = append(all, part.of+strings.Join(part.only, ", "))
		}
	}
	return first(strings.Join(all, "; "), "everything")
}

func headersOf(h map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		all = append(all, name+": "+h[name])
	}
	return strings.Join(all, "; ")
}

type webhookDeleteCmd struct{ kindArg }

func (c *webhookDeleteCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.DeleteWebhook(ctx, c.Kind); err != nil {
			return err
		}
		return p.did(c.JSON, "deleted", c.Kind)
	})
}

type webhookTestCmd struct{ kindArg }

func (c *webhookTestCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		r, err := a.TestWebhook(ctx, c.Kind)
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(p.stdout, r)
		} else {
			err = facts(p.stdout, fact{"delivered", strconv.FormatBool(r.Delivered)}, fact{"status", strconv.Itoa(r.Status)}, fact{"latency", age(r.LatencyMS)}, fact{"error", r.Error})
		}
		if err == nil && !r.Delivered {
			return fmt.Errorf("the test event was not delivered: %s", clean(r.Error))
		}
		return err
	})
}

type webhookPauseCmd struct{ delivering }

func (c *webhookPauseCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.PauseWebhook(ctx, c.Kind); err != nil {
			return err
		}
		return p.did(c.JSON, "paused", c.Kind)
	})
}

type webhookResumeCmd struct{ delivering }

func (c *webhookResumeCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := a.ResumeWebhook(ctx, c.Kind); err != nil {
			return err
		}
		return p.did(c.JSON, "resumed", c.Kind)
	})
}

type webhookAttemptsCmd struct {
	delivering
	Limit      int    `help:"At most so many; 0 is all." default:"50" placeholder:"N"`
	Subscriber string `help:"Of one subscriber." placeholder:"ID"`
	Sequence   string `help:"Of one event." placeholder:"NUMBER"`
	Failed     bool   `help:"Those alone that failed."`
}

func (c *webhookAttemptsCmd) Run(p *program) error {
	f := client.AttemptFilter{SubscriberID: c.Subscriber, SequenceNumber: c.Sequence, Failed: c.Failed}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		return printList(p, c.JSON, a.ListAttempts(ctx, c.Kind, f, client.Page{Size: min(max(c.Limit, 0), 1000)}), c.Limit,
			[]string{"AT", "SUBSCRIBER", "NUMBER", "ATTEMPT", "STATUS", "LATENCY", "ERROR"}, func(t client.Attempt) []string {
				return []string{moment(t.At), t.SubscriberID, t.SequenceNumber, strconv.Itoa(t.Attempt), strconv.Itoa(t.Status), age(t.LatencyMS), t.Error}
			})
	})
}

type webhookRedeliverCmd struct {
	delivering
	idFlag
	Subscriber string        `help:"Of one subscriber." placeholder:"ID"`
	Sequence   string        `help:"That one event; needs --subscriber." placeholder:"NUMBER"`
	From       string        `help:"From this number on; needs --subscriber." placeholder:"NUMBER"`
	To         string        `help:"Up to this number; needs --subscriber." placeholder:"NUMBER"`
	Since      time.Duration `help:"What was recorded so long ago or later, as 2h." placeholder:"DURATION"`
	Until      time.Duration `help:"What was recorded longer ago." placeholder:"DURATION"`
	All        bool          `help:"Everything that is kept."`
	Wait       bool          `default:"true" negatable:"" help:"Wait for the end of the task. Without, “webhook redelivery show” tells how far it is."`
}

func (c *webhookRedeliverCmd) Run(p *program) error {
	switch {
	case c.Subscriber == "" && (c.Sequence != "" || c.From != "" || c.To != ""):
		return usage("--subscriber", "is needed: numbers are of one subscriber")
	case c.Sequence != "" && (c.From != "" || c.To != "" || c.Since != 0 || c.Until != 0 || c.All):
		return usage("--sequence", "is one event; leave --from, --to, --since, --until and --all out")
	case !c.All && c.Sequence == "" && c.From == "" && c.To == "" && c.Since == 0 && c.Until == 0 && c.Subscriber == "":
		return usage("--since", "or --subscriber is needed: what is to be sent again; or --all")
	case c.All && (c.From != "" || c.To != "" || c.Since != 0 || c.Until != 0 || c.Subscriber != ""):
		return usage("--all", "is everything; leave the others out")
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if c.Sequence != "" {
			return c.one(ctx, p, a)
		}
		r := client.RedeliveryRange{SubscriberID: c.Subscriber, FromSequence: c.From, ToSequence: c.To}
		if c.Since != 0 {
			since := time.Now().Add(-c.Since).UnixMilli()
			r.Since = &since
		}
		if c.Until != 0 {
			until := time.Now().Add(-c.Until).UnixMilli()
			r.Until = &until
		}
		t, err := a.Idempotent(c.IdempotencyKey).StartRedelivery(ctx, c.Kind, r)
		for err == nil && c.Wait && t.State == "running" {
			select {
			case <-time.After(200 * time.Millisecond):
				t, err = a.GetRedelivery(ctx, c.Kind, t.TaskID)
			case <-ctx.Done():
				return fmt.Errorf("the task %s goes on without this command: %w", t.TaskID, ctx.Err())
			}
		}
		return printTask(p, c.JSON, t, err)
	})
}

func printTask(p *program, asJSON bool, t client.RedeliveryTask, err error) error {
	if err != nil || asJSON {
		return shown(p, err, t)
	}
	return facts(p.stdout, fact{"task", t.TaskID}, fact{"state", t.State}, fact{"begun", moment(t.CreatedAt)}, fact{"done", doneOf(t)},
		fact{"delivered", strconv.Itoa(t.Delivered)}, fact{"failed", strconv.Itoa(t.Failed)}, fact{"error", t.Error})
}

// doneOf is how far a task is.
func doneOf(t client.RedeliveryTask) string {
	more := ""
	if t.TotalIsPartial {
		more = " or more"
	}
	return fmt.Sprintf("%d of %d%s", t.Done, t.Total, more)
}

func (c *webhookRedeliverCmd) one(ctx context.Context, p *program, a *client.App) error {
	t, err := a.Idempotent(c.IdempotencyKey).RedeliverEvent(ctx, c.Kind, client.Redelivery{SubscriberID: c.Subscriber, SequenceNumber: c.Sequence})
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(p.stdout, t)
	} else {
		err = facts(p.stdout, fact{"event", t.EventID}, fact{"status", strconv.Itoa(t.Status)}, fact{"latency", age(t.LatencyMS)}, fact{"error", t.Error})
	}
	if err == nil && t.Error != "" {
		return fmt.Errorf("the event was not delivered: %s", clean(t.Error))
	}
	return err
}
