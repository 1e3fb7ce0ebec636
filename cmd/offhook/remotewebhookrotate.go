package main

import (
	"context"
	"math"
	"time"

	"offhook/transport/client"
)

// overlapFlag is for how long what is replaced goes on.
type overlapFlag struct {
	Overlap *time.Duration `help:"For how long the older ones still sign, as 2h; 0s ends one that leaked. A day if left out." placeholder:"DURATION"`
}

// seconds are nil if nothing is said.
func (o overlapFlag) seconds() (*int, error) {
	if o.Overlap == nil {
		return nil, nil
	}
	if *o.Overlap < 0 {
		return nil, usage("--overlap", "must not be negative")
	}
	s := int(math.Ceil(o.Overlap.Seconds()))
	return &s, nil
}

type webhookRotateSecretCmd struct {
	kindArg
	idFlag
	overlapFlag
	SecretFile string `help:"The new one (whsec_…) is in this file; “-” is standard input. One is made if it is left out." placeholder:"FILE"`
}

func (c *webhookRotateSecretCmd) Run(p *program) error {
	overlap, err := c.seconds()
	if err != nil {
		return err
	}
	own, err := p.secretOf("--secret-file", c.SecretFile)
	if err != nil {
		return err
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		secret, err := a.Idempotent(c.IdempotencyKey).RotateSecret(ctx, c.Kind, client.SecretRotation{OverlapSeconds: overlap, Secret: own})
		if err != nil || c.JSON {
			return shown(p, err, map[string]string{"secret": secret})
		}
		// What was shown is not lost if this fails.
		if err := facts(p.stdout, fact{"webhook", c.Kind}, fact{"secret", secret}); err != nil {
			return err
		}
		is, err := a.GetWebhook(ctx, c.Kind)
		if err != nil {
			return err
		}
		if until := is.Secrets.RotatingUntil; until != nil {
			if err := facts(p.stdout, fact{"older ones sign until", moment(*until)}); err != nil {
				return err
			}
		}
		return p.keep("the secret")
	})
}

type webhookRotateKeyCmd struct {
	delivering
	idFlag
	overlapFlag
}

func (c *webhookRotateKeyCmd) Run(p *program) error {
	overlap, err := c.seconds()
	if err != nil {
		return err
	}
	return c.withApp(p, func(ctx context.Context, a *client.App) error {
		public, err := a.Idempotent(c.IdempotencyKey).RotateSigningKey(ctx, c.Kind, client.KeyRotation{OverlapSeconds: overlap})
		if err != nil || c.JSON {
			return shown(p, err, map[string]string{"signing_public_key": public})
		}
		return facts(p.stdout, fact{"webhook", c.Kind}, fact{"public key", public})
	})
}
