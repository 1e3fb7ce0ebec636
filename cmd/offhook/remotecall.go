package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"offhook/transport/client"
)

type callCmd struct {
	List            callListCmd            `cmd:"" help:"List the live calls, the oldest first."`
	Show            callShowCmd            `cmd:"" help:"Show a call."`
	Place           callPlaceCmd           `cmd:"" help:"Ring a subscriber, then the far end."`
	Retrieve        callRetrieveCmd        `cmd:"" help:"Take a parked call back."`
	Answer          callAnswerCmd          `cmd:"" help:"Answer a call."`
	Decline         callDeclineCmd         `cmd:"" help:"Refuse a call that rings."`
	Hold            callHoldCmd            `cmd:"" help:"Put the far end on hold."`
	Resume          callResumeCmd          `cmd:"" help:"Take the far end off hold."`
	Reconnect       callReconnectCmd       `cmd:"" help:"Take this call off hold, and end the others."`
	End             callEndCmd             `cmd:"" help:"Hang up."`
	Divert          callDivertCmd          `cmd:"" help:"Send a call that rings to a number or to voicemail."`
	Transfer        callTransferCmd        `cmd:"" help:"Hand a call over to a number."`
	MuteTransfer    callMuteTransferCmd    `cmd:"" help:"The same, without a sound at the far end."`
	ConsultTransfer callConsultTransferCmd `cmd:"" help:"Join the far ends of two calls."`
	Park            callParkCmd            `cmd:"" help:"Park a call."`
	Dtmf            callDtmfCmd            `cmd:"" help:"Send tones."`
	Record          callRecordCmd          `cmd:"" help:"Start, pause, resume or stop a recording."`
	Conference      callConferenceCmd      `cmd:"" help:"Calls of one subscriber that hear one another."`
	Timeline        callTimelineCmd        `cmd:"" help:"Show all that is known of how a call went."`
	History         callHistoryCmd         `cmd:"" help:"List calls that are over, the newest first."`
}

// idFlag makes a command safe to send again.
type idFlag struct {
	IdempotencyKey string `help:"The same command with the same key is carried out once." placeholder:"KEY"`
}

// verbArgs are those of every verb.
type verbArgs struct {
	appFlag
	idFlag
	Call string `arg:"" help:"The call's id."`
}

// do carries a verb out and shows what the call is then.
func (c *verbArgs) do(p *program, verb func(context.Context, *client.App) error) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		if err := verb(ctx, a.Idempotent(c.IdempotencyKey)); err != nil {
			return err
		}
		is, err := a.GetCall(ctx, c.Call)
		return printCall(p, c.JSON, is, err)
	})
}

func printCall(p *program, asJSON bool, c client.Call, err error) error {
	if err != nil || asJSON {
		return shown(p, err, c)
	}
	all := []fact{
		{"call", c.CallID}, {"subscriber", c.SubscriberID}, {"direction", c.Direction}, {"remote", strings.TrimSpace(c.RemoteNumber + " " + c.RemoteName)},
		{"state", strings.TrimSpace(c.State + " " + c.Phase)},
	}
	if c.Cause != "" {
		all = append(all, fact{"cause", c.Cause})
	}
	all = append(all, fact{"created", moment(c.CreatedAt)}, fact{"can", strings.Join(c.Capabilities, " ")})
	return facts(p.stdout, all...)
}

var callHead = []string{"CALL", "SUBSCRIBER", "DIRECTION", "REMOTE", "STATE", "CREATED"}

func callRow(c client.Call) []string {
	return []string{c.CallID, c.SubscriberID, c.Direction, c.RemoteNumber, c.State, moment(c.CreatedAt)}
}

// byStart is the order of a list of calls; the API has them by their ids.
func byStart(a, b client.Call) int {
	return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.CallID, b.CallID))
}

type callListCmd struct {
	appFlag
	listFlag
	Subscriber string `xor:"whose" help:"Of one subscriber." placeholder:"ID"`
	All        bool   `xor:"whose" help:"Of all apps, and those that no app follows. For the operator."`
}

func (c *callListCmd) Run(p *program) error {
	if c.All {
		return c.withAdmin(p, func(ctx context.Context, a *client.Admin) error {
			return printSorted(p, c.JSON, a.ListAllCalls(ctx, client.Page{}), c.Limit, append(slices.Clone(callHead), "APPS"), func(l client.LiveCall) []string {
				return append(callRow(l.Call), strings.Join(l.Apps, " "))
			}, func(a, b client.LiveCall) int { return byStart(a.Call, b.Call) })
		})
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		list := a.ListCalls(ctx, client.Page{})
		if c.Subscriber != "" {
			list = a.ListSubscriberCalls(ctx, c.Subscriber, client.Page{})
		}
		return printSorted(p, c.JSON, list, c.Limit, callHead, callRow, byStart)
	})
}

