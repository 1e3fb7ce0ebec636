package hostile

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
	"offhook/transport/xsicontact"
)

// contact takes documents at a path that nobody can guess.
type contact struct{}

const secretPath = "/a-path-that-nobody-can-guess"

func (contact) Knows(path []byte) bool { return bytes.Equal(path, []byte(secretPath)) }

func (contact) Take(document []byte) int {
	if bytes.HasPrefix(document, []byte("<?xml")) {
		return http.StatusOK
	}
	return http.StatusBadRequest
}

// contactFront is the listener that platforms POST events to.
func contactFront(t *testing.T) front {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	cfg := xsicontact.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, IdleWorker: 50 * time.Millisecond}
	go func() { served <- cfg.ServeOn(ctx, ln, contact{}, func() {}) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-served)
	})
	url := "http://" + ln.Addr().String() + secretPath
	well := func() error {
		a, err := rig.Ask("POST", url, "", "<?xml version='1.0'?><a/>")
		if err == nil && a.Status != http.StatusOK {
			err = errors.New(http.StatusText(a.Status))
		}
		return err
	}
	zoo := slices.DeleteFunc(slices.Concat(framing, people), func(m monster) bool { return strings.Contains(m.name, "key") })
	return front{name: "contact", addr: ln.Addr().String(), as: client{"POST", secretPath, ""}, zoo: zoo, terse: true, well: well}
}
