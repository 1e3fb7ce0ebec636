package engine

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is expected anew; read it before you commit it")

func TestEveryPairIsDecided(t *testing.T) {
	for s := StateNone; s < numStates; s++ {
		for on := Trigger(0); on < numTriggers; on++ {
			r := table[s][on]
			if r.verdict == undecided {
				t.Errorf("nobody decided what %s does on %s", s, on)
			}
			if r.verdict == begin != (s == StateNone && r.to != StateNone) {
				t.Errorf("%s on %s: calls begin from none, and only there", s, on)
			}
			if (r.verdict == move || r.verdict == insert) && (r.to == s || r.to == StateNone) {
				t.Errorf("%s on %s moves to %s", s, on, r.to)
			}
			if r.verdict == insert && (s != StateRinging || r.to != StateHeld) {
				t.Errorf("%s on %s: the only step that can be missed is active", s, on)
			}
			if s == StateReleased && r.verdict != ignore {
				t.Errorf("released on %s: nothing leaves released", on)
			}
			if s.Live() && (on == OnReleased || on == OnDetached || on == OnLost) && r.to != StateReleased {
				t.Errorf("%s on %s does not end the call", s, on)
			}
		}
	}
}

// Whatever a live call went through, it can be answered, held, resumed and ended.
func TestEveryStateIsReached(t *testing.T) {
	for _, path := range [][]State{
		{StateNone, StateRinging}, {StateRinging, StateActive}, {StateActive, StateHeld}, {StateHeld, StateActive},
		{StateRinging, StateReleased}, {StateActive, StateReleased}, {StateHeld, StateReleased},
	} {
		if path[0] == StateNone {
			require.NotEmpty(t, begins(path[1]))
			continue
		}
		require.NotEmpty(t, triggers(path[0], path[1]), "%s to %s", path[0], path[1])
	}
	require.Empty(t, triggers(StateActive, StateRinging), "ringing does not come back")
	require.Empty(t, triggers(StateHeld, StateRinging))
}

func TestStatesPage(t *testing.T) {
	const path, from, to = "../docs/states.md", "-update -->\n", "<!-- end -->"
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), from)
	require.True(t, ok)
	drawn, after, ok := strings.Cut(rest, to)
	require.True(t, ok)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+from+Diagram()+to+after), 0o600))
		return
	}
	require.Equal(t, Diagram(), drawn, "docs/states.md is stale: go test ./engine -run TestStatesPage -update")
	for _, c := range causeNames[1:] {
		require.Contains(t, string(page), "| `"+c+"` |")
	}
	for _, p := range phaseNames[1:] {
		require.Contains(t, string(page), "| `"+p+"` |")
	}
}
