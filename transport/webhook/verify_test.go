package webhook

import (
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

func TestTheVerifierTakesWhatTheStandardLibrarySigns(t *testing.T) {
	verify, err := NewVerifier(testSecret)
	require.NoError(t, err)
	sign, err := standardwebhooks.NewWebhook(testSecret)
	require.NoError(t, err)
	now, body := time.Now(), []byte(`{"state":"ringing"}`)
	good, err := sign.Sign("evt_1", now, body)
	require.NoError(t, err)
	stamp := strconv.FormatInt(now.Unix(), 10)

	require.NoError(t, verify.Verify(now, "evt_1", stamp, good, body))
	require.NoError(t, verify.Verify(now, "evt_1", stamp, "v1a,xyz v1,AAAA "+good, body), "one of several")
	for name, err := range map[string]error{
		"another id":    verify.Verify(now, "evt_2", stamp, good, body),
		"another body":  verify.Verify(now, "evt_1", stamp, good, append(body, ' ')),
		"another time":  verify.Verify(now, "evt_1", strconv.FormatInt(now.Unix()+1, 10), good, body),
		"replayed":      verify.Verify(now.Add(time.Hour), "evt_1", stamp, good, body),
		"from tomorrow": verify.Verify(now.Add(-24*time.Hour), "evt_1", stamp, good, body),
		"no signature":  verify.Verify(now, "evt_1", stamp, "", body),
		"no id":         verify.Verify(now, "", stamp, good, body),
		"no time":       verify.Verify(now, "evt_1", "", good, body),
		"no version":    verify.Verify(now, "evt_1", stamp, good[3:], body),
	} {
		require.Error(t, err, name)
	}
}
