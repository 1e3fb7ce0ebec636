package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"math"
	"strconv"
	"time"

	"offhook/engine/tenant"
)

// maxSecrets bounds the v1 signatures of one request during rotations, maxKeys
// those of v1a, which cost more.
const (
	maxSecrets = 10
	maxKeys    = 3
)

var (
	errSecret     = errors.New("a webhook secret is whsec_ and the base64 of 24 to 64 bytes; at least one is needed, and at most ten")
	errSigningKey = errors.New("a signing key is whsk_ and the base64 of the 64 bytes of an Ed25519 private key")
)

// secret is a key of v1 signatures, or a private one of v1a.
type secret struct {
	key   []byte
	until int64 // ms since the epoch: it signs before that
}

func (s *secret) signs(now time.Time) bool { return now.UnixMilli() < s.until }

// keyring is what a receiver's requests are signed with, newest first.
type keyring struct {
	secrets []secret
	private []secret // Ed25519
}

// newKeyring reads the keys of a receiver; its errors never name them. Of
// those that were rotated away, the ones over the maximum sign no more.
func newKeyring(r tenant.Receiver) (k keyring, err error) {
	if len(r.Secrets) == 0 || len(r.Secrets) > maxSecrets {
		return k, errSecret
	}
	add := func(text string, until int64) error {
		key, ok := tenant.ParseSecret(text)
		if !ok {
			return errSecret
		}
		if len(k.secrets) < maxSecrets {
			k.secrets = append(k.secrets, secret{key, until})
		}
		return nil
	}
	for _, text := range r.Secrets {
		if err := add(text, math.MaxInt64); err != nil {
			return keyring{}, err
		}
	}
	for _, old := range r.Retired {
		if err := add(old.Secret, old.Until); err != nil {
			return keyring{}, err
		}
	}
	if r.SigningKey == "" {
		return k, nil
	}
	for _, key := range append([]tenant.Retired{{Secret: r.SigningKey, Until: math.MaxInt64}}, r.RetiredKeys...) {
		private, ok := tenant.ParseSigningKey(key.Secret)
		if !ok {
			return keyring{}, errSigningKey
		}
		if len(k.private) < maxKeys {
			k.private = append(k.private, secret{private, key.Until})
		}
	}
	return k, nil
}

// The lengths of one signature in a header.
var (
	v1Len  = len("v1,") + base64.StdEncoding.EncodedLen(sha256.Size)
	v1aLen = len("v1a,") + base64.StdEncoding.EncodedLen(ed25519.SignatureSize)
)

// signer makes the signatures of one receiver's requests. It keeps its HMACs
// and resets them, which halves the cost beside hmac.New. Each connection has
// its own; it is not safe for concurrent use.
type signer struct {
	keyring
	macs []hash.Hash // of the secrets
	buf  []byte
	sum  [sha256.Size]byte
}

func newSigner(k keyring) *signer {
	s := &signer{keyring: k, macs: make([]hash.Hash, len(k.secrets))}
	for i := range k.secrets {
		s.macs[i] = hmac.New(sha256.New, k.secrets[i].key)
	}
	return s
}

// size is how many bytes append adds at a time.
func (s *signer) size(now time.Time) int {
	n := 0
	for i := range s.secrets {
		if s.secrets[i].signs(now) {
			n += len(" ") + v1Len
		}
	}
	for i := range s.private {
		if s.private[i].signs(now) {
			n += len(" ") + v1aLen
		}
	}
	return n - len(" ")
}

// append adds the value of webhook-signature for one request made now: for
// each live secret `v1,` and the base64 of HMAC-SHA256 over id.timestamp.body,
// then for each live private key `v1a,` and the base64 of Ed25519 over the same,
// separated by spaces (Standard Webhooks 1.0.0, "Signature scheme").
func (s *signer) append(dst []byte, id string, now time.Time, body []byte) []byte {
	s.buf = append(s.buf[:0], id...)
	s.buf = append(s.buf, '.')
	s.buf = strconv.AppendInt(s.buf, now.Unix(), 10)
	s.buf = append(s.buf, '.')
	begin := len(dst)
	for i, mac := range s.macs {
		if !s.secrets[i].signs(now) {
			continue
		}
		if len(dst) > begin {
			dst = append(dst, ' ')
		}
		mac.Reset()
		mac.Write(s.buf)
		mac.Write(body)
		dst = append(dst, "v1,"...)
		dst = base64.StdEncoding.AppendEncode(dst, mac.Sum(s.sum[:0]))
	}
	if len(s.private) > 0 {
		s.buf = append(s.buf, body...) // Ed25519 reads its message twice, so it wants all of it in one piece
	}
	for i := range s.private {
		if s.private[i].signs(now) {
			dst = append(dst, " v1a,"...) // never the first: a receiver has a secret at all times
			dst = base64.StdEncoding.AppendEncode(dst, ed25519.Sign(s.private[i].key, s.buf))
		}
	}
	return dst
}
