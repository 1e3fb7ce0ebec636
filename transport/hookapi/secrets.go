package hookapi

import (
	"slices"
	"time"

	"github.com/valyala/fasthttp"

	"offhook/engine"
	"offhook/engine/tenant"
	"offhook/transport/httpapi/web"
	"offhook/transport/problem"
)

const (
	maxSecrets     = 10 // that sign at a time; each is a signature of every request
	maxKeys        = 3  // signing keys likewise; theirs cost more
	defaultOverlap = 24 * time.Hour
	maxOverlap     = 7 * 24 * time.Hour
)

// readSecret reads a secret the app made itself; "" if it did not.
func readSecret(doc web.Object) (string, error) {
	secret, err := doc.Text("secret")
	if err != nil || !doc.Has("secret") || doc.Null("secret") {
		return "", err
	}
	if !tenant.CheckSecret(secret) {
		return "", problem.Invalid("secret", "must be whsec_ and 24 to 64 bytes in base64")
	}
	return secret, nil
}

// ownOr is a secret the app made itself, or a new one.
func (s *API) ownOr(secret string) (string, error) {
	if secret != "" {
		return secret, nil
	}
	return tenant.NewSecret(s.config.Random)
}

// live are the retired secrets that still sign at a time.
func live(retired []tenant.Retired, now int64) []tenant.Retired {
	var some []tenant.Retired
	for _, r := range retired {
		if r.Until > now {
			some = append(some, r)
		}
	}
	return some
}

// retire has those in use, and those that were retired before, end at a time
// at the latest.
func retire(used []string, before []tenant.Retired, now, until int64) (all []tenant.Retired) {
	for _, old := range used {
		all = append(all, tenant.Retired{Secret: old, Until: until})
	}
	for _, old := range before {
		all = append(all, tenant.Retired{Secret: old.Secret, Until: min(old.Until, until)})
	}
	return live(all, now)
}

// readOverlap reads for how long what is rotated away still signs, in ms.
func readOverlap(doc web.Object) (int64, error) {
	seconds, err := doc.Whole("overlap_seconds", int64(defaultOverlap/time.Second), 0, int64(maxOverlap/time.Second))
	return 1000 * seconds, err
}

// rotate makes secret the one that counts. Those before it sign until a time,
// or until the time they had if that is earlier.
func rotate(r tenant.Receiver, secret string, now, until int64) (tenant.Receiver, error) {
	if slices.Contains(r.Secrets, secret) {
		return r, problem.Invalid("secret", "must not be the one in use")
	}
	r.Secrets, r.Retired = []string{secret}, retire(r.Secrets, r.Retired, now, until)
	r.Retired = slices.DeleteFunc(r.Retired, func(old tenant.Retired) bool { return old.Secret == secret })
	if 1+len(r.Retired) > maxSecrets {
		return r, &problem.Problem{Code: engine.CodeConflict, Detail: "ten secrets sign already; wait for one to run out, or rotate with overlap_seconds 0"}
	}
	return r, nil
}

func (s *API) rotateSecret(ctx *fasthttp.RequestCtx, c Caller) error {
	k, _, err := existing(ctx, c)
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
	secret, err := readSecret(doc)
	if err != nil {
		return err
	}
	if secret, err = s.ownOr(secret); err != nil {
		return err
	}
	err = s.changeSet(c, k, "secret rotated", func(was tenant.Receiver) (tenant.Receiver, error) {
		now := s.config.Now().UnixMilli()
		return rotate(was, secret, now, now+overlap)
	})
	if err != nil {
		return err
	}
	return web.WriteJSON(ctx, fasthttp.StatusOK, struct {
		Secret string `json:"secret"`
	}{secret})
}
