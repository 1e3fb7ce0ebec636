package client

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
)

// Admin is the admin listener, for whoever runs offhook.
type Admin struct {
	link *link
	key  string // the idempotency key of what is sent; empty for none
}

// NewAdmin is the admin API at a base URL, with its token.
func NewAdmin(base, token string, o Options) (*Admin, error) {
	l, err := dial(base, token, o)
	return &Admin{link: l}, err
}

// Idempotent is the admin API with that key for the one thing that is made
// next: an app, a key, a network, or another secret path.
func (a *Admin) Idempotent(key string) *Admin { return &Admin{a.link, key} }

// Close lets connections go that nobody uses.
func (a *Admin) Close() { a.link.close() }

// App is the app of that id, in whose place the operator acts. It has no
// streams.
func (a *Admin) App(id string) *App { return &App{link: a.link, path: "/admin/apps" + seg(id)} }

func (a *Admin) do(ctx context.Context, method, path string, in, out any) error {
	c := call{method: method, path: path, body: in}
	if a.key != "" && method == http.MethodPost {
		c.header = http.Header{"Idempotency-Key": {a.key}}
	}
	_, err := a.link.do(ctx, c, out)
	return err
}

// AppInfo is an app as it is provisioned.
type AppInfo struct {
	AppID             string   `json:"app_id"`
	Name              string   `json:"name"`
	CallsWebhook      *AppHook `json:"calls_webhook"`
	SubscriberWebhook *AppHook `json:"subscriber_webhook"`
	Challenge         bool     `json:"challenge"`
	Keys              []Key    `json:"keys"`
	CreatedAt         int64    `json:"created_at"`
}

// AppHook is a webhook by its URL. Its secret is shown once.
type AppHook struct {
	URL      string    `json:"url"`
	Secret   string    `json:"secret,omitempty"`
	Delivery *Delivery `json:"delivery,omitempty"` // in a list of apps
}

// Key is what is known of a key; not the key.
type Key struct {
	KeyID     string   `json:"key_id"`
	Scopes    []string `json:"scopes"`
	CreatedAt int64    `json:"created_at"`
}

// NewApp is an app to make. Empty members are left out.
type NewApp struct {
	AppID             string   `json:"app_id,omitempty"`
	Name              string   `json:"name"`
	Challenge         bool     `json:"challenge,omitempty"`
	CallsWebhook      *AppHook `json:"calls_webhook,omitempty"`
	SubscriberWebhook *AppHook `json:"subscriber_webhook,omitempty"`
}

// CreatedApp is an app that was just made, with what is shown this once.
type CreatedApp struct {
	AppID             string   `json:"app_id"`
	Name              string   `json:"name"`
	APIKey            string   `json:"api_key"`
	CallsWebhook      *AppHook `json:"calls_webhook"`
	SubscriberWebhook *AppHook `json:"subscriber_webhook"`
}

// CreatedKey is a key that was just made, shown this once.
type CreatedKey struct {
	KeyID  string   `json:"key_id"`
	APIKey string   `json:"api_key"`
	Scopes []string `json:"scopes"`
}

// ListApps are the apps in the order in which they were made.
func (a *Admin) ListApps(ctx context.Context, p Page) iter.Seq2[AppInfo, error] {
	return list[AppInfo](ctx, a.link, "/admin/apps", nil, p)
}

// CreateApp makes one.
func (a *Admin) CreateApp(ctx context.Context, n NewApp) (c CreatedApp, err error) {
	return c, a.do(ctx, http.MethodPost, "/admin/apps", n, &c)
}

// GetApp reads one.
func (a *Admin) GetApp(ctx context.Context, id string) (i AppInfo, err error) {
	return i, a.do(ctx, http.MethodGet, "/admin/apps"+seg(id), nil, &i)
}

// PatchApp changes what the body names; null removes a webhook.
func (a *Admin) PatchApp(ctx context.Context, id string, changes map[string]any) (i AppInfo, err error) {
	return i, a.do(ctx, http.MethodPatch, "/admin/apps"+seg(id), changes, &i)
}

// DeleteApp deletes one, its keys first.
func (a *Admin) DeleteApp(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, "/admin/apps"+seg(id), nil, nil)
}

// CreateKey makes a key, with all scopes unless some are named.
func (a *Admin) CreateKey(ctx context.Context, app string, scopes ...string) (k CreatedKey, err error) {
	in := struct {
		Scopes []string `json:"scopes,omitempty"`
	}{scopes}
	return k, a.do(ctx, http.MethodPost, "/admin/apps"+seg(app)+"/keys", in, &k)
}

// DeleteKey revokes a key.
func (a *Admin) DeleteKey(ctx context.Context, app, key string) error {
	return a.do(ctx, http.MethodDelete, "/admin/apps"+seg(app)+"/keys"+seg(key), nil, nil)
}

