package hookapi

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/eventlog"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
	"offhook/transport/webhook"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

type attemptView struct {
	Subscriber string `json:"subscriber_id"`
	Sequence   string `json:"sequence_number"`
	EventID    string `json:"event_id"` // "" if the event is no longer kept
	Number     uint32 `json:"attempt"`
	At         int64  `json:"at"`
	Latency    int64  `json:"latency_ms"`
	Status     int    `json:"status"` // 0 without an answer
	Error      string `json:"error"`
	Response   string `json:"response,omitempty"`
	NextTryAt  *int64 `json:"next_try_at"`
	Redelivery bool   `json:"redelivery"`
}

func viewAttempt(a *engine.Attempt, eventID string) attemptView {
	v := attemptView{
		Subscriber: a.Stream.Subscriber, Sequence: strconv.FormatUint(a.Sequence, 10), EventID: eventID, Number: a.Number, At: a.At,
		Latency: a.Took, Status: a.Status, Error: a.Error, Response: a.Response, Redelivery: a.Redelivery,
	}
	if a.NextAt != 0 {
		v.NextTryAt = &a.NextAt
	}
	return v
}

// attempts is one page of them, those of the newest event first.
func (s *API) attempts(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	args, cursors := ctx.QueryArgs(), s.config.Cursors(c.App.ID)
	q, err := readAttemptQuery(args, cursors)
	if err != nil {
		return err
	}
	q.App, q.Kind = c.App.ID, k.stream()
	views := []attemptView{}
	ids := map[uint64]string{} // the attempts on an event come together
	last, more, err := s.config.Log.AttemptsOf(q, func(a engine.Attempt) error {
		id, known := ids[a.Index]
		if !known {
			ev, _, err := s.config.Log.Event(a.Stream, a.Sequence)
			if err != nil {
				return err
			}
			clear(ids)
			id, ids[a.Index] = ev.EventID, ev.EventID
		}
		views = append(views, viewAttempt(&a, id))
		return nil
	})
	if err != nil {
		return err
	}
	if more {
		next := fasthttp.AcquireArgs()
		defer fasthttp.ReleaseArgs(next)
		args.CopyTo(next)
		next.Set("after", writePlace(cursors, last))
		ctx.Response.Header.Set("Link", "<"+c.Base+web.Path("webhooks", string(k), "attempts")+"?"+next.String()+`>; rel="next"`)
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, views)
}

func readAttemptQuery(args *fasthttp.Args, cursors eventlog.Cursors) (q engine.AttemptQuery, err error) {
	q.Limit = defaultPage
	if args.Has("limit") {
		if q.Limit, err = strconv.Atoi(string(args.Peek("limit"))); err != nil || q.Limit < 1 {
			return q, problem.Invalid("limit", "must be a whole number from 1")
		}
		q.Limit = min(q.Limit, maxPage)
	}
	if args.Has("subscriber_id") {
		id := string(args.Peek("subscriber_id"))
		if wrong := web.CheckText(id); wrong != "" || id == "" {
			return q, problem.Invalid("subscriber_id", "must be the id of a subscriber")
		}
		q.Subscriber = engine.Fold(id)
	}
	if args.Has("sequence_number") {
		q.Sequence, err = strconv.ParseUint(string(args.Peek("sequence_number")), 10, 64)
		if err != nil || q.Sequence == 0 || q.Subscriber == "" {
			return q, problem.Invalid("sequence_number", "must be a sequence number, and come with a subscriber_id")
		}
	}
	if args.Has("failed") {
		if q.Failed, err = strconv.ParseBool(string(args.Peek("failed"))); err != nil {
			return q, problem.Invalid("failed", "must be true or false")
		}
	}
	if args.Has("after") {
		var ok bool
		if q.Behind, ok = readPlace(cursors, string(args.Peek("after"))); !ok {
			return q, problem.Invalid("after", "must come from the Link of the page before")
		}
	}
	return q, nil
}

// A cursor of attempts is the index of the event, hidden from all but the app,
// and in the clear what the app was shown:
//
//	index . sequence . at . number
func writePlace(cursors eventlog.Cursors, p engine.AttemptPlace) string {
	b := append(cursors.Hide(nil, p.Index), '.')
	b = append(strconv.AppendUint(b, p.Sequence, 36), '.')
	b = append(strconv.AppendInt(b, p.At, 36), '.')
	return string(strconv.AppendUint(b, uint64(p.Number), 36))
}

func readPlace(cursors eventlog.Cursors, text string) (p engine.AttemptPlace, ok bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return p, false
	}
	p.Index, ok = cursors.Reveal(parts[0])
	sequence, err1 := strconv.ParseUint(parts[1], 36, 64)
	at, err2 := strconv.ParseInt(parts[2], 36, 64)
	number, err3 := strconv.ParseUint(parts[3], 36, 32)
	p.Sequence, p.At, p.Number = sequence, at, uint32(number)
	return p, ok && errors.Join(err1, err2, err3) == nil
}

// redeliver sends one event again, now.
func (s *API) redeliver(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	doc, err := read(ctx)
	if err != nil {
		return err
	}
	subscriber, err := doc.Required("subscriber_id")
	if err != nil {
		return err
	}
	sequence, err := doc.Sequence("sequence_number")
	if err == nil && sequence == 0 {
		err = problem.Invalid("sequence_number", "is required")
	}
	if err != nil {
		return err
	}
	stream := engine.StreamOf(c.App.ID, subscriber, k.stream())
	ev, found, err := s.config.Log.Event(stream, sequence)
	if err == nil && !found {
		err = problem.NotFound()
	}
	if err != nil {
		return err
	}
	wait, cancel := s.within(c)
	defer cancel()
	a, err := s.config.Deliveries.Redeliver(wait, stream, sequence)
	if err != nil {
		return probing(err)
	}
	s.audit(c, k, "event redelivered", "sub", stream.Subscriber, "sequence", sequence, "status", a.Status)
	return web.WriteJSON(ctx, fasthttp.StatusOK, viewAttempt(&a, ev.EventID))
}

// probing turns what the delivery says no with into a problem.
func probing(err error) error {
	switch {
	case errors.Is(err, webhook.ErrUnknownEvent):
		return problem.NotFound()
	case errors.Is(err, webhook.ErrWaiting):
		return problem.New(engine.CodeConflict, "the event was not delivered yet: it waits its turn")
	case errors.Is(err, webhook.ErrStopped):
		return problem.New(engine.CodeConflict, "the webhook or the stream is paused or disabled; resume it first")
	case errors.Is(err, webhook.ErrBlocked):
		return problem.New(engine.CodeConflict, "the webhook cannot be used: "+err.Error())
	case errors.Is(err, webhook.ErrBusy):
		return tooMany()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem.New(engine.CodeBusy, "other deliveries of the stream took too long")
	}
	return err
}
