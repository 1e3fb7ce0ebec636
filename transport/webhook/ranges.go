package webhook

import "net/netip"

// Where webhooks do not go: the IANA special-purpose registries, and the
// metadata services of clouds, which hand out credentials to whoever asks.

type addrRange struct {
	prefix netip.Prefix
	what   string
}

func ranges(what string, prefixes ...string) []addrRange {
	out := make([]addrRange, len(prefixes))
	for i, p := range prefixes {
		out[i] = addrRange{netip.MustParsePrefix(p), what}
	}
	return out
}

func join(lists ...[]addrRange) []addrRange {
	var out []addrRange
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

var globalUnicast6 = netip.MustParsePrefix("2000::/3")

// private is what AllowPrivate opens.
var private = join(
	ranges("a loopback address", "127.0.0.0/8", "::1/128"),
	ranges("a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
	ranges("a carrier-grade NAT address", "100.64.0.0/10"),
)

// never is refused whatever the operator allows, and looked at first.
var never = join(
	ranges("a metadata service",
		"169.254.169.254/32", // nearly every cloud
		"fd00:ec2::254/128",  // AWS
		"fd20:ce::254/128",   // Google Cloud
		"100.100.100.200/32", // Alibaba
		"168.63.129.16/32",   // Azure, though it looks public
		"192.0.0.192/32",     // Oracle, classic
	),
	ranges("a link-local address", "169.254.0.0/16", "fe80::/10"),
	ranges("an unspecified or this-network address", "0.0.0.0/8", "::/128"),
	ranges("a multicast address", "224.0.0.0/4", "ff00::/8"),
	ranges("a reserved address", "240.0.0.0/4", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "100::/64", "100:0:0:1::/64", "5f00::/16"),
	ranges("a benchmarking address", "198.18.0.0/15", "2001:2::/48"),
	ranges("a documentation address", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
	// These carry an IPv4 address inside; a gateway would unpack it behind our back.
	ranges("an address that embeds another", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::ffff:0:0:0/96"),
	ranges("an overlay identifier", "2001:10::/28", "2001:20::/28", "2001:30::/28"),
)
