package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"offhook/transport/webhook/receiver"
)

// printer writes what a receiver is told: one line for each event, and one for
// whatever is wrong.
type printer struct {
	w       io.Writer
	json    bool
	numbers bool // phone numbers in full
}

func (p *printer) delivery(d receiver.Delivery) {
	if p.json {
		p.object(d)
		return
	}
	at := d.At.UTC().Format("15:04:05.000")
	if d.Event == nil {
		fmt.Fprintf(p.w, "%s  ! %s  %s: %s\n", at, d.Class, orDash(d.ID), receiver.Printable(d.Note))
		return
	}
	ev, again := d.Event, ""
	switch d.Class {
	case receiver.Fresh, receiver.Test, receiver.Challenge:
	case receiver.Repeat:
		again = "  (repeat: " + receiver.Printable(d.Note) + ")"
	default:
		fmt.Fprintf(p.w, "%s  ! %s  %s %s: %s\n", at, d.Class, orDash(ev.SubscriberID), number(ev), receiver.Printable(d.Note))
	}
	fmt.Fprintf(p.w, "%s  %-26s %-5s %-8s %-8s %-13s %s%s%s\n", at, orDash(ev.SubscriberID), number(ev), orDash(ev.Direction),
		word(ev), receiver.Printable(ev.Cause), orDash(ev.CallID), p.party(ev), again)
}

// word is what happened: the state, or for events without one, their type.
func word(ev *receiver.Event) string {
	if ev.State != "" {
		return receiver.Printable(ev.State)
	}
	return orDash(ev.Type[strings.LastIndexByte(ev.Type, '.')+1:])
}

func number(ev *receiver.Event) string {
	if ev.Number == 0 {
		return "-"
	}
	return fmt.Sprintf("#%d", ev.Number)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return receiver.Printable(s)
}

// party is the other end.
func (p *printer) party(ev *receiver.Event) string {
	if ev.RemoteNumber == "" {
		return ""
	}
	towards := "  from "
	if ev.Direction == "outgoing" {
		towards = "  to "
	}
	return towards + p.phone(ev.RemoteNumber)
}

func (p *printer) phone(number string) string {
	if p.numbers {
		return receiver.Printable(number)
	}
	return receiver.Mask(number)
}

// line is a delivery in JSON. Names stay out, and numbers are masked unless
// they are wanted.
type line struct {
	ReceivedAt       int64  `json:"received_at"` // ms since the epoch
	Class            string `json:"class"`
	Note             string `json:"note,omitempty"`
	Missing          uint64 `json:"missing,omitempty"`
	EventID          string `json:"event_id"`
	Type             string `json:"type,omitempty"`
	AppID            string `json:"app_id,omitempty"`
	SubscriberID     string `json:"subscriber_id,omitempty"`
	SubscriberNumber string `json:"subscriber_number,omitempty"`
	RemoteNumber     string `json:"remote_number,omitempty"`
	CallID           string `json:"call_id,omitempty"`
	SequenceNumber   string `json:"sequence_number,omitempty"`
	Direction        string `json:"direction,omitempty"`
	State            string `json:"state,omitempty"`
	Phase            string `json:"phase,omitempty"`
	Cause            string `json:"cause,omitempty"`
	Synthetic        bool   `json:"synthetic,omitempty"`
	Timestamp        int64  `json:"timestamp,omitempty"`
}

func (p *printer) object(d receiver.Delivery) {
	l := line{ReceivedAt: d.At.UnixMilli(), Class: string(d.Class), Note: d.Note, Missing: d.Missing, EventID: d.ID}
	if ev := d.Event; ev != nil {
		l.Type, l.AppID, l.SubscriberID, l.CallID, l.SequenceNumber = ev.Type, ev.AppID, ev.SubscriberID, ev.CallID, ev.SequenceNumber
		l.Direction, l.State, l.Phase, l.Cause, l.Synthetic, l.Timestamp = ev.Direction, ev.State, ev.Phase, ev.Cause, ev.Synthetic, ev.Timestamp
		l.SubscriberNumber, l.RemoteNumber = p.phone(ev.SubscriberNumber), p.phone(ev.RemoteNumber)
	}
	p.encode(l)
}

func (p *printer) encode(v any) {
	e := json.NewEncoder(p.w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a terminal that is gone: the exit code still tells
}

// summary is the last line.
func (p *printer) summary(c receiver.Counts, took time.Duration) {
	if p.json {
		p.encode(map[string]any{"summary": map[string]any{
			"seconds": took.Seconds(), "events": c.Events, "streams": c.Streams, "repeats": c.Repeats, "announced_gaps": c.Announced,
			"gaps": c.Gaps, "missing": c.Missing, "disorder": c.Disorder, "conflicts": c.Conflicts,
			"unverified": c.Unverified, "malformed": c.Malformed, "failures_injected": c.Failed, "connections_dropped": c.Dropped,
			"streams_forgotten": c.Forgotten, "tests": c.Tests, "challenges": c.Challenges,
		}})
		return
	}
	fmt.Fprintf(p.w, "%s: %d events of %d streams, %d repeats, %d gaps, %d disorder, %d unverified, %d conflicts, %d malformed; on purpose: %d failures, %d connections dropped\n",
		took.Round(time.Second), c.Events, c.Streams, c.Repeats, c.Gaps, c.Disorder, c.Unverified, c.Conflicts, c.Malformed, c.Failed, c.Dropped)
	if c.Announced > 0 {
		fmt.Fprintf(p.w, "%d gaps were announced by the sender\n", c.Announced)
	}
	if c.Tests > 0 || c.Challenges > 0 {
		fmt.Fprintf(p.w, "%d test events, %d challenges\n", c.Tests, c.Challenges)
	}
	if c.Forgotten > 0 {
		fmt.Fprintf(p.w, "%d streams were forgotten to make room: gaps next to that went unseen\n", c.Forgotten)
	}
}
