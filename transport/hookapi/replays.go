package hookapi

import (
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
	"offhook/transport/webhook/replay"
)

type taskView struct {
	ID         string  `json:"task_id"`
	State      string  `json:"state"`
	Subscriber *string `json:"subscriber_id"`
	From       *string `json:"from_sequence"`
	To         *string `json:"to_sequence"`
	Since      *int64  `json:"since"`
	Until      *int64  `json:"until"`
	Total      uint64  `json:"total"`
	More       bool    `json:"total_is_partial"`
	Done       uint64  `json:"done"`
	Delivered  uint64  `json:"delivered"`
	Failed     uint64  `json:"failed"`
	CreatedAt  int64   `json:"created_at"`
	UpdatedAt  int64   `json:"updated_at"`
	Error      string  `json:"error"`
}

func viewTask(t *replay.Task) taskView {
	v := taskView{
		ID: t.ID, State: t.State.String(), From: number(t.Range.From), To: number(t.Range.To),
		Total: t.Total, More: t.More, Done: t.Done, Delivered: t.Delivered, Failed: t.Failed,
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, Error: t.Error,
	}
	if t.Range.Subscriber != "" {
		v.Subscriber = &t.Range.Subscriber
	}
	if t.Range.Since != 0 {
		v.Since = &t.Range.Since
	}
	if t.Range.Until != 0 {
		v.Until = &t.Range.Until
	}
	return v
}

func number(n uint64) *string {
	if n == 0 {
		return nil
	}
	text := strconv.FormatUint(n, 10)
	return &text
}

func (s *API) startReplay(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	doc, err := readOptional(ctx)
	if err != nil {
		return err
	}
	of, err := readRange(doc)
	if err != nil {
		return err
	}
	of.App, of.Kind = c.App.ID, k.stream()
	t, err := s.config.Replays.Start(of)
	switch {
	case errors.Is(err, replay.ErrBusy):
		return problem.New(problem.CodeRateLimited, "as many tasks run as may; wait for one to end, or cancel it")
	case errors.Is(err, replay.ErrNoWebhook):
		return problem.NotFound()
	case errors.Is(err, replay.ErrStopped):
		return problem.New(engine.CodeBusy, "no task can begin now")
	case errors.Is(err, replay.ErrRange):
		return problem.Invalid("until", "must leave a range that is not empty")
	case err != nil:
		return err
	}
	s.audit(c, k, "redelivery begun", "task", t.ID)
	ctx.Response.Header.Set(fasthttp.HeaderLocation, c.Base+web.Path("webhooks", string(k), "redeliveries", t.ID))
	return web.WriteJSON(ctx, fasthttp.StatusAccepted, viewTask(&t))
}

func readRange(doc web.Object) (of replay.Range, err error) {
	if of.Subscriber, err = doc.Text("subscriber_id"); err != nil {
		return of, err
	}
	for _, f := range []struct {
		name string
		to   *uint64
	}{{"from_sequence", &of.From}, {"to_sequence", &of.To}} {
		if *f.to, err = doc.Sequence(f.name); err != nil {
			return of, err
		}
		if *f.to != 0 && of.Subscriber == "" {
			return of, problem.Invalid(f.name, "must come with a subscriber_id")
		}
	}
	for _, f := range []struct {
		name string
		to   *int64
	}{{"since", &of.Since}, {"until", &of.Until}} {
		if *f.to, err = doc.Whole(f.name, 0, 0, math.MaxInt64); err != nil {
			return of, err
		}
	}
	switch {
	case of.To != 0 && of.From > of.To:
		return of, problem.Invalid("to_sequence", "must not be before from_sequence")
	case of.Until != 0 && of.Since >= of.Until:
		return of, problem.Invalid("until", "must be after since")
	}
	of.Subscriber = engine.Fold(of.Subscriber)
	return of, nil
}

func (s *API) replays(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	tasks := slices.DeleteFunc(s.config.Replays.Tasks(c.App.ID), func(t replay.Task) bool { return t.Range.Kind != k.stream() })
	path := c.Base + web.Path("webhooks", string(k), "redeliveries")
	return web.WriteList(ctx, path, func(after string, limit int, item func([]byte)) (string, error) {
		i := 0
		if after != "" {
			if i = slices.IndexFunc(tasks, func(t replay.Task) bool { return t.ID == after }) + 1; i == 0 {
				return "", problem.Invalid("after", "names a task that is no longer kept")
			}
		}
		n := min(len(tasks), i+limit)
		for ; i < n; i++ {
			b, err := web.Encode(viewTask(&tasks[i]))
			if err != nil {
				return "", err
			}
			item(b)
		}
		if n < len(tasks) {
			return tasks[n-1].ID, nil
		}
		return "", nil
	})
}

// task is the one a path names.
func (s *API) task(ctx *fasthttp.RequestCtx, c Caller) (kind, replay.Task, error) {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return "", replay.Task{}, err
	}
	id, err := web.Param(ctx, "task_id")
	if err != nil {
		return "", replay.Task{}, err
	}
	t, found := s.config.Replays.Task(c.App.ID, id)
	if !found || t.Range.Kind != k.stream() {
		return "", replay.Task{}, problem.NotFound()
	}
	return k, t, nil
}

func (s *API) replay(ctx *fasthttp.RequestCtx, c Caller) error {
	_, t, err := s.task(ctx, c)
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, viewTask(&t))
}

// cancelReplay ends a task. One that has ended stays as it is.
func (s *API) cancelReplay(ctx *fasthttp.RequestCtx, c Caller) error {
	k, t, err := s.task(ctx, c)
	if err != nil {
		return err
	}
	if s.config.Replays.Cancel(c.App.ID, t.ID) {
		s.audit(c, k, "redelivery canceled", "task", t.ID)
	}
	return noContent(ctx)
}
