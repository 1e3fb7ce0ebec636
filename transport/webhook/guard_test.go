package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGuardJudgesAddresses(t *testing.T) {
	const (
		public  = iota // always allowed
		private        // allowed with AllowPrivate
		never
	)
	for literal, want := range map[string]int{
		"8.8.8.8": public, "1.1.1.1": public, "100.63.255.255": public, "100.128.0.1": public, "172.15.255.255": public,
		"172.32.0.1": public, "192.167.1.1": public, "198.17.255.255": public, "223.255.255.254": public, "11.0.0.1": public,
		"2606:4700:4700::1111": public, "2a00:1450:4001:81b::200e": public, "2003::1": public,
		"::ffff:8.8.8.8": public,

		"127.0.0.1": private, "127.255.255.254": private, "10.0.0.1": private, "10.255.255.255": private,
		"172.16.0.1": private, "172.31.255.255": private, "192.168.0.1": private, "192.168.255.255": private,
		"100.64.0.1": private, "100.127.255.255": private, "::1": private, "fc00::1": private, "fd12:3456:789a::1": private,
		"::ffff:127.0.0.1": private, "::ffff:10.1.2.3": private, "::ffff:7f00:1": private,

		"0.0.0.0": never, "0.1.2.3": never, "::": never,
		"169.254.169.254": never, "169.254.0.1": never, "::ffff:169.254.169.254": never, "fd00:ec2::254": never, "fd20:ce::254": never,
		"100.100.100.200": never, "168.63.129.16": never, "192.0.0.192": never, "192.0.0.8": never,
		"192.0.2.1": never, "198.51.100.7": never, "203.0.113.9": never, "198.18.0.1": never, "198.19.255.255": never,
		"192.88.99.1": never, "224.0.0.1": never, "239.255.255.250": never, "240.0.0.1": never, "255.255.255.255": never,
		"fe80::1": never, "febf::1": never, "fec0::1": never, "ff02::1": never, "ff0e::1": never,
		"64:ff9b::7f00:1": never, "64:ff9b::a9fe:a9fe": never, "64:ff9b:1::1": never, "2002:7f00:1::1": never, "2002:a9fe:a9fe::": never,
		"2001::1": never, "2001:0:4136:e378::1": never, "2001:db8::1": never, "3fff::1": never, "100::1": never, "5f00::1": never,
		"2001:10::1": never, "2001:20::1": never, "2001:2::1": never, "::127.0.0.1": never, "::ffff:0:7f00:1": never, "4000::1": never,
		"fe80::1%eth0": never, "::1%lo": never, "2606:4700::1%eth0": never,
	} {
		to := netip.AddrPortFrom(netip.MustParseAddr(literal), 443)
		strict, lax := (&Guard{}).CheckAddr("app", to), (&Guard{AllowPrivate: true, AllowHTTP: true}).CheckAddr("app", to)
		if want == public {
			require.NoError(t, strict, literal)
		} else {
			require.ErrorIs(t, strict, ErrBlocked, literal)
		}
		if want == never {
			require.ErrorIs(t, lax, ErrBlocked, literal)
		} else {
			require.NoError(t, lax, literal)
		}
	}
}

