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

// rotateSigningKey has a new key sign, and those before it until a time, so that
// a receiver may change keys at any moment between.
func (s *API) rotateSigningKey(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existingDelivering(ctx, c)
	if err != nil {
		return err
	}
	doc, err := readOptional(ctx)
	if err != nil {
		return err
	}
	overlap, err := readOverlap(doc)
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
		now := s.config.Now().UnixMilli()
		was.RetiredKeys = retire([]string{was.SigningKey}, was.RetiredKeys, now, now+overlap)
		if was.SigningKey = fresh; 1+len(was.RetiredKeys) > maxKeys {
			return was, &problem.Problem{Code: engine.CodeConflict, Detail: "three signing keys sign already; wait for one to run out, or rotate with overlap_seconds 0"}
		}
		return was, nil
	})
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, struct {
		Key string `json:"signing_public_key"`
	}{publicKey(fresh)})
}
