// Package port finds ports for programs that are started a moment later, and
// for those that come back to the port they had.
package port

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// lowest is where the ports begin that are given: services with a number of their
// own are mostly below.
const lowest = 20000

// usual is where Linux begins with the ports of those who ask for none.
const usual = 32768

var (
	mu   sync.Mutex
	kept []net.PacketConn // what this process has, until it ends
)

// Free is an address on loopback that nobody listens on and nobody else is given,
// in whatever process, for as long as this one lives. A port that the system picks
// ("127.0.0.1:0") would not do once it is let go of: any connection of anybody
// may have it next. These are below all that it picks from, and the UDP port of
// the same number is kept as the sign that one is given.
func Free() (address string, err error) {
	mu.Lock()
	defer mu.Unlock()
	below := ephemeral()
	if below <= lowest {
		return "", fmt.Errorf("the system picks ports from %d on: there are none below for a program to be given", below)
	}
	for range 1000 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+rand.IntN(below-lowest))) // #nosec G404 -- no secret
		var sign net.PacketConn
		if sign, err = net.ListenPacket("udp", address); err != nil {
			continue
		}
		var ln net.Listener
		if ln, err = net.Listen("tcp", address); err == nil {
			err = ln.Close()
		}
		if err == nil {
			kept = append(kept, sign)
			return address, nil
		}
		err = errors.Join(err, sign.Close())
	}
	return "", fmt.Errorf("no port is free: %w", err)
}

// ephemeral is the first port that the system picks by itself.
func ephemeral() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usual // other systems begin no lower
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\t")
	if n, err := strconv.Atoi(first); err == nil {
		return n
	}
	return usual
}
