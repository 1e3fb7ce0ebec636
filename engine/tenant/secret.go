package tenant

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// What webhooks are signed with, in the texts Standard Webhooks 1.0.0 gives
// them. All are base 64 after the prefix:
//
//	whsec_ | 24 to 64 bytes                   a secret both sides know: v1
//	whsk_  | Ed25519 seed 32, public key 32   a private key, ours alone: v1a
//	whpk_  | Ed25519 public key 32            what its receiver verifies with
//
// The specification calls the private key a "standard ed25519 key pair" and
// gives no length. 64 bytes is what those in use have.
const (
	secretPrefix  = "whsec_"
	signingPrefix = "whsk_"
	publicPrefix  = "whpk_"

	minSecret, maxSecret = 24, 64
)

// NewSecret makes a webhook signing secret of 32 random bytes.
func NewSecret(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("new secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:]), nil
}

// ParseSecret is the key in a whsec_… text.
func ParseSecret(text string) (key []byte, ok bool) {
	key, ok = decode(text, secretPrefix)
	return key, ok && len(key) >= minSecret && len(key) <= maxSecret
}

// CheckSecret reports whether a text is a secret.
func CheckSecret(text string) bool {
	_, ok := ParseSecret(text)
	return ok
}

// NewSigningKey makes a private key for asymmetric signatures.
func NewSigningKey(random io.Reader) (whsk string, err error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return "", fmt.Errorf("new signing key: %w", err)
	}
	return signingPrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed[:])), nil
}

// ParseSigningKey is the key in a whsk_… text. Its halves must belong
// together: a signature made with another public key gives the private one away.
func ParseSigningKey(text string) (key ed25519.PrivateKey, ok bool) {
	b, ok := decode(text, signingPrefix)
	if !ok || len(b) != ed25519.PrivateKeySize || !bytes.Equal(b, ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])) {
		return nil, false
	}
	return b, true
}

// CheckSigningKey reports whether a text is a private key.
func CheckSigningKey(text string) bool {
	_, ok := ParseSigningKey(text)
	return ok
}

// PublicKey is the public half of a private key: what its receiver is given.
func PublicKey(whsk string) (whpk string, ok bool) {
	key, ok := ParseSigningKey(whsk)
	if !ok {
		return "", false
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:]), true
}

// ParsePublicKey is the key in a whpk_… text.
func ParsePublicKey(text string) (key ed25519.PublicKey, ok bool) {
	b, ok := decode(text, publicPrefix)
	return b, ok && len(b) == ed25519.PublicKeySize
}

// decode reads what follows a prefix. The decoder skips line ends, which would
// make two texts of one key.
func decode(text, prefix string) ([]byte, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok || len(rest) > base64.StdEncoding.EncodedLen(maxSecret) || strings.ContainsAny(rest, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(rest)
	return b, err == nil
}
