package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// API is the public listener, for whoever has an app's key.
type API struct{ link *link }

// NewAPI is the API at a base URL, with a key.
func NewAPI(base, key string, o Options) (*API, error) {
	l, err := dial(base, key, o)
	return &API{l}, err
}

// Close lets connections go that nobody uses.
func (a *API) Close() { a.link.close() }

// App is the app of that id.
func (a *API) App(id string) *App { return &App{link: a.link, path: "/apps" + seg(id)} }

// GetDocument is what the listener says of itself, an OpenAPI document.
func (a *API) GetDocument(ctx context.Context) (text string, err error) {
	_, err = a.link.do(ctx, call{method: http.MethodGet, path: "/openapi.yaml"}, &text)
	return text, err
}

// GetReference is the same for people, as HTML.
func (a *API) GetReference(ctx context.Context) (text string, err error) {
	_, err = a.link.do(ctx, call{method: http.MethodGet, path: "/reference"}, &text)
	return text, err
}

// App is what one app may do, with its own key or, streams excepted, in its
// place with the admin token.
type App struct {
	link *link
	path string
	key  string // the idempotency key of what is sent; empty for none
}

// Idempotent is the app, with that key for the one command that is sent next.
// The same command with the same key is done once, however often it is sent.
func (a *App) Idempotent(key string) *App {
	b := *a
	b.key = key
	return &b
}

func (a *App) get(ctx context.Context, path string, out any) error {
	_, err := a.link.do(ctx, call{method: http.MethodGet, path: a.path + path}, out)
	return err
}

// command sends what changes something.
func (a *App) command(ctx context.Context, method, path string, in, out any) error {
	c := call{method: method, path: a.path + path, body: in}
	if a.key != "" {
		c.header = http.Header{"Idempotency-Key": {a.key}}
	}
	_, err := a.link.do(ctx, c, out)
	return err
}

func (a *App) put(ctx context.Context, path string, in any) error {
	return a.command(ctx, http.MethodPut, path, in, nil)
}

// ListCalls are the live calls.
func (a *App) ListCalls(ctx context.Context, p Page) iter.Seq2[Call, error] {
	return list[Call](ctx, a.link, a.path+"/calls", nil, p)
}

// PlaceCall rings the subscriber, then the far end. It returns when the call
// is durable.
func (a *App) PlaceCall(ctx context.Context, n NewCall) (c Call, err error) {
	return c, a.command(ctx, http.MethodPost, "/calls", n, &c)
}

// RetrieveCall takes a parked call back.
func (a *App) RetrieveCall(ctx context.Context, n NewRetrieval) (c Call, err error) {
	return c, a.command(ctx, http.MethodPost, "/calls/retrieve", n, &c)
}

// GetCall reads a call, live or over.
func (a *App) GetCall(ctx context.Context, id string) (c Call, err error) {
	return c, a.get(ctx, "/calls"+seg(id), &c)
}

// EndCall hangs up.
func (a *App) EndCall(ctx context.Context, id string) error {
	return a.command(ctx, http.MethodDelete, "/calls"+seg(id), nil, nil)
}

// AnswerCall answers.
func (a *App) AnswerCall(ctx context.Context, id string) error { return a.verb(ctx, id, "answer", nil) }

// DeclineCall refuses a call that rings.
func (a *App) DeclineCall(ctx context.Context, id string) error {
	return a.verb(ctx, id, "decline", nil)
}

// HoldCall puts the far end on hold.
func (a *App) HoldCall(ctx context.Context, id string) error { return a.verb(ctx, id, "hold", nil) }

// ResumeCall takes the far end off hold.
func (a *App) ResumeCall(ctx context.Context, id string) error { return a.verb(ctx, id, "resume", nil) }

// ReconnectCall takes this call off hold and ends the others.
func (a *App) ReconnectCall(ctx context.Context, id string) error {
	return a.verb(ctx, id, "reconnect", nil)
}

// DivertCall sends a call that rings elsewhere.
func (a *App) DivertCall(ctx context.Context, id string, d Divert) error {
	return a.verb(ctx, id, "divert", d)
}

// TransferCall hands a call over, unannounced.
func (a *App) TransferCall(ctx context.Context, id string, t Transfer) error {
	return a.verb(ctx, id, "transfer", t)
}

// MuteTransferCall hands a call over without a sound at the far end.
func (a *App) MuteTransferCall(ctx context.Context, id string, t Transfer) error {
	return a.verb(ctx, id, "mute-transfer", t)
}

// ConsultTransferCall joins the far ends of two calls.
func (a *App) ConsultTransferCall(ctx context.Context, id string, t ConsultTransfer) error {
	return a.verb(ctx, id, "consult-transfer", t)
}

// ParkCall parks a call.
func (a *App) ParkCall(ctx context.Context, id string, p Park) error {
	return a.verb(ctx, id, "park", p)
}

