package hookapi

import (
	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

// What a webhook is signed with, in the words of its body.
const (
	signV1  = "v1"
	signV1a = "v1+v1a" // Ed25519 as well
)

// publicKey is the public half of a signing key; "" for none.
func publicKey(signing string) string {
	public, _ := tenant.PublicKey(signing)
	return public
}

// rotateSigningKey puts a new key in the place of the old one at once: a
// receiver that is to miss nothing meanwhile accepts v1 as well, or both keys.
func (s *API) rotateSigningKey(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	fresh, err := tenant.NewSigningKey(s.config.Random)
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
