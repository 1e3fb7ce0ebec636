package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answers is a server without sockets: each request gets the next answer.
type answers struct {
	list []func(w http.ResponseWriter, r *http.Request)
	got  []*http.Request
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.got = append(a.got, r)
	if len(a.list) == 0 {
		return nil, errors.New("nothing more is answered")
	}
	w := httptest.NewRecorder()
	a.list[0](w, r)
	a.list = a.list[1:]
	return w.Result(), nil
}

func (a *answers) then(status int, body string, header ...string) *answers {
	a.list = append(a.list, func(w http.ResponseWriter, _ *http.Request) {
		typ := "application/json"
		if status >= 400 {
			typ = "application/problem+json"
		}
		w.Header().Set("Content-Type", typ)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	return a
}

func (a *answers) app(t *testing.T) *App {
	t.Helper()
	api, err := NewAPI("http://offhook.test", "ok_live_1", Options{HTTP: &http.Client{Transport: a}})
	require.NoError(t, err)
	return api.App("crm")
}

const busy = `{"type":"urn:offhook:problem:busy","title":"Busy","status":503,"code":"busy","detail":"later"}`

func TestAReadWaitsAsItIsToldAndACommandIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := (&answers{}).then(503, busy, "Retry-After", "7").then(429, busy, "Retry-After", "2").then(200, `{"call_id":"callhalf-1:0"}`)
		began := time.Now()
		c, err := a.app(t).GetCall(t.Context(), "callhalf-1:0")
		require.NoError(t, err)
		require.Equal(t, "callhalf-1:0", c.CallID)
		require.Equal(t, 9*time.Second, time.Since(began))

		a = (&answers{}).then(503, busy, "Retry-After", "7").then(204, "")
		err = a.app(t).HoldCall(t.Context(), "callhalf-1:0")
		require.Equal(t, "busy", CodeOf(err))
		require.Len(t, a.got, 1)

		a = (&answers{}).then(503, busy, "Retry-After", "3600")
		_, err = a.app(t).GetCall(t.Context(), "callhalf-1:0")
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, time.Hour, e.RetryAfter)
		require.Len(t, a.got, 1, "nobody waits for an hour")
	})
}

func TestRefusalsAreProblemsAndTheRestSaysThatItIsNone(t *testing.T) {
	a := (&answers{}).then(409, `{"type":"urn:offhook:problem:wrong_state","title":"T","status":409,"code":"wrong_state","detail":"it is held","state":"held"}`)
	err := a.app(t).HoldCall(t.Context(), "callhalf-1:0")
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "held", e.State)
	require.Equal(t, "it is held (wrong_state, 409)", err.Error())

	a = &answers{list: []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>", http.StatusBadGateway)
	}}}
	require.ErrorContains(t, a.app(t).HoldCall(t.Context(), "x"), "no problem document; is that an offhook?")
}

func TestTheKeyIsNotTakenAnywhereElse(t *testing.T) {
	a := (&answers{}).then(302, "", "Location", "http://evil.test/").then(200, `[]`, "Link", `<http://evil.test/apps/crm/calls?after=x>; rel="next"`)
	_, err := a.app(t).GetCall(t.Context(), "callhalf-1:0")
	require.Error(t, err)
	require.Len(t, a.got, 1)
	_, err = Collect(a.app(t).ListCalls(t.Context(), Page{}), 0)
	require.ErrorIs(t, err, errLink)
	require.Len(t, a.got, 2)
	for _, base := range []string{"", "offhook.test", "ftp://offhook.test", "http://u:p@offhook.test", "http://offhook.test?x"} {
		_, err := NewAPI(base, "", Options{})
		require.Error(t, err, base)
	}
	_, err = NewAPI("http://offhook.test", "two\nlines", Options{})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "lines")
}

func TestAListIsReadToItsEndAndNoFurtherThanNeeded(t *testing.T) {
	a := (&answers{}).
		then(200, `[{"call_id":"1"},{"call_id":"2"}]`, "Link", `</apps/crm/calls?after=2&limit=2>; rel="next"`).
		then(200, `[]`, "Link", `</apps/crm/calls?after=3&limit=2>; rel="next"`).
		then(200, `[{"call_id":"4"}]`)
	calls, err := Collect(a.app(t).ListCalls(t.Context(), Page{Size: 2}), 0)
	require.NoError(t, err)
	require.Len(t, calls, 3)
	require.Equal(t, "after=3&limit=2", a.got[2].URL.RawQuery)

	a = (&answers{}).then(200, `[{"call_id":"1"},{"call_id":"2"}]`, "Link", `</apps/crm/calls?after=2>; rel="next"`)
	calls, err = Collect(a.app(t).ListCalls(t.Context(), Page{}), 1)
	require.NoError(t, err)
	require.Len(t, calls, 1)
	require.Len(t, a.got, 1)
}

