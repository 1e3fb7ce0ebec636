package engine

import (
	"fmt"
	"strings"
)

// Diagram draws the call machine as Markdown, from the table itself: a state
// diagram (Mermaid) and every pair of state and trigger. docs/states.md holds
// it, and a test holds the two against each other.
func Diagram() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s: %s\n", StateRinging, strings.Join(begins(StateRinging), ", "))
	fmt.Fprintf(&b, "    [*] --> %s: first sight\n", StateActive)
	fmt.Fprintf(&b, "    [*] --> %s: first sight\n", StateHeld)
	for from := StateRinging; from < numStates; from++ {
		for to := StateRinging; to < numStates; to++ {
			if on := triggers(from, to); len(on) > 0 {
				fmt.Fprintf(&b, "    %s --> %s: %s\n", from, to, strings.Join(on, ", "))
			}
		}
	}
	fmt.Fprintf(&b, "    %s --> [*]\n```\n\n", StateReleased)

	b.WriteString("| on |")
	for s := StateNone; s < numStates; s++ {
		fmt.Fprintf(&b, " %s |", s)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", numStates) + "\n")
	for t := Trigger(0); t < numTriggers; t++ {
		fmt.Fprintf(&b, "| %s |", t)
		for s := StateNone; s < numStates; s++ {
			fmt.Fprintf(&b, " %s |", cell(table[s][t]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cell(r row) string {
	var text string
	switch r.verdict {
	case begin:
		text = "begins " + r.to.String()
	case move:
		text = "**" + r.to.String() + "**"
	case insert:
		text = "active, then **" + r.to.String() + "**"
	case resync:
		text = "snapshot"
	default:
		text = r.verdict.String()
	}
	if r.phase != PhaseNone {
		text += ", " + r.phase.String()
	}
	return text
}

// triggers are the ones that lead from one state to another.
func triggers(from, to State) []string {
	var on []string
	for t := Trigger(0); t < numTriggers; t++ {
		switch r := table[from][t]; {
		case r.verdict == move && r.to == to:
			on = append(on, t.String())
		case r.verdict == insert && r.to == to:
			on = append(on, t.String()+" (active inserted)")
		}
	}
	return on
}

func begins(to State) []string {
	var on []string
	for t := Trigger(0); t < numTriggers; t++ {
		if r := table[StateNone][t]; r.verdict == begin && r.to == to {
			on = append(on, t.String())
		}
	}
	return on
}
