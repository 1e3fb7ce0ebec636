package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

func hook(kind string) string { return "/webhooks" + seg(kind) }

// ListWebhooks are the webhooks of the app.
func (a *App) ListWebhooks(ctx context.Context) (all []Webhook, err error) {
	return all, a.get(ctx, "/webhooks", &all)
}

// GetWebhook reads one.
func (a *App) GetWebhook(ctx context.Context, kind string) (w Webhook, err error) {
	return w, a.get(ctx, hook(kind), &w)
}

// PutWebhook has one be as the settings say. What they leave out is the
// default. A new one has its Secret in the answer, this once.
func (a *App) PutWebhook(ctx context.Context, kind string, s WebhookSettings) (w Webhook, err error) {
	return w, a.command(ctx, http.MethodPut, hook(kind), s, &w)
}

// PatchWebhook changes what the settings name.
func (a *App) PatchWebhook(ctx context.Context, kind string, s WebhookSettings) (w Webhook, err error) {
	return w, a.command(ctx, http.MethodPatch, hook(kind), s, &w)
}

// DeleteWebhook removes one.
func (a *App) DeleteWebhook(ctx context.Context, kind string) error {
	return a.command(ctx, http.MethodDelete, hook(kind), nil, nil)
}

// RotateSecret gives a webhook a new secret, and returns it.
func (a *App) RotateSecret(ctx context.Context, kind string, r SecretRotation) (secret string, err error) {
	var out struct {
		Secret string `json:"secret"`
	}
	err = a.command(ctx, http.MethodPut, hook(kind)+"/rotate-secret", r, &out)
	return out.Secret, err
}

// RotateSigningKey gives a webhook a new key pair, and returns the public half.
func (a *App) RotateSigningKey(ctx context.Context, kind string, r KeyRotation) (public string, err error) {
	var out struct {
		Key string `json:"signing_public_key"`
	}
	err = a.command(ctx, http.MethodPut, hook(kind)+"/rotate-signing-key", r, &out)
	return out.Key, err
}

// TestWebhook sends a test event now, and says what came of it.
func (a *App) TestWebhook(ctx context.Context, kind string) (r TestResult, err error) {
	return r, a.command(ctx, http.MethodPut, hook(kind)+"/test", nil, &r)
}

// PauseWebhook keeps events back until it is resumed.
func (a *App) PauseWebhook(ctx context.Context, kind string) error {
	return a.put(ctx, hook(kind)+"/pause", nil)
}

// ResumeWebhook goes on, with what was parked too.
func (a *App) ResumeWebhook(ctx context.Context, kind string) error {
	return a.put(ctx, hook(kind)+"/resume", nil)
}

// ListStreams are the subscribers with something undelivered.
func (a *App) ListStreams(ctx context.Context, kind string, p Page) iter.Seq2[DeliveryStream, error] {
	return list[DeliveryStream](ctx, a.link, a.path+hook(kind)+"/streams", nil, p)
}

// PauseStream keeps the events of one subscriber back.
func (a *App) PauseStream(ctx context.Context, kind, subscriber string) error {
	return a.put(ctx, hook(kind)+"/streams"+seg(subscriber)+"/pause", nil)
}

// ResumeStream goes on with those.
func (a *App) ResumeStream(ctx context.Context, kind, subscriber string) error {
	return a.put(ctx, hook(kind)+"/streams"+seg(subscriber)+"/resume", nil)
}

// ListAttempts are the tries to deliver, the newest first.
func (a *App) ListAttempts(ctx context.Context, kind string, f AttemptFilter, p Page) iter.Seq2[Attempt, error] {
	q := url.Values{}
	set(q, "subscriber_id", f.SubscriberID)
	set(q, "sequence_number", f.SequenceNumber)
	if f.Failed {
		q.Set("failed", "true")
	}
	return list[Attempt](ctx, a.link, a.path+hook(kind)+"/attempts", q, p)
}

// RedeliverEvent sends one event again, and says what came of it.
func (a *App) RedeliverEvent(ctx context.Context, kind string, r Redelivery) (t Attempt, err error) {
	return t, a.command(ctx, http.MethodPut, hook(kind)+"/redeliver", r, &t)
}

// ListRedeliveries are the tasks there are.
func (a *App) ListRedeliveries(ctx context.Context, kind string, p Page) iter.Seq2[RedeliveryTask, error] {
	return list[RedeliveryTask](ctx, a.link, a.path+hook(kind)+"/redeliveries", nil, p)
}

// StartRedelivery begins to send many events again.
func (a *App) StartRedelivery(ctx context.Context, kind string, r RedeliveryRange) (t RedeliveryTask, err error) {
	return t, a.command(ctx, http.MethodPost, hook(kind)+"/redeliveries", r, &t)
}

// GetRedelivery reads a task.
func (a *App) GetRedelivery(ctx context.Context, kind, id string) (t RedeliveryTask, err error) {
	return t, a.get(ctx, hook(kind)+"/redeliveries"+seg(id), &t)
}

// CancelRedelivery ends a task where it is.
func (a *App) CancelRedelivery(ctx context.Context, kind, id string) error {
	return a.command(ctx, http.MethodDelete, hook(kind)+"/redeliveries"+seg(id), nil, nil)
}