// LinkSubscriber lets an app follow a subscriber.
func (a *Admin) LinkSubscriber(ctx context.Context, app, subscriber string) error {
	return a.do(ctx, http.MethodPut, "/admin/apps"+seg(app)+"/subscribers"+seg(subscriber), nil, nil)
}

// UnlinkSubscriber ends that.
func (a *Admin) UnlinkSubscriber(ctx context.Context, app, subscriber string) error {
	return a.do(ctx, http.MethodDelete, "/admin/apps"+seg(app)+"/subscribers"+seg(subscriber), nil, nil)
}

// ProvisionedSubscriber is a subscriber as it is provisioned.
type ProvisionedSubscriber struct {
	SubscriberID        string          `json:"subscriber_id"`
	SubscriberNumber    string          `json:"subscriber_number"`
	Extension           string          `json:"extension,omitempty"`
	SubscriberName      string          `json:"subscriber_name"`
	SubscriberAccountID string          `json:"subscriber_account_id"`
	NetworkID           string          `json:"network_id"`
	ProviderUserID      string          `json:"provider_user_id"`
	Apps                []string        `json:"apps"`
	LogID               string          `json:"log_id,omitempty"`
	ProviderStatus      *ProviderStatus `json:"provider_status,omitempty"`
}

// ProviderStatus is how a subscriber stands at its platform. Times are ms
// since 1970.
type ProviderStatus struct {
	State   string `json:"state"`
	Detail  string `json:"detail,omitempty"`
	Since   int64  `json:"since,omitempty"`
	RetryAt int64  `json:"retry_at,omitempty"`
}

// SubscriberProfile is a subscriber as it is to be.
type SubscriberProfile struct {
	SubscriberNumber    string `json:"subscriber_number"`
	SubscriberName      string `json:"subscriber_name,omitempty"`
	SubscriberAccountID string `json:"subscriber_account_id,omitempty"`
	NetworkID           string `json:"network_id"`
	ProviderUserID      string `json:"provider_user_id,omitempty"`
	Extension           string `json:"extension,omitempty"`
}

// BulkResult is what came of the lines of an upload.
type BulkResult struct {
	Created       int          `json:"created"`
	Updated       int          `json:"updated"`
	Failed        []FailedLine `json:"failed"`
	FailedOmitted int          `json:"failed_omitted,omitempty"`
}

