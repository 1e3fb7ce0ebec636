package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"offhook/engine/tenant"
	"offhook/transport/webhook"
)

// operatorGuard is for the one URL that no app can choose. Who runs offhook
// may have operational webhooks sent to the next rack, over plain HTTP; cloud
// metadata and the like stay out of reach.
var operatorGuard = webhook.Guard{AllowHTTP: true, AllowPrivate: true}

// operator checks the operator's own receiver, and reads its secret.
func (k *checker) operator() {
	const urlPath, secretPath = "webhooks.operator_url", "webhooks.operator_secret_file"
	w := &k.config.Webhooks
	if w.OperatorURL == "" {
		if w.OperatorSecretFile != "" && k.know(urlPath) {
			k.fault(secretPath, "is given without %s", urlPath)
		}
		return
	}
	u, err := operatorGuard.CheckURL("", w.OperatorURL)
	if err != nil {
		k.fault(urlPath, "is no URL to send to: %s", strings.TrimPrefix(err.Error(), webhook.ErrBlocked.Error()+": "))
	} else if inTheClear(u) {
		k.config.Warnings = append(k.config.Warnings, urlPath+" is http: which webhooks fail crosses the network in the clear")
	}
	if w.OperatorSecretFile == "" {
		return
	}
	text, err := os.ReadFile(w.OperatorSecretFile)
	if err != nil {
		k.fault(secretPath, "%s cannot be read: %s", unlessSecret(w.OperatorSecretFile), cause(err))
		return
	}
	k.config.secret = strings.TrimSpace(string(text))
	if _, err := webhook.NewVerifier(k.config.secret); err != nil {
		k.fault(secretPath, "%s: %v", w.OperatorSecretFile, err)
	}
}

func inTheClear(u *url.URL) bool { return u.Scheme == "http" && !loopback(u.Hostname()) }

// operator is the operator's own receiver; the zero Receiver if there is none.
func (c *Config) operator() (tenant.Receiver, error) {
	if c.Webhooks.OperatorURL == "" {
		return tenant.Receiver{}, nil
	}
	secret, err := operatorSecret(c.DataDir, c.secret)
	return tenant.Receiver{URL: c.Webhooks.OperatorURL, Secrets: []string{secret}}, err
}

// operatorSecret signs what the operator is told: the configured secret, or
// the one in the data directory, which is made when it is needed first.
func operatorSecret(dataDir, configured string) (secret string, err error) {
	if configured != "" {
		return configured, nil
	}
	path := filepath.Join(dataDir, operatorFile)
	text, err := os.ReadFile(path) // #nosec G304 -- a file that the operator names
	if secret = strings.TrimSpace(string(text)); err == nil && secret != "" {
		if _, err := webhook.NewVerifier(secret); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return secret, nil
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if secret, err = tenant.NewSecret(rand.Reader); err == nil {
			err = writeFile(path, secret+"\n", secretMode)
		}
	}
	if err != nil {
		return "", fmt.Errorf("secret of operational webhooks: %w", err)
	}
	return secret, nil
}
