package demoreceiver

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"offhook/engine"
	"offhook/transport/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

func listen(t *testing.T, out io.Writer) *Receiver {
	r, err := Listen(secret, out)
	require.NoError(t, err)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, r.Close(context.Background()))
	})
	return r
}

// post sends a webhook as a provider does, signed by the public library.
func post(t *testing.T, r *Receiver, kind engine.StreamKind, key, body string) int {
	sign, err := standardwebhooks.NewWebhook(key)
	require.NoError(t, err)
	now := time.Now()
	signature, err := sign.Sign("evt_1", now, []byte(body))
	require.NoError(t, err)
	req, err := http.NewRequest(http.MethodPost, r.Webhook(kind).URL, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("webhook-id", "evt_1")
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func body(n int, state string) string {
	return fmt.Sprintf(`{"app_id":"demo","subscriber_id":"alice@example.com","subscriber_number":"+15125551200","remote_number":"+15129104114",
		"call_id":"callhalf-13467354071:0","sequence_number":"%d","direction":"incoming","state":%q,"timestamp":1533331051226}`, n, state)
}

func TestOneReadableLineForEachEvent(t *testing.T) {
	var out bytes.Buffer
	r := listen(t, &out)
	require.Equal(t, 200, post(t, r, engine.StreamCalls, secret, body(1, "ringing")))
	require.Equal(t, "21:17:31.226  ringing   incoming  #1    callhalf-13467354071:0  alice@example.com  from +1512*****14\n", out.String())
	require.Equal(t, 200, post(t, r, engine.StreamSubscriber, secret, `{"subscriber_id":"bob","subscriber_number":"+15125551209","timestamp":1533331051226}`))
	require.Contains(t, out.String(), "21:17:31.226  provisioned  bob  +1512*****09\n")

	resp, err := http.Get(r.URL())
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), "2 events, 0 repeated, 0 gaps")
	require.Contains(t, string(page), "callhalf-13467354071:0")
	require.NotContains(t, string(page), "9104114")
}

func TestNumbersAreFollowed(t *testing.T) {
	var out bytes.Buffer
	r := listen(t, &out)
	for _, n := range []int{4, 5, 5, 8} {
		require.Equal(t, 200, post(t, r, engine.StreamCalls, secret, body(n, "active")))
	}
	require.Equal(t, Counts{Events: 4, Repeats: 1, Gaps: 1}, r.Counts())
	require.Contains(t, out.String(), "(repeated)")
	require.Contains(t, out.String(), "(2 missing before it)")
}

func TestBatchesTestsAndChallenges(t *testing.T) {
	var out bytes.Buffer
	r := listen(t, &out)
	require.Equal(t, 200, post(t, r, engine.StreamCalls, secret, "["+body(1, "ringing")+","+body(2, "active")+"]"))
	require.Equal(t, 2, strings.Count(out.String(), "\n"))
	out.Reset()
	require.Equal(t, 200, post(t, r, engine.StreamCalls, secret, `{"app_id":"demo","type":"webhook.test","timestamp":1533331051226}`))
	require.Equal(t, "21:17:31.226  test event\n", out.String())
	prober := &webhook.Prober{Poster: webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{AllowHTTP: true, AllowPrivate: true}})}
	require.NoError(t, prober.Challenge(context.Background(), "demo", r.Webhook(engine.StreamCalls)))
}

func TestWhatIsNotSignedIsRefused(t *testing.T) {
	var out bytes.Buffer
	r := listen(t, &out)
	stranger := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{8}, 32))
	require.Equal(t, 401, post(t, r, engine.StreamCalls, stranger, body(1, "ringing")))
	require.Equal(t, 400, post(t, r, engine.StreamCalls, secret, "not JSON"))
	require.Equal(t, 413, post(t, r, engine.StreamCalls, secret, strings.Repeat("x", maxBody+1)))
	require.Equal(t, Counts{Unsigned: 1}, r.Counts())
	require.Empty(t, out.String())
	_, err := Listen("whsec_short", nil)
	require.Error(t, err)
}

func TestTerminalsAreSafeFromWhatArrives(t *testing.T) {
	var out bytes.Buffer
	r := listen(t, &out)
	require.Equal(t, 200, post(t, r, engine.StreamCalls, secret, `{"subscriber_id":"\u001b[2Jalice\r\n","state":"ringing","remote_number":"\u001b]0;x\u0007"}`))
	require.NotContains(t, out.String(), "\x1b")
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
}

func TestTheGuardLetsTheDemoAppIn(t *testing.T) {
	r := listen(t, nil)
	client := webhook.NewClient(webhook.ClientConfig{Guard: webhook.Guard{Exempt: map[netip.AddrPort]string{r.Addr(): "demo"}}})
	target, err := client.Aim("demo", r.Webhook(engine.StreamCalls))
	require.NoError(t, err)
	defer target.Close()
	out := target.Post(&webhook.Parcel{ID: "evt_1", Events: []*engine.Notification{{EventID: "evt_1", Body: []byte(body(1, "ringing"))}}})
	require.Equal(t, webhook.Delivered, out.Class, "%v", out.Err)
	_, err = client.Aim("another", r.Webhook(engine.StreamCalls))
	require.ErrorIs(t, err, webhook.ErrBlocked)
}

func TestMask(t *testing.T) {
	for number, want := range map[string]string{"+15125551209": "+1512*****09", "": "", "+1512": "*****", "12345678": "12345*78"} {
		require.Equal(t, want, mask(number))
	}
}