// FailedLine is a line, counted from 1, and why it was not carried out.
type FailedLine struct {
	Line   int    `json:"line"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// ListSubscribers are the subscribers; those alone that have all words of the
// search, if it is not empty.
func (a *Admin) ListSubscribers(ctx context.Context, search string, p Page) iter.Seq2[ProvisionedSubscriber, error] {
	q := url.Values{}
	set(q, "q", search)
	return list[ProvisionedSubscriber](ctx, a.link, "/admin/subscribers", q, p)
}

// ProvisionSubscribers carries lines of NDJSON out as they are read. Nothing
// bounds how long it takes but ctx.
func (a *Admin) ProvisionSubscribers(ctx context.Context, lines io.Reader) (r BulkResult, err error) {
	_, err = a.link.do(ctx, call{method: http.MethodPost, path: "/admin/subscribers", stream: lines, typ: "application/x-ndjson", endless: true}, &r)
	return r, err
}

// GetSubscriber reads one.
func (a *Admin) GetSubscriber(ctx context.Context, id string) (s ProvisionedSubscriber, err error) {
	return s, a.do(ctx, http.MethodGet, "/admin/subscribers"+seg(id), nil, &s)
}

// PutSubscriber makes a subscriber, or has it be as the profile says.
func (a *Admin) PutSubscriber(ctx context.Context, id string, p SubscriberProfile) (s ProvisionedSubscriber, err error) {
	return s, a.do(ctx, http.MethodPut, "/admin/subscribers"+seg(id), p, &s)
}

// DeleteSubscriber deletes one.
func (a *Admin) DeleteSubscriber(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, "/admin/subscribers"+seg(id), nil, nil)
}

// Network is a platform.
type Network struct {
	NetworkID    string          `json:"network_id"`
	Provider     string          `json:"provider"`
	BroadWorks   json.RawMessage `json:"broadworks"` // how it is reached
	Dialing      json.RawMessage `json:"dialing"`
	ReadOnly     bool            `json:"read_only"` // it is in the config file
	Link         *NetworkLink    `json:"link,omitempty"`
	Provisioning *Provisioning   `json:"provisioning,omitempty"`
}

// NetworkLink is how a platform and its subscriptions are.
type NetworkLink struct {
	State      string `json:"state"` // down, up, gate_closed, duplicate
	Detail     string `json:"detail,omitempty"`
	Since      int64  `json:"since"` // ms since 1970
	Channels   int    `json:"channels"`
	Followed   int    `json:"followed"`
	Subscribed int    `json:"subscribed"`
	Refused    int    `json:"refused"`
}

// Provisioning is how subscribers come and go by themselves. Times are ms since
// 1970.
type Provisioning struct {
	Source      string         `json:"source"` // directory, oci
	State       string         `json:"state"`  // starting, ok, failing, braked
	Entries     int            `json:"entries"`
	Subscribers int            `json:"subscribers"`
	ByHand      int            `json:"by_hand"`
	Conflicts   int            `json:"conflicts"`
	Skipped     int            `json:"skipped"`
	UnknownApps []string       `json:"unknown_apps"`
	Added       int            `json:"added"` // since the start; so are the next three
	Changed     int            `json:"changed"`
	Renamed     int            `json:"renamed"`
	Deleted     int            `json:"deleted"`
	LastFullAt  *int64         `json:"last_full_at"`
	LastError   string         `json:"last_error"`
	LastErrorAt *int64         `json:"last_error_at"`
	Held        *HeldDeletions `json:"held"`
}

// HeldDeletions are deletions that wait to be confirmed.
type HeldDeletions struct {
	Missing int   `json:"missing"`
	Of      int   `json:"of"`
	Since   int64 `json:"since"`
}

// ListNetworks are the platforms.
func (a *Admin) ListNetworks(ctx context.Context, p Page) iter.Seq2[Network, error] {
	return list[Network](ctx, a.link, "/admin/networks", nil, p)
}

// GetNetwork reads one.
func (a *Admin) GetNetwork(ctx context.Context, id string) (n Network, err error) {
	return n, a.do(ctx, http.MethodGet, "/admin/networks"+seg(id), nil, &n)
}

// CreateNetwork makes one of a JSON object.
func (a *Admin) CreateNetwork(ctx context.Context, settings json.RawMessage) (n Network, err error) {
	return n, a.do(ctx, http.MethodPost, "/admin/networks", settings, &n)
}

// PatchNetwork changes what a JSON object names.
func (a *Admin) PatchNetwork(ctx context.Context, id string, changes json.RawMessage) (n Network, err error) {
	return n, a.do(ctx, http.MethodPatch, "/admin/networks"+seg(id), changes, &n)
}

// DeleteNetwork deletes one that has no subscribers.
func (a *Admin) DeleteNetwork(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodDelete, "/admin/networks"+seg(id), nil, nil)
}

// RotateContact has events of a network be POSTed to a new URL.
func (a *Admin) RotateContact(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodPost, "/admin/networks"+seg(id)+"/contact/rotate", nil, nil)
}

// ConfirmProvisioning lets the deletions go on that were held back.
func (a *Admin) ConfirmProvisioning(ctx context.Context, id string) error {
	return a.do(ctx, http.MethodPut, "/admin/networks"+seg(id)+"/provisioning/confirm", nil, nil)
}

// About is which offhook that is. Now is ms since 1970.
type About struct {
	Version   string `json:"version"`
	Simulator bool   `json:"simulator"`
	Now       int64  `json:"now"`
}

// GetAbout asks which offhook that is.
func (a *Admin) GetAbout(ctx context.Context) (i About, err error) {
	return i, a.do(ctx, http.MethodGet, "/admin/about", nil, &i)
}

// LiveCall is a live call of any app.
type LiveCall struct {
	Call
	NetworkID string   `json:"network_id"`
	Apps      []string `json:"apps"`
}

// ListAllCalls are the live calls of all subscribers.
func (a *Admin) ListAllCalls(ctx context.Context, p Page) iter.Seq2[LiveCall, error] {
	return list[LiveCall](ctx, a.link, "/admin/calls", nil, p)
}

// GetLog is how much is logged: debug, info, warn, error.
func (a *Admin) GetLog(ctx context.Context) (level string, err error) {
	return a.log(ctx, http.MethodGet, nil)
}

// PutLog has more or less logged.
func (a *Admin) PutLog(ctx context.Context, level string) (now string, err error) {
	return a.log(ctx, http.MethodPut, map[string]string{"level": level})
}

func (a *Admin) log(ctx context.Context, method string, in any) (string, error) {
	var out struct {
		Level string `json:"level"`
	}
	err := a.do(ctx, method, "/admin/log", in, &out)
	return out.Level, err
}

// Readiness is whether all goes on, and what does not.
type Readiness struct {
	Ready    bool     `json:"ready"`
	NotReady []string `json:"not_ready"`
}

// GetReadiness asks that. Not to be ready is no error.
func (a *Admin) GetReadiness(ctx context.Context) (r Readiness, err error) {
	req := call{method: http.MethodGet, path: "/readyz"}
	return r, a.link.ready(ctx, req, &r)
}

// Backup is a copy that was made on the server's disk.
type Backup struct {
	Dir    string `json:"dir"`
	TookMS int64  `json:"took_ms"`
}

// CreateBackup makes a copy in a directory of the server that is not there yet.
// Nothing bounds how long it takes but ctx.
func (a *Admin) CreateBackup(ctx context.Context, dir string) (b Backup, err error) {
	in := map[string]string{"dir": dir}
	_, err = a.link.do(ctx, call{method: http.MethodPost, path: "/admin/backup", body: in, endless: true}, &b)
	return b, err
}