type callShowCmd struct {
	appFlag
	Call string `arg:"" help:"The call's id."`
}

func (c *callShowCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		is, err := a.GetCall(ctx, c.Call)
		return printCall(p, c.JSON, is, err)
	})
}

type callPlaceCmd struct {
	appFlag
	idFlag
	Subscriber string `arg:"" help:"Who calls."`
	Remote     string `arg:"" help:"The number to call."`
	named
	RemoteName string `help:"The far end's name, for those who see the call." placeholder:"NAME"`
}

// named is what whoever places a call or takes one back may say besides.
type named struct {
	Number    string `help:"The subscriber's number; what is provisioned if left out." placeholder:"NUMBER"`
	Name      string `help:"The subscriber's name, for those who see the call." placeholder:"NAME"`
	ClientRef string `help:"Your own name for the call." placeholder:"REF"`
}

func (c *callPlaceCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		number, err := numberOf(ctx, a, c.Subscriber, c.Number)
		if err != nil {
			return err
		}
		is, err := a.Idempotent(c.IdempotencyKey).PlaceCall(ctx, client.NewCall{
			SubscriberID: c.Subscriber, SubscriberNumber: number, RemoteNumber: c.Remote,
			SubscriberName: c.Name, RemoteName: c.RemoteName, ClientRef: c.ClientRef,
		})
		return printCall(p, c.JSON, is, err)
	})
}

// numberOf is the number that is given, or the one that is provisioned.
func numberOf(ctx context.Context, a *client.App, subscriber, number string) (string, error) {
	if number != "" {
		return number, nil
	}
	s, err := a.GetSubscriber(ctx, subscriber)
	return s.SubscriberNumber, err
}

type callRetrieveCmd struct {
	appFlag
	idFlag
	Subscriber string `arg:"" help:"Who takes it."`
	Extension  string `arg:"" help:"Where it is parked."`
	named
}

func (c *callRetrieveCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		number, err := numberOf(ctx, a, c.Subscriber, c.Number)
		if err != nil {
			return err
		}
		is, err := a.Idempotent(c.IdempotencyKey).RetrieveCall(ctx, client.NewRetrieval{
			SubscriberID: c.Subscriber, SubscriberNumber: number, Extension: c.Extension, SubscriberName: c.Name, ClientRef: c.ClientRef,
		})
		return printCall(p, c.JSON, is, err)
	})
}

type callAnswerCmd struct{ verbArgs }

func (c *callAnswerCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.AnswerCall(ctx, c.Call) })
}

type callDeclineCmd struct{ verbArgs }

func (c *callDeclineCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.DeclineCall(ctx, c.Call) })
}

type callHoldCmd struct{ verbArgs }

func (c *callHoldCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.HoldCall(ctx, c.Call) })
}

type callResumeCmd struct{ verbArgs }

func (c *callResumeCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.ResumeCall(ctx, c.Call) })
}

type callReconnectCmd struct{ verbArgs }

func (c *callReconnectCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.ReconnectCall(ctx, c.Call) })
}

type callEndCmd struct{ verbArgs }

func (c *callEndCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error { return a.EndCall(ctx, c.Call) })
}

type callDivertCmd struct {
	verbArgs
	Remote    string `arg:"" optional:"" help:"The number it goes to."`
	Voicemail bool   `help:"It goes to voicemail."`
}

func (c *callDivertCmd) Run(p *program) error {
	if (c.Remote == "") != c.Voicemail {
		return usage("REMOTE", "or --voicemail: one of the two is wanted")
	}
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.DivertCall(ctx, c.Call, client.Divert{RemoteNumber: c.Remote, Voicemail: c.Voicemail})
	})
}

type callTransferCmd struct {
	verbArgs
	Remote string `arg:"" help:"The number it goes to."`
}

func (c *callTransferCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.TransferCall(ctx, c.Call, client.Transfer{RemoteNumber: c.Remote})
	})
}

type callMuteTransferCmd struct {
	verbArgs
	Remote string `arg:"" help:"The number it goes to."`
}

func (c *callMuteTransferCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.MuteTransferCall(ctx, c.Call, client.Transfer{RemoteNumber: c.Remote})
	})
}

type callConsultTransferCmd struct {
	verbArgs
	With string `arg:"" help:"The other call."`
}

