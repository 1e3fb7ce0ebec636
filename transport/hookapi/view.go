package hookapi

import (
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/webhook"
)

// hookView is a webhook as it is shown. The secret is, once, when it is made.
type hookView struct {
	Kind    kind        `json:"kind"`
	URL     string      `json:"url"`
	Secret  string      `json:"secret,omitempty"`
	Secrets secretsView `json:"secrets"`
	*deliveringView
}

// deliveringView is what webhooks with streams have.
type deliveringView struct {
	Batch     bool              `json:"batch"`
	Extended  bool              `json:"extended_events"`
	Filter    *filterView       `json:"filter"`
	Headers   map[string]string `json:"headers"`
	Signing   string            `json:"signing"`
	PublicKey string            `json:"signing_public_key"`
	Paused    bool              `json:"paused"`
	Disabled  string            `json:"disabled"`
	Delivery  Delivery          `json:"delivery"`
}

type secretsView struct {
	Count         int    `json:"count"`
	RotatingUntil *int64 `json:"rotating_until"` // when the last of the old ones stops
}

// Delivery is how the delivery to a webhook goes.
type Delivery struct {
	Condition   webhook.Condition `json:"condition"`
	Waiting     int               `json:"waiting_streams"`
	Parked      int               `json:"parked_streams"`
	Oldest      int64             `json:"oldest_undelivered_ms"`
	InFlight    int               `json:"in_flight"`
	Concurrency int               `json:"concurrency"`
	NextTryAt   *int64            `json:"next_try_at"`
}

func (s *API) view(app string, k kind, r tenant.Receiver, secret string) hookView {
	v := hookView{Kind: k, URL: r.URL, Secret: secret, Secrets: viewSecrets(r, s.config.Now().UnixMilli())}
	if k == operations {
		return v
	}
	v.deliveringView = &deliveringView{
		Batch: r.Batch, Extended: r.Extended, Filter: viewFilter(&r.Filter), Headers: viewHeaders(r.Headers),
		Signing: signV1, PublicKey: publicKey(r.SigningKey), Paused: r.Paused, Disabled: r.Disabled, Delivery: *s.Delivery(app, k.stream(), r),
	}
	if r.SigningKey != "" {
		v.Signing = signV1a
	}
	return v
}

func viewSecrets(r tenant.Receiver, now int64) secretsView {
	old := live(r.Retired, now)
	v := secretsView{Count: len(r.Secrets) + len(old)}
	for _, o := range old {
		if v.RotatingUntil == nil || o.Until > *v.RotatingUntil {
			v.RotatingUntil = &o.Until
		}
	}
	return v
}

// Delivery asks how it goes. Before delivery has begun, what the webhook says
// of itself is all there is.
func (s *API) Delivery(app string, kind engine.StreamKind, r tenant.Receiver) *Delivery {
	status, ok := s.config.Deliveries.StatusOf(app, kind)
	if !ok {
		status = webhook.Status{Condition: webhook.Healthy}
		switch {
		case r.Disabled != "":
			status.Condition = webhook.Disabled
		case r.Paused:
			status.Condition = webhook.Paused
		}
	}
	return &Delivery{
		Condition: status.Condition, Waiting: status.Waiting, Parked: status.Parked, Oldest: status.Oldest.Milliseconds(),
		InFlight: status.InFlight, Concurrency: status.Concurrency, NextTryAt: millis(status.NextTry),
	}
}

// millis is a time as JSON has it; null for none.
func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

func (s *API) list(ctx *fasthttp.RequestCtx, c Caller) error {
	all := []hookView{}
	for _, k := range kinds {
		if r := k.of(c.App); r.Set() {
			all = append(all, s.view(c.App.ID, k, r, ""))
		}
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, all)
}

func (s *API) get(ctx *fasthttp.RequestCtx, c Caller) error {
	k, r, err := existing(ctx, c)
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, s.view(c.App.ID, k, r, ""))
}
