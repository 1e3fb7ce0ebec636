package tenant

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"
	"time"
)

// The text of a key, in characters, all base 62 after the prefix:
//
//	ok_live_ | id 11 | secret 43 | CRC-32 6
//
// The id finds the key; it is no secret. The CRC is over everything before it,
// so that a mistyped or cut-off key is told from a revoked one without a look
// at the store, and so that scanners for leaked secrets can be sure.
const (
	keyPrefix = "ok_live_"
	idLen     = 11 // 8 random bytes
	secretLen = 43 // 32 random bytes
	sumLen    = 6
	keyLen    = len(keyPrefix) + idLen + secretLen + sumLen
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewKey makes a key and its text. The text is shown once and not kept.
func NewKey(random io.Reader, scopes []Scope, now time.Time) (Key, string, error) {
	for _, s := range scopes {
		if s != ScopeRead && s != ScopeControl {
			return Key{}, "", fmt.Errorf("new key: no such scope %q", s)
		}
	}
	if len(scopes) == 0 {
		return Key{}, "", errors.New("new key: no scope")
	}
	var b [8 + 32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Key{}, "", fmt.Errorf("new key: %w", err)
	}
	id := encode62(b[:8], idLen)
	text := keyPrefix + id + encode62(b[8:], secretLen)
	text += sum62(text)
	return Key{
		ID:        id,
		Digest:    sha256.Sum256([]byte(text)),
		Scopes:    append([]Scope(nil), scopes...),
		CreatedAt: now.UnixMilli(),
	}, text, nil
}

// ParseKey takes the text of a key apart. It reports false for what was never
// a key; whether it is one of ours, only the digest can tell.
func ParseKey(text string) (id string, digest [sha256.Size]byte, ok bool) {
	if len(text) != keyLen || !strings.HasPrefix(text, keyPrefix) {
		return "", digest, false
	}
	for i := len(keyPrefix); i < len(text); i++ {
		if !isBase62(text[i]) {
			return "", digest, false
		}
	}
	body, sum := text[:keyLen-sumLen], text[keyLen-sumLen:]
	if sum62(body) != sum {
		return "", digest, false
	}
	return text[len(keyPrefix) : len(keyPrefix)+idLen], sha256.Sum256([]byte(text)), true
}

// Matches reports whether a digest is the key's. It takes the same time for
// every digest.
func (k Key) Matches(digest [sha256.Size]byte) bool {
	return subtle.ConstantTimeCompare(k.Digest[:], digest[:]) == 1
}

// sum62 is the CRC-32 (IEEE) of s in six characters.
func sum62(s string) string {
	sum := crc32.ChecksumIEEE([]byte(s))
	var b [sumLen]byte
	for i := sumLen - 1; i >= 0; i-- {
		b[i] = base62[sum%62]
		sum /= 62
	}
	return string(b[:])
}

// encode62 writes b as a number of exactly width digits.
func encode62(b []byte, width int) string {
	n := new(big.Int).SetBytes(b)
	base, rest := big.NewInt(int64(len(base62))), new(big.Int)
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		out[i] = base62[rest.Int64()]
	}
	return string(out)
}

func isBase62(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
