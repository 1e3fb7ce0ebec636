package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"offhook/engine/tenant"
)

// tolerance is how far a webhook-timestamp may be off (Standard Webhooks).
const tolerance = 5 * time.Minute

var (
	errUnsigned  = errors.New("no signature of ours")
	errStale     = errors.New("the webhook-timestamp is too far from now")
	errNotSecret = errors.New("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")
)

// Verifier checks what our signer signs: the receiver's side of the contract,
// for the receivers we ship.
type Verifier struct{ key []byte }

// NewVerifier takes a whsec_… secret.
func NewVerifier(secret string) (*Verifier, error) {
	key, ok := tenant.ParseSecret(secret)
	if !ok {
		return nil, errNotSecret
	}
	return &Verifier{key}, nil
}

// Verify checks the three headers of one request against its body. One of the
// signatures must be good: while secrets rotate there are several.
func (v *Verifier) Verify(now time.Time, id, timestamp, signatures string, body []byte) error {
	stamp, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil {
		return errUnsigned
	}
	if off := now.Sub(time.Unix(stamp, 0)).Abs(); off > tolerance {
		return errStale
	}
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for _, s := range strings.Fields(signatures) {
		text, ok := strings.CutPrefix(s, "v1,")
		if !ok {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(text); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return errUnsigned
}
