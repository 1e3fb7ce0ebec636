package hookapi

import (
	"slices"
	"strconv"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
	"offhook/transport/webhook"
)

const maxHeld = 1000 // paused streams of one webhook

func (s *API) pause(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	err = s.changeSet(c, k, "paused", func(was tenant.Receiver) (tenant.Receiver, error) {
		was.Paused = true
		return was, nil
	})
	if err != nil {
		return err
	}
	return noContent(ctx)
}

// resume lets a webhook go on, whatever stopped it, and with what is parked.
func (s *API) resume(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	err = s.changeSet(c, k, "resumed", func(was tenant.Receiver) (tenant.Receiver, error) {
		was.Paused, was.Disabled = false, ""
		return was, nil
	})
	if err != nil {
		return err
	}
	s.config.Deliveries.Resume(c.App.ID, k.stream())
	return noContent(ctx)
}

type streamView struct {
	Subscriber string `json:"subscriber_id"`
	Sequence   string `json:"sequence_number"` // of the event that waits first
	Since      int64  `json:"waiting_since"`
	Failures   int    `json:"failures"`
	NextTryAt  *int64 `json:"next_try_at"`
	Parked     bool   `json:"parked"`
	Paused     bool   `json:"paused"`
}

func (s *API) streams(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	app := c.App.ID
	path := c.Base + web.Path("webhooks", string(k), "streams")
	return web.WriteList(ctx, path, func(after string, limit int, item func([]byte)) (string, error) {
		n, last, next := 0, "", ""
		// One more than is wanted, to know whether there is a next page.
		err := s.config.Deliveries.Streams(app, k.stream(), after, limit+1, func(st webhook.StreamStatus) error {
			if n++; n > limit {
				next = last
				return nil
			}
			last = st.Subscriber
			b, err := web.Encode(streamView{
				Subscriber: st.Subscriber, Sequence: strconv.FormatUint(st.Sequence, 10), Since: st.Since, Failures: st.Failures,
				NextTryAt: millis(st.NextTry), Parked: st.Parked, Paused: st.Paused,
			})
			if err == nil {
				item(b)
			}
			return err
		})
		return next, err
	})
}

// stream is the stream a path names. It must be one the app has: whose
// subscriber it may follow, or that has something to deliver or is paused
// although it may not any more. Anybody else's looks like nobody's.
func (s *API) stream(ctx *fasthttp.RequestCtx, c Caller) (kind, engine.StreamID, error) {
	k, r, err := existingDelivering(ctx, c)
	if err != nil {
		return "", engine.StreamID{}, err
	}
	id, err := web.Param(ctx, "subscriber_id")
	if err != nil {
		return "", engine.StreamID{}, err
	}
	stream := engine.StreamOf(c.App.ID, id, k.stream())
	if slices.Contains(r.Held, stream.Subscriber) {
		return k, stream, nil
	}
	info, found, err := s.config.Tenants.Subscriber(id)
	if err != nil {
		return "", stream, err
	}
	if found && slices.Contains(info.Apps, c.App.ID) {
		return k, stream, nil
	}
	if _, waits, err := s.config.Log.Next(stream, 0); err != nil || waits {
		return k, stream, err
	}
	return "", stream, problem.NotFound()
}

func (s *API) pauseStream(ctx *fasthttp.RequestCtx, c Caller) error {
	k, stream, err := s.stream(ctx, c)
	if err != nil {
		return err
	}
	err = s.changeSet(c, k, "stream paused", func(was tenant.Receiver) (tenant.Receiver, error) {
		i, held := slices.BinarySearch(was.Held, stream.Subscriber)
		switch {
		case held:
		case len(was.Held) >= maxHeld:
			return was, problem.Invalid("subscriber_id", "cannot be paused: 1,000 streams are; pause the webhook instead")
		default:
			was.Held = slices.Insert(slices.Clone(was.Held), i, stream.Subscriber)
		}
		return was, nil
	}, "sub", stream.Subscriber)
	if err != nil {
		return err
	}
	return noContent(ctx)
}

func (s *API) resumeStream(ctx *fasthttp.RequestCtx, c Caller) error {
	k, stream, err := s.stream(ctx, c)
	if err != nil {
		return err
	}
	err = s.changeSet(c, k, "stream resumed", func(was tenant.Receiver) (tenant.Receiver, error) {
		if i, held := slices.BinarySearch(was.Held, stream.Subscriber); held {
			was.Held = slices.Delete(slices.Clone(was.Held), i, i+1)
		}
		if len(was.Held) == 0 {
			was.Held = nil
		}
		return was, nil
	}, "sub", stream.Subscriber)
	if err != nil {
		return err
	}
	s.config.Deliveries.ResumeStream(c.App.ID, stream.Subscriber, k.stream())
	return noContent(ctx)
}