func TestGuardJudgesURLs(t *testing.T) {
	strict, plain := &Guard{}, &Guard{AllowHTTP: true}
	local, extra := &Guard{AllowHTTP: true, AllowPrivate: true}, &Guard{AllowPorts: []uint16{9000}}
	for _, tt := range []struct {
		g   *Guard
		url string
		ok  bool
	}{
		{strict, "https://hooks.example.com/in?x=1", true},
		{strict, "https://hooks.example.com:443/", true},
		{strict, "https://hooks.example.com:8443/", true},
		{strict, "https://xn--bcher-kva.example/", true},
		{strict, "https://8.8.8.8/", true},
		{strict, "https://[2606:4700:4700::1111]/", true},
		{strict, "https://hooks.example.com:22/", false},
		{strict, "https://hooks.example.com:6379/", false},
		{strict, "https://hooks.example.com:0/", false},
		{strict, "https://hooks.example.com:65536/", false},
		{strict, "https://hooks.example.com:/", false},
		{strict, "https://hooks.example.com:https/", false},
		{strict, "http://hooks.example.com/", false},
		{strict, "https://user:pass@hooks.example.com/", false},
		{strict, "https://user@hooks.example.com/", false},
		{strict, "https://good.example@127.0.0.1/", false},
		{strict, "https://hooks.example.com/#top", false},
		{strict, "https://hooks.example.com/#", false},
		{strict, "https:///nothing", false},
		{strict, "https:hooks.example.com", false},
		{strict, "//hooks.example.com/", false},
		{strict, "hooks.example.com", false},
		{strict, "", false},
		{strict, "ftp://hooks.example.com/", false},
		{strict, "file:///etc/passwd", false},
		{strict, "gopher://hooks.example.com/", false},
		{strict, "https://hooks.example.com/\r\nX: y", false},
		{strict, "https://hooks.example.com\n/", false},
		{strict, "https://bücher.example/", false},
		{strict, "https://ho%6fks.example.com/", false},
		{strict, "https://127.0.0.1/", false},
		{strict, "https://[::1]/", false},
		{strict, "https://[::ffff:127.0.0.1]/", false},
		{strict, "https://[fe80::1%25eth0]/", false},
		{strict, "https://169.254.169.254/latest/meta-data/", false},
		// Other ways to write loopback, which resolvers may understand.
		{strict, "https://0x7f.1/", false},
		{strict, "https://0x7f000001/", false},
		{strict, "https://0177.0.0.1/", false},
		{strict, "https://2130706433/", false},
		{strict, "https://127.1/", false},
		{strict, "https://127.0.0.1./", false},
		{strict, "https://017700000001/", false},
		{strict, "https://hooks.example.0x1/", false},
		{strict, "https://127。0。0。1/", false},
		{local, "http://0x7f.1:8080/", false},

		{plain, "http://hooks.example.com/", true},
		{plain, "http://hooks.example.com:80/", true},
		{plain, "http://hooks.example.com:8080/", false},
		{plain, "http://127.0.0.1/", false},
		{local, "http://127.0.0.1:39301/hook", true},
		{local, "http://localhost:39301/hook", true},
		{local, "https://10.1.2.3:9/", true},
		{local, "http://[::1]:39301/", true},
		{local, "http://169.254.169.254/", false},
		{local, "http://0.0.0.0:39301/", false},
		{&Guard{AllowPrivate: true}, "http://127.0.0.1:39301/", false},
		{extra, "https://hooks.example.com:9000/", true},
		{extra, "https://hooks.example.com:9001/", false},
	} {
		_, err := tt.g.CheckURL("app", tt.url)
		if tt.ok {
			require.NoError(t, err, tt.url)
		} else {
			require.ErrorIs(t, err, ErrBlocked, tt.url)
		}
	}
}

func TestCredentialsInAURLAreNotRepeated(t *testing.T) {
	for _, raw := range []string{"https://user:hunter2@hooks.example.com/", "https://user:hunter2@hooks.example.com:x/", "https://hunter2@%zz/"} {
		_, err := (&Guard{}).CheckURL("app", raw)
		require.ErrorIs(t, err, ErrBlocked)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestOneAppMayReachItsExemptAddress(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:39301")
	g := &Guard{Exempt: map[netip.AddrPort]string{at: "demo"}}
	_, err := g.CheckURL("demo", "http://127.0.0.1:39301/calls")
	require.NoError(t, err)
	require.NoError(t, g.CheckAddr("demo", at))
	require.NoError(t, g.CheckAddr("demo", netip.MustParseAddrPort("[::ffff:127.0.0.1]:39301")), "however it is written")
	for _, app := range []string{"", "other"} {
		_, err = g.CheckURL(app, "http://127.0.0.1:39301/calls")
		require.ErrorIs(t, err, ErrBlocked)
		require.ErrorIs(t, g.CheckAddr(app, at), ErrBlocked)
	}
	require.ErrorIs(t, g.CheckAddr("demo", netip.MustParseAddrPort("127.0.0.1:39302")), ErrBlocked)
	require.ErrorIs(t, g.CheckAddr("demo", netip.MustParseAddrPort("127.0.0.2:39301")), ErrBlocked)
}

func TestTheDiallerIsStoppedBeforeItConnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dialer := net.Dialer{Control: (&Guard{}).control("app")}
	_, err = dialer.DialContext(context.Background(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, ErrBlocked)
	require.Equal(t, Blocked, classOfError(err))

	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	_, err = dialer.DialContext(context.Background(), "tcp", net.JoinHostPort("localhost", port))
	require.ErrorIs(t, err, ErrBlocked, "a name is judged by what it resolves to")
	require.False(t, errors.Is(err, context.DeadlineExceeded))
}
