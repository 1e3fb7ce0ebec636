package peers

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiguresOfNATSAreRead(t *testing.T) {
	l, err := parseNATS([]byte(`{"version":"2.15.2","acked":70,"stored":70,"counted":50,"seconds":2.5}`))
	require.NoError(t, err)
	require.Equal(t, natsLine{Version: "2.15.2", Acked: 70, Stored: 70, Counted: 50, Seconds: 2.5}, l)
	_, err = parseNATS([]byte(`{"error":"no room"}`))
	require.EqualError(t, err, "nats: no room")
	_, err = parseNATS([]byte(`panic: out of memory`))
	require.ErrorContains(t, err, "is no figure of NATS")
}

// saying is a program that has said this, and nothing reads what it is told.
func saying(lines ...natsLine) *nats {
	n := &nats{in: discard{io.Discard}, lines: make(chan natsLine, len(lines))}
	for _, l := range lines {
		n.lines <- l
	}
	return n
}

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

func TestARoundOfNATSIsChecked(t *testing.T) {
	rate, err := saying(natsLine{Acked: 70, Stored: 70, Counted: 50, Seconds: 2.5}).Round(t.Context(), short)
	require.NoError(t, err)
	require.InDelta(t, 20, rate, 0.001)
	for want, l := range map[string]natsLine{
		"70 transitions were acknowledged, and there are 69 messages in the stream": {Acked: 70, Stored: 69, Counted: 50, Seconds: 2.5},
		"nats told no rate": {Acked: 70, Stored: 70},
		"no room":           {Error: "no room"},
	} {
		_, err := saying(l).Round(t.Context(), short)
		require.ErrorContains(t, err, want)
	}
}

func TestTheModuleOfNATSIsFoundFromBelow(t *testing.T) {
	found, err := findModule()
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(found, natsModule), found)
}
