package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"
)

const (
	secretPrefix = "whsec_"
	// Standard Webhooks 1.0.0: a secret is 24 to 64 bytes.
	minSecret, maxSecret = 24, 64
	// maxSecrets bounds the signatures of one request during rotations.
	maxSecrets = 10
)

var errSecret = errors.New("a webhook secret is whsec_ and the base64 of 24 to 64 bytes")

// decodeSecrets reads whsec_… secrets; it never names them in its error.
func decodeSecrets(secrets []string) ([][]byte, error) {
	if len(secrets) == 0 || len(secrets) > maxSecrets {
		return nil, errSecret
	}
	keys := make([][]byte, len(secrets))
	for i, s := range secrets {
		text, ok := strings.CutPrefix(s, secretPrefix)
		if !ok {
			return nil, errSecret
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) < minSecret || len(key) > maxSecret {
			return nil, errSecret
		}
		keys[i] = key
	}
	return keys, nil
}

// signer makes the signatures of one receiver's requests. It keeps its HMACs
// and resets them, which halves the cost beside hmac.New. Each connection has
// its own; it is not safe for concurrent use.
type signer struct {
	macs []hash.Hash
	buf  []byte
	sum  [sha256.Size]byte
}

func newSigner(keys [][]byte) *signer {
	s := &signer{macs: make([]hash.Hash, len(keys))}
	for i, key := range keys {
		s.macs[i] = hmac.New(sha256.New, key)
	}
	return s
}

// append adds the value of webhook-signature for one request: for each live
// secret `v1,` and the base64 of HMAC-SHA256 over id.timestamp.body, separated
// by spaces (Standard Webhooks, symmetric signatures).
func (s *signer) append(dst []byte, id string, timestamp int64, body []byte) []byte {
	s.buf = append(s.buf[:0], id...)
	s.buf = append(s.buf, '.')
	s.buf = strconv.AppendInt(s.buf, timestamp, 10)
	s.buf = append(s.buf, '.')
	for i, mac := range s.macs {
		if i > 0 {
			dst = append(dst, ' ')
		}
		mac.Reset()
		mac.Write(s.buf)
		mac.Write(body)
		dst = append(dst, "v1,"...)
		dst = base64.StdEncoding.AppendEncode(dst, mac.Sum(s.sum[:0]))
	}
	return dst
}