func TestIdsKeepTheirPlaceInThePath(t *testing.T) {
	a := (&answers{}).then(200, `{}`)
	_, err := a.app(t).GetSubscriber(t.Context(), "a/../b@x?y#z")
	require.NoError(t, err)
	require.Equal(t, "/apps/crm/subscribers/a%2F..%2Fb@x%3Fy%23z", a.got[0].URL.EscapedPath())
}

func TestAnAnswerWithoutAnEndIsNotRead(t *testing.T) {
	a := (&answers{}).then(200, `"`+strings.Repeat("x", MaxBody+1))
	_, err := a.app(t).GetCall(t.Context(), "callhalf-1:0")
	require.ErrorContains(t, err, "more than 16 MiB")
}

func TestAStreamComesBackWithItsLastPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part := func(text string) func(http.ResponseWriter, *http.Request) {
			return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
		}
		a := &answers{list: []func(http.ResponseWriter, *http.Request){
			part("retry: 2000\n\nevent: snapshot\ndata: {\"calls\":[]}\nid: a\n\nevent: call.state\ndata: {\"type\":\"call.state\",\"state\":\"ringing\"}\nid: b\n\nevent: call.state\ndata: {\"type\":"),
			part(": heartbeat\nid: c\n\n"),
			func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
			part("event: call.state\ndata: {\"type\":\"call.state\",\"state\":\"held\"}\nid: d\n\n"),
		}}
		var told []string
		lost := 0
		for e, err := range a.app(t).StreamEvents(t.Context(), "", "", func(error) { lost++ }) {
			require.NoError(t, err)
			if e.Snapshot != nil {
				told = append(told, "snapshot")
				continue
			}
			if told = append(told, e.Event.State); e.ID == "d" {
				break
			}
		}
		require.Equal(t, []string{"snapshot", "ringing", "held"}, told)
		require.Equal(t, 3, lost)
		var asked []string
		for _, r := range a.got {
			asked = append(asked, r.Header.Get("Last-Event-ID"))
		}
		require.Equal(t, []string{"", "b", "c", "c"}, asked)
	})
}

func TestAStreamEndsWhenTheKeyIsGone(t *testing.T) {
	a := (&answers{}).then(401, `{"type":"t","title":"T","status":401,"code":"unauthorized","detail":"no"}`)
	ends := 0
	for _, err := range a.app(t).StreamEvents(t.Context(), "", "", nil) {
		require.Equal(t, "unauthorized", CodeOf(err))
		ends++
	}
	require.Equal(t, 1, ends)
}

// A connection that says nothing is given up.
func TestASilentStreamIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		silent := roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: hung{r.Context()}}, nil
		})
		api, err := NewAPI("http://offhook.test", "k", Options{HTTP: &http.Client{Transport: silent}})
		require.NoError(t, err)
		for _, err := range api.App("crm").StreamEvents(ctx, "", "", func(err error) { require.ErrorIs(t, err, errSilent); cancel() }) {
			require.ErrorIs(t, err, context.Canceled)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, fmt.Errorf("read: %w", context.Cause(h.ctx))
}

func (h hung) Close() error { return nil }

func TestSettingsAreLeftOutSetOrSetBack(t *testing.T) {
	no := false
	for want, s := range map[string]WebhookSettings{
		`{}`:                            {},
		`{"url":"https://crm.test"}`:    {URL: "https://crm.test"},
		`{"filter":null,"batch":false}`: {Batch: &no, Default: []string{"filter"}},
	} {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
}

func TestAKeyGoesWithWhatIsMadeAlone(t *testing.T) {
	a := (&answers{}).then(201, `{}`).then(200, `{}`).then(201, `{}`)
	admin, err := NewAdmin("http://offhook.test", "oa_1", Options{HTTP: &http.Client{Transport: a}})
	require.NoError(t, err)
	once := admin.Idempotent("monday")
	_, err = once.CreateKey(t.Context(), "crm")
	require.NoError(t, err)
	_, err = once.GetApp(t.Context(), "crm")
	require.NoError(t, err)
	_, err = admin.CreateKey(t.Context(), "crm")
	require.NoError(t, err)
	var sent []string
	for _, r := range a.got {
		sent = append(sent, r.Header.Get("Idempotency-Key"))
	}
	require.Equal(t, []string{"monday", "", ""}, sent)
}