// SendDigits sends tones.
func (a *App) SendDigits(ctx context.Context, id string, d Digits) error {
	return a.verb(ctx, id, "dtmf", d)
}

// StartRecording records a call from now on.
func (a *App) StartRecording(ctx context.Context, id string) error {
	return a.verb(ctx, id, "recording/start", nil)
}

// PauseRecording leaves out what follows.
func (a *App) PauseRecording(ctx context.Context, id string) error {
	return a.verb(ctx, id, "recording/pause", nil)
}

// ResumeRecording ends the pause.
func (a *App) ResumeRecording(ctx context.Context, id string) error {
	return a.verb(ctx, id, "recording/resume", nil)
}

// StopRecording ends the recording.
func (a *App) StopRecording(ctx context.Context, id string) error {
	return a.verb(ctx, id, "recording/stop", nil)
}

func (a *App) verb(ctx context.Context, id, verb string, in any) error {
	return a.put(ctx, "/calls"+seg(id)+"/"+verb, in)
}

// GetTimeline is all that is known of how a call went.
func (a *App) GetTimeline(ctx context.Context, id string) (steps []Step, err error) {
	return steps, a.get(ctx, "/calls"+seg(id)+"/timeline", &steps)
}

// ListCallHistory are the calls that are over, the newest first.
func (a *App) ListCallHistory(ctx context.Context, f HistoryFilter, p Page) iter.Seq2[Call, error] {
	q := url.Values{}
	set(q, "subscriber_id", f.SubscriberID)
	set(q, "direction", f.Direction)
	set(q, "answered", f.Answered)
	set(q, "cause", f.Cause)
	if f.From != 0 {
		q.Set("from", strconv.FormatInt(f.From, 10))
	}
	if f.To != 0 {
		q.Set("to", strconv.FormatInt(f.To, 10))
	}
	return list[Call](ctx, a.link, a.path+"/call-history", q, p)
}

// ListConferences are the conferences that are on.
func (a *App) ListConferences(ctx context.Context, p Page) iter.Seq2[Conference, error] {
	return list[Conference](ctx, a.link, a.path+"/conferences", nil, p)
}

// StartConference joins calls of one subscriber.
func (a *App) StartConference(ctx context.Context, n NewConference) (c Conference, err error) {
	return c, a.command(ctx, http.MethodPost, "/conferences", n, &c)
}

// GetConference reads one.
func (a *App) GetConference(ctx context.Context, id string) (c Conference, err error) {
	return c, a.get(ctx, "/conferences"+seg(id), &c)
}

// EndConference ends one, and its calls.
func (a *App) EndConference(ctx context.Context, id string) error {
	return a.command(ctx, http.MethodDelete, "/conferences"+seg(id), nil, nil)
}

// MuteParticipant has nobody hear a participant.
func (a *App) MuteParticipant(ctx context.Context, conference, id string) error {
	return a.participant(ctx, conference, id, "mute")
}

// UnmuteParticipant undoes that.
func (a *App) UnmuteParticipant(ctx context.Context, conference, id string) error {
	return a.participant(ctx, conference, id, "unmute")
}

// DeafenParticipant has a participant hear nobody.
func (a *App) DeafenParticipant(ctx context.Context, conference, id string) error {
	return a.participant(ctx, conference, id, "deaf")
}

// UndeafenParticipant undoes that.
func (a *App) UndeafenParticipant(ctx context.Context, conference, id string) error {
	return a.participant(ctx, conference, id, "undeaf")
}

func (a *App) participant(ctx context.Context, conference, id, verb string) error {
	return a.put(ctx, "/conferences"+seg(conference)+"/participants"+seg(id)+"/"+verb, nil)
}

// ListSubscribers are those the app follows.
func (a *App) ListSubscribers(ctx context.Context, p Page) iter.Seq2[Subscriber, error] {
	return list[Subscriber](ctx, a.link, a.path+"/subscribers", nil, p)
}

// GetSubscriber reads one.
func (a *App) GetSubscriber(ctx context.Context, id string) (s Subscriber, err error) {
	return s, a.get(ctx, "/subscribers"+seg(id), &s)
}

// ListSubscriberCalls are its live calls.
func (a *App) ListSubscriberCalls(ctx context.Context, id string, p Page) iter.Seq2[Call, error] {
	return list[Call](ctx, a.link, a.path+"/subscribers"+seg(id)+"/calls", nil, p)
}

// ListNetworks are the platforms of its subscribers.
func (a *App) ListNetworks(ctx context.Context, p Page) iter.Seq2[AppNetwork, error] {
	return list[AppNetwork](ctx, a.link, a.path+"/networks", nil, p)
}

// GetNetwork reads one.
func (a *App) GetNetwork(ctx context.Context, id string) (n AppNetwork, err error) {
	return n, a.get(ctx, "/networks"+seg(id), &n)
}
