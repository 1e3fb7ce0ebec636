package tenant

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsWrongWithAContactIsSaid(t *testing.T) {
	good := Contact{Listen: ":9443", PublicURL: "https://receiver.example.com/xsi", Allow: []string{"192.0.2.0/24", "2001:db8::7"}}
	setting, why := good.Fault()
	require.Empty(t, setting+why)
	for want, change := range map[string][]func(*Contact){
		"listen": {
			func(c *Contact) { c.Listen = "" }, func(c *Contact) { c.Listen = "9443" }, func(c *Contact) { c.Listen = ":https" }, func(c *Contact) { c.Listen = ":99999" },
		},
		"public_url": {
			func(c *Contact) { c.PublicURL = "" }, func(c *Contact) { c.PublicURL = "receiver.example.com/xsi" }, func(c *Contact) { c.PublicURL = "https://" },
			func(c *Contact) { c.PublicURL = "https://u@receiver.example.com" }, func(c *Contact) { c.PublicURL += "?a" }, func(c *Contact) { c.PublicURL += "#a" },
		},
		"cert_file": {func(c *Contact) { c.CertFile = "a" }},
		"key_file":  {func(c *Contact) { c.KeyFile = "a" }},
		"allow": {
			func(c *Contact) { c.Allow = nil }, func(c *Contact) { c.Allow = []string{"xsp1.example.com"} }, func(c *Contact) { c.Allow = []string{"192.0.2.0/33"} },
			func(c *Contact) { c.Allow = []string{"fe80::1%eth0"} },
		},
	} {
		for i, fn := range change {
			c := good
			fn(&c)
			setting, why := c.Fault()
			require.Equal(t, want, setting, "%s %d", want, i)
			require.NotEmpty(t, why)
		}
	}
}

func TestAllowedAddressesAndNetworks(t *testing.T) {
	c := Contact{Allow: []string{"192.0.2.9/24", "::ffff:198.51.100.7", "2001:db8::/32", "nonsense"}}
	require.Equal(t, []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.7/32"), netip.MustParsePrefix("2001:db8::/32"),
	}, c.Prefixes())
}
