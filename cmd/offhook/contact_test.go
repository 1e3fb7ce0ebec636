package main

import (
	"log/slog"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
	"offhook/provider/broadworks"
)

// bounded takes documents up to a bound.
type bounded struct {
	broadworks.Inbound
	most int
}

func (b bounded) MaxDocument() int { return b.most }

func TestAContactIsServedAsItsNetworkSays(t *testing.T) {
	n := newNetworks(nil, nil, slog.New(slog.DiscardHandler))
	require.Nil(t, n.contact(&tenant.Network{}), "events come over channels")
	w := &tenant.Network{ID: "n1", BroadWorks: tenant.BroadWorks{Contact: tenant.Contact{
		Listen: "127.0.0.1:9443", PublicURL: "https://r.example.com", CertFile: "c", KeyFile: "k", Allow: []string{"192.0.2.0/24", "2001:db8::1"}, TrustForwarded: true,
	}}}
	require.NotNil(t, n.contact(w))
	got := n.listener(w, bounded{most: 100_000})
	require.Equal(t, 100_000, got.MaxBody, "what a document may have")
	require.Equal(t, []any{"127.0.0.1:9443", "c", "k", true}, []any{got.Listen, got.CertFile, got.KeyFile, got.TrustForwarded})
	require.Equal(t, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")}, got.Allow)
}
