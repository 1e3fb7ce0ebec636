package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
)

func newSecret(n int) string {
	key := make([]byte, n)
	rand.Read(key)
	return secretPrefix + base64.StdEncoding.EncodeToString(key)
}

func TestReceiversWithTheStandardLibraryAcceptOurSignatures(t *testing.T) {
	secrets := []string{newSecret(32), newSecret(24), newSecret(64)}
	keys, err := decodeSecrets(secrets)
	require.NoError(t, err)
	sign := newSigner(keys)
	now := time.Now().Unix()
	for _, body := range []string{`{"state":"ringing"}`, "", strings.Repeat("ü", 5000)} {
		header := http.Header{}
		header.Set("webhook-id", "evt_1")
		header.Set("webhook-timestamp", strconv.FormatInt(now, 10))
		header.Set("webhook-signature", string(sign.append(nil, "evt_1", now, []byte(body))))
		require.Len(t, strings.Split(header.Get("webhook-signature"), " "), 3)
		for _, secret := range secrets {
			wh, err := standardwebhooks.NewWebhook(secret)
			require.NoError(t, err)
			require.NoError(t, wh.Verify([]byte(body), header), "each live secret verifies")
			require.Error(t, wh.Verify([]byte(body+" "), header))
		}
		stranger, err := standardwebhooks.NewWebhook(newSecret(32))
		require.NoError(t, err)
		require.Error(t, stranger.Verify([]byte(body), header))
	}
}

func TestSecretsOfTheWrongShapeAreRefusedAndNotRepeated(t *testing.T) {
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = newSecret(32)
	}
	for _, secrets := range [][]string{
		nil, {""}, {"whsec_"}, {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {"whsec_***"}, {newSecret(23)}, {newSecret(65)},
		{newSecret(32), newSecret(8)}, {"whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, eleven,
	} {
		_, err := decodeSecrets(secrets)
		require.Error(t, err, "%q", secrets)
		for _, s := range secrets {
			if len(s) > 6 {
				require.NotContains(t, err.Error(), s[6:])
			}
		}
	}
}

func TestSigningAllocatesNothing(t *testing.T) {
	keys, err := decodeSecrets([]string{newSecret(32)})
	require.NoError(t, err)
	sign, body, dst := newSigner(keys), bytes.Repeat([]byte("x"), 361), make([]byte, 0, 256)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		dst = sign.append(dst[:0], "evt_0123456789abcdef", 1700000000, body)
	}))
}

// payload has the fields of the specification, for the baseline.
type payload struct {
	AppID               string `json:"app_id"`
	SubscriberID        string `json:"subscriber_id"`
	SubscriberNumber    string `json:"subscriber_number"`
	SubscriberName      string `json:"subscriber_name"`
	SubscriberAccountID string `json:"subscriber_account_id"`
	RemoteNumber        string `json:"remote_number"`
	RemoteName          string `json:"remote_name"`
	CallID              string `json:"call_id"`
	SequenceNumber      string `json:"sequence_number"`
	Direction           string `json:"direction"`
	State               string `json:"state"`
	Timestamp           int64  `json:"timestamp"`
}

var example = payload{
	"e1c1eef6-8c12-4031-8cc9-ae667c839476", "someSubscriberId@example-telco.com", "+15128675309", "Tommy Tutone", "someCustomerIdOrSiteOrName",
	"+15129104114", "Zilkr LLC", "callhalf-13467354071:0", "2", "incoming", "ringing", 1533331051226,
}

// appendExample writes the same body as engine does its own: field by field.
func appendExample(b []byte, p *payload) []byte {
	field := func(key, value string) {
		b = append(b, key...)
		b = engine.AppendString(b, value)
	}
	field(`{"app_id":`, p.AppID)
	field(`,"subscriber_id":`, p.SubscriberID)
	field(`,"subscriber_number":`, p.SubscriberNumber)
	field(`,"subscriber_name":`, p.SubscriberName)
	field(`,"subscriber_account_id":`, p.SubscriberAccountID)
	field(`,"remote_number":`, p.RemoteNumber)
	field(`,"remote_name":`, p.RemoteName)
	field(`,"call_id":`, p.CallID)
	field(`,"sequence_number":`, p.SequenceNumber)
	field(`,"direction":`, p.Direction)
	field(`,"state":`, p.State)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, p.Timestamp, 10)
	return append(b, '}')
}

// BenchmarkBodyAndSignature is the budget of design §9: ours at least 2.5 times
// as fast as encoding/json and hmac.New, without an allocation.
func BenchmarkBodyAndSignature(b *testing.B) {
	keys, err := decodeSecrets([]string{newSecret(32)})
	require.NoError(b, err)
	const id, stamp = "evt_0123456789abcdef01234567", 1700000000
	b.Run("ours", func(b *testing.B) {
		sign := newSigner(keys)
		var body, sig []byte
		b.ReportAllocs()
		for b.Loop() {
			body = appendExample(body[:0], &example)
			sig = sign.append(sig[:0], id, stamp, body)
		}
	})
	b.Run("encoding-json+hmac.New", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body, _ := json.Marshal(&example)
			mac := hmac.New(sha256.New, keys[0])
			mac.Write([]byte(id + "." + strconv.Itoa(stamp) + "."))
			mac.Write(body)
			_ = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}
	})
}
