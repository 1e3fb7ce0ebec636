package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"offhook/engine"
	"offhook/engine/tenant"
)

func newSecret(n int) string {
	key := make([]byte, n)
	rand.Read(key)
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}

// signed is what a receiver gets of one request.
func signed(s *signer, now time.Time, body string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", "evt_1")
	h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("webhook-signature", string(s.append(nil, "evt_1", now, []byte(body))))
	return h
}

func signerOf(t testing.TB, r tenant.Receiver) *signer {
	t.Helper()
	keys, err := newKeyring(r)
	require.NoError(t, err)
	return newSigner(keys)
}

func TestReceiversWithTheStandardLibraryAcceptOurSignatures(t *testing.T) {
	secrets := []string{newSecret(32), newSecret(24), newSecret(64)}
	sign := signerOf(t, tenant.Receiver{Secrets: secrets})
	for _, body := range []string{`{"state":"ringing"}`, "", strings.Repeat("ü", 5000)} {
		header := signed(sign, time.Now(), body)
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

// verifies reports whether the public library takes a request. Its clock is
// the machine's, so the time is left to others.
func verifies(t *testing.T, secret, body string, h http.Header) bool {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	return wh.VerifyIgnoringTimestamp([]byte(body), h) == nil
}

func TestARetiredSecretSignsUntilItsTime(t *testing.T) {
	const body = `{"state":"ringing"}`
	fresh, old, older := newSecret(32), newSecret(32), newSecret(32)
	at := time.UnixMilli(1533331051226)
	sign := signerOf(t, tenant.Receiver{Secrets: []string{fresh}, Retired: []tenant.Retired{
		{Secret: old, Until: at.Add(2 * time.Hour).UnixMilli()}, {Secret: older, Until: at.Add(time.Hour).UnixMilli()},
	}})
	for _, tt := range []struct {
		after      time.Duration
		old, older bool
	}{
		{0, true, true},
		{time.Hour - time.Millisecond, true, true},
		{time.Hour, true, false},
		{2*time.Hour - time.Millisecond, true, false},
		{2 * time.Hour, false, false},
		{1000 * time.Hour, false, false},
		{time.Minute, true, true}, // somebody set the clock back
	} {
		now := at.Add(tt.after)
		h := signed(sign, now, body)
		require.True(t, verifies(t, fresh, body, h), tt.after)
		require.Equal(t, tt.old, verifies(t, old, body, h), tt.after)
		require.Equal(t, tt.older, verifies(t, older, body, h), tt.after)
		require.Len(t, h.Get("webhook-signature"), sign.size(now), tt.after)
	}
}

func TestTheNewestTenSecretsSign(t *testing.T) {
	r := tenant.Receiver{Secrets: []string{newSecret(32), newSecret(32)}}
	for range 12 {
		r.Retired = append(r.Retired, tenant.Retired{Secret: newSecret(32), Until: 1 << 60})
	}
	h := signed(signerOf(t, r), time.Now(), "{}")
	require.Len(t, strings.Fields(h.Get("webhook-signature")), maxSecrets)
	require.True(t, verifies(t, r.Secrets[1], "{}", h))
	require.True(t, verifies(t, r.Retired[7].Secret, "{}", h))
	require.False(t, verifies(t, r.Retired[8].Secret, "{}", h))
}

func TestAnAsymmetricSignatureIsAdded(t *testing.T) {
	private, err := tenant.NewSigningKey(rand.Reader)
	require.NoError(t, err)
	text, ok := tenant.PublicKey(private)
	require.True(t, ok)
	public, ok := tenant.ParsePublicKey(text)
	require.True(t, ok)
	secret, now := newSecret(32), time.UnixMilli(1533331051226)
	sign := signerOf(t, tenant.Receiver{Secrets: []string{secret}, SigningKey: private})
	for _, body := range []string{`{"state":"ringing"}`, strings.Repeat("ü", 5000), ""} {
		h := signed(sign, now, body)
		require.Len(t, h.Get("webhook-signature"), sign.size(now))
		require.True(t, verifies(t, secret, body, h), "v1 is there as ever")
		list := strings.Split(h.Get("webhook-signature"), " ")
		require.Len(t, list, 2)
		v1a, ok := strings.CutPrefix(list[1], "v1a,")
		require.True(t, ok)
		signature, err := base64.StdEncoding.DecodeString(v1a)
		require.NoError(t, err)
		require.True(t, ed25519.Verify(public, []byte("evt_1.1533331051."+body), signature))
		require.False(t, ed25519.Verify(public, []byte("evt_2.1533331051."+body), signature))
	}
}

func TestARetiredSigningKeySignsUntilItsTime(t *testing.T) {
	const body = `{"state":"ringing"}`
	at := time.UnixMilli(1533331051226)
	r := tenant.Receiver{Secrets: []string{newSecret(32)}}
	var public []ed25519.PublicKey
	for i := range 5 {
		private, err := tenant.NewSigningKey(rand.Reader)
		require.NoError(t, err)
		key, _ := tenant.ParseSigningKey(private)
		public = append(public, key.Public().(ed25519.PublicKey))
		if i == 0 {
			r.SigningKey = private
		} else {
			r.RetiredKeys = append(r.RetiredKeys, tenant.Retired{Secret: private, Until: at.Add(time.Duration(5-i) * time.Hour).UnixMilli()})
		}
	}
	sign := signerOf(t, r)
	for _, tt := range []struct {
		after time.Duration
		signs []bool // the newest three at most
	}{
		{0, []bool{true, true, true, false, false}},
		{3*time.Hour - time.Millisecond, []bool{true, true, true, false, false}},
		{3 * time.Hour, []bool{true, true, false, false, false}},
		{4 * time.Hour, []bool{true, false, false, false, false}},
	} {
		now := at.Add(tt.after)
		h := signed(sign, now, body)
		require.Len(t, h.Get("webhook-signature"), sign.size(now))
		require.True(t, verifies(t, r.Secrets[0], body, h))
		said := []byte("evt_1." + strconv.FormatInt(now.Unix(), 10) + "." + body)
		for i, key := range public {
			found := slices.ContainsFunc(strings.Fields(h.Get("webhook-signature")), func(one string) bool {
				text, asymmetric := strings.CutPrefix(one, "v1a,")
				signature, err := base64.StdEncoding.DecodeString(text)
				return asymmetric && err == nil && ed25519.Verify(key, said, signature)
			})
			require.Equal(t, tt.signs[i], found, "key %d after %v", i, tt.after)
		}
	}
}

func TestSecretsOfTheWrongShapeAreRefusedAndNotRepeated(t *testing.T) {
	var eleven []string
	for range 11 {
		eleven = append(eleven, newSecret(32))
	}
	good := []string{newSecret(32)}
	private, err := tenant.NewSigningKey(rand.Reader)
	require.NoError(t, err)
	client := NewClient(ClientConfig{})
	for _, r := range []tenant.Receiver{
		{}, {Secrets: []string{""}}, {Secrets: []string{"whsec_"}}, {Secrets: []string{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		{Secrets: []string{"whsec_***"}}, {Secrets: []string{newSecret(23)}}, {Secrets: []string{newSecret(65)}},
		{Secrets: []string{newSecret(32), newSecret(8)}}, {Secrets: []string{"whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
		{Secrets: []string{good[0] + "\n"}}, {Secrets: eleven}, {Secrets: []string{private}},
		{Secrets: good, Retired: []tenant.Retired{{Secret: newSecret(8), Until: 1 << 60}}},
		{Secrets: good, SigningKey: good[0]}, {Secrets: good, SigningKey: "whsk_"}, {Secrets: good, SigningKey: private[:len(private)-4]},
		{Secrets: good, SigningKey: private[:48]}, {Secrets: good, SigningKey: strings.Replace(private, "whsk", "whpk", 1)},
	} {
		r.URL = "https://hooks.example.com/"
		_, err := client.Aim("app", r)
		require.Error(t, err, "%+v", r)
		for _, s := range append(r.Secrets, r.SigningKey) {
			if len(s) > 10 {
				require.NotContains(t, err.Error(), s[6:])
			}
		}
	}
}

func TestSigningAllocatesNothing(t *testing.T) {
	sign := signerOf(t, tenant.Receiver{Secrets: []string{newSecret(32)}, Retired: []tenant.Retired{{Secret: newSecret(32), Until: 1 << 60}}})
	body, dst, now := bytes.Repeat([]byte("x"), 361), make([]byte, 0, 256), time.Now()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		dst = sign.append(dst[:0], "evt_0123456789abcdef", now, body)
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
	keys, err := newKeyring(tenant.Receiver{Secrets: []string{newSecret(32)}})
	require.NoError(b, err)
	const id, stamp = "evt_0123456789abcdef01234567", 1700000000
	b.Run("ours", func(b *testing.B) {
		sign, now := newSigner(keys), time.Unix(stamp, 0)
		var body, sig []byte
		b.ReportAllocs()
		for b.Loop() {
			body = appendExample(body[:0], &example)
			sig = sign.append(sig[:0], id, now, body)
		}
	})
	b.Run("encoding-json+hmac.New", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			body, _ := json.Marshal(&example)
			mac := hmac.New(sha256.New, keys.secrets[0].key)
			mac.Write([]byte(id + "." + strconv.Itoa(stamp) + "."))
			mac.Write(body)
			_ = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		}
	})
}
