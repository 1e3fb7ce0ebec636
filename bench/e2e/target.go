package e2e

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Target is an offhook that runs already, on this machine: the platform and the
// receiver are on loopback, so it must allow webhooks to http and to private
// addresses.
type Target struct {
	Admin string // URL of its admin listener; empty for an offhook of our own
	Token string // of the admin API
}

// attach makes a network, an app and a subscriber for every line on an offhook
// that runs already. All of it has names of its own, and is gone after stop.
func attach(ctx context.Context, t Target, platform, receiver string, lines int) (*node, error) {
	n := &node{base: strings.TrimSuffix(t.Admin, "/"), token: t.Token, client: http.Client{Transport: &http.Transport{}}}
	n.nonce()
	var network struct {
		ID string `json:"network_id"`
	}
	body := fmt.Sprintf(`{"provider":"broadworks","broadworks":{"xsps":[%q],"username":"administrator@example-telco.com","password":"secret"},"dialing":{"country_code":"1"}}`, platform)
	if err := n.ask(ctx, "POST", "/admin/networks", body, http.StatusCreated, &network); err != nil {
		return nil, err
	}
	n.network = network.ID
	if err := n.provision(ctx, receiver, lines); err != nil {
		return nil, errors.Join(err, n.detach(context.WithoutCancel(ctx)))
	}
	return n, nil
}

// nonce makes the ids of subscribers our own.
func (n *node) nonce() {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	n.suffix = hex.EncodeToString(b[:])
}

// subscriber is the id of a line's subscriber.
func (n *node) subscriber(line int) string {
	return fmt.Sprintf("%s%06d-%s@example-telco.com", userPrefix, line, n.suffix)
}

// detach takes back what attach made.
func (n *node) detach(ctx context.Context) error {
	var errs []error
	for i := range n.lines {
		errs = append(errs, n.ask(ctx, "DELETE", "/admin/subscribers/"+n.subscriber(i), "", http.StatusNoContent, nil))
	}
	if n.app != "" {
		errs = append(errs, n.ask(ctx, "DELETE", "/admin/apps/"+n.app, "", http.StatusNoContent, nil))
	}
	if n.network != "" {
		errs = append(errs, n.ask(ctx, "DELETE", "/admin/networks/"+n.network, "", http.StatusNoContent, nil))
	}
	n.client.CloseIdleConnections()
	return errors.Join(errs...)
}
