package webhook

import (
	"context"
	"encoding/binary"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// resolveTo is a name server in memory: each A query is answered with ip, or
// with "no such name" if ip is nil.
func resolveTo(t *testing.T, ip net.IP) func(ctx context.Context, network, address string) (net.Conn, error) {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := l.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := dnsReply(buf[:n], ip); reply != nil {
				l.WriteTo(reply, from)
			}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", l.LocalAddr().String())
	}
}

// dnsReply answers one query (RFC 1035 §4.1).
func dnsReply(q []byte, ip net.IP) []byte {
	if len(q) < 12 {
		return nil
	}
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5 // the root label, type and class
	if end > len(q) {
		return nil
	}
	isA := binary.BigEndian.Uint16(q[end-4:]) == 1
	reply := append([]byte(nil), q[:end]...)
	flags, answers := uint16(0x8180), uint16(0)
	if ip == nil {
		flags |= 3 // no such name
	} else if isA {
		answers = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, ip...)
	}
	binary.BigEndian.PutUint16(reply[2:], flags)
	binary.BigEndian.PutUint16(reply[6:], answers)
	clear(reply[8:12])
	return reply
}
