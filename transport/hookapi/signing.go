package hookapi

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// Signing keys as Standard Webhooks writes them: whsk_ and the 64 bytes of an
// Ed25519 private key, whpk_ and the 32 of its public one.
const (
	signingPrefix = "whsk_"
	publicPrefix  = "whpk_"

	signV1  = "v1"
	signV1a = "v1+v1a"
)

func newSigningKey(random io.Reader) (string, error) {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return "", fmt.Errorf("new signing key: %w", err)
	}
	return signingPrefix + base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(seed[:])), nil
}

// publicKey is the public half of a signing key; "" for none.
func publicKey(signing string) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signing, signingPrefix))
	if err != nil || len(key) != ed25519.PrivateKeySize {
		return ""
	}
	return publicPrefix + base64.StdEncoding.EncodeToString(key[ed25519.SeedSize:])
}

// rotateSigningKey puts a new key in the place of the old one at once: a
// receiver that is to miss nothing meanwhile accepts v1 as well, or both keys.
func (s *API) rotateSigningKey(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	fresh, err := newSigningKey(s.config.Random)
	if err != nil {
		return err
	}
	err = s.changeSet(c, k, "signing key rotated", func(was tenant.Receiver) (tenant.Receiver, error) {
		if was.SigningKey == "" {
			return was, &problem.Problem{Code: engine.CodeConflict, Detail: "the webhook has no signing key; set signing to v1+v1a first"}
		}
		was.SigningKey = fresh
		return was, nil
	})
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, struct {
		Key string `json:"signing_public_key"`
	}{publicKey(fresh)})
}
