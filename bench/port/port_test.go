package port

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPortIsGivenOnceAndIsNoneThatTheSystemPicks(t *testing.T) {
	given := map[string]bool{}
	for range 100 {
		address, err := Free()
		require.NoError(t, err)
		require.False(t, given[address], address)
		given[address] = true
		_, text, err := net.SplitHostPort(address)
		require.NoError(t, err)
		port, err := strconv.Atoi(text)
		require.NoError(t, err)
		require.Less(t, port, ephemeral())

		ln, err := net.Listen("tcp", address)
		require.NoError(t, err, "it can be listened on")
		require.NoError(t, ln.Close())
		sign, err := net.ListenPacket("udp", address)
		if err == nil {
			_ = sign.Close()
		}
		require.Error(t, err, "no other process is given it")
	}
}