func (c *callConsultTransferCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.ConsultTransferCall(ctx, c.Call, client.ConsultTransfer{WithCallID: c.With})
	})
}

type callParkCmd struct {
	verbArgs
	Extension string `help:"Where; with the subscriber itself if left out." placeholder:"DIGITS"`
	Group     bool   `help:"Where the group has room."`
}

func (c *callParkCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.ParkCall(ctx, c.Call, client.Park{Extension: c.Extension, Group: c.Group})
	})
}

type callDtmfCmd struct {
	verbArgs
	Digits string `arg:"" help:"Of 0-9, *, # and A-D."`
}

func (c *callDtmfCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		return a.SendDigits(ctx, c.Call, client.Digits{Digits: c.Digits})
	})
}

type callRecordCmd struct {
	verbArgs
	What string `arg:"" enum:"start,pause,resume,stop" help:"One of ${enum}."`
}

func (c *callRecordCmd) Run(p *program) error {
	return c.do(p, func(ctx context.Context, a *client.App) error {
		verb := map[string]func(context.Context, string) error{
			"start": a.StartRecording, "pause": a.PauseRecording, "resume": a.ResumeRecording, "stop": a.StopRecording,
		}[c.What]
		return verb(ctx, c.Call)
	})
}

type callTimelineCmd struct {
	appFlag
	Call string `arg:"" help:"The call's id."`
}

func (c *callTimelineCmd) Run(p *program) error {
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		steps, err := a.GetTimeline(ctx, c.Call)
		if err != nil || c.JSON {
			return shown(p, err, steps)
		}
		rows := make([][]string, len(steps))
		for i, s := range steps {
			since := ""
			if i > 0 {
				since = "+" + (time.Duration(s.At-steps[0].At) * time.Millisecond).String()
			}
			rows[i] = []string{time.UnixMilli(s.At).Format("15:04:05.000Z07:00"), since, s.Kind, said(s)}
		}
		return table(p.stdout, []string{"AT", "SINCE", "KIND", "WHAT"}, rows)
	})
}

// said is what a step says, in a line.
func said(s client.Step) string {
	switch s.Kind {
	case "fact":
		return fmt.Sprintf("%s, %v", s.Event, s.Status)
	case "outcome":
		return s.Verb + ": " + s.Outcome
	case "reply":
		if s.Code == nil || *s.Code == "" {
			return s.Verb + ": done"
		}
		return s.Verb + ": " + *s.Code
	case "transition":
		return s.From + " → " + s.To + " on " + s.On
	case "event":
		return "number " + s.SequenceNumber
	case "attempt":
		text := fmt.Sprintf("number %s, attempt %d: %s, %v", s.SequenceNumber, s.Attempt, s.Outcome, s.Status)
		if s.Error != nil && *s.Error != "" {
			text += " " + *s.Error
		}
		return text
	}
	return s.Verb
}

type callHistoryCmd struct {
	appFlag
	Limit      int           `help:"At most so many; 0 is all." default:"50" placeholder:"N"`
	Subscriber string        `help:"Of one subscriber." placeholder:"ID"`
	Direction  string        `help:"incoming or outgoing." enum:",incoming,outgoing" default:"" placeholder:"WORD"`
	Answered   string        `help:"true or false." enum:",true,false" default:"" placeholder:"WORD"`
	Cause      string        `help:"Why they ended." placeholder:"CAUSE"`
	Since      time.Duration `help:"That ended so long ago or later, as 24h." placeholder:"DURATION"`
	Until      time.Duration `help:"That ended longer ago." placeholder:"DURATION"`
}

func (c *callHistoryCmd) Run(p *program) error {
	f := client.HistoryFilter{SubscriberID: c.Subscriber, Direction: c.Direction, Answered: c.Answered, Cause: c.Cause}
	if c.Since > 0 {
		f.From = time.Now().Add(-c.Since).UnixMilli()
	}
	if c.Until > 0 {
		f.To = time.Now().Add(-c.Until).UnixMilli()
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		return printList(p, c.JSON, a.ListCallHistory(ctx, f, client.Page{Size: min(max(c.Limit, 0), 1000)}), c.Limit,
			[]string{"CALL", "SUBSCRIBER", "DIRECTION", "REMOTE", "CAUSE", "CREATED", "RELEASED"}, func(h client.Call) []string {
				return []string{h.CallID, h.SubscriberID, h.Direction, h.RemoteNumber, h.Cause, moment(h.CreatedAt), moment(h.ReleasedAt)}
			})
	})
}
