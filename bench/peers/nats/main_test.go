package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestEachRoundIsALine(t *testing.T) {
	var out bytes.Buffer
	if err := run(config{dir: t.TempDir(), publishers: 4, size: 300}, strings.NewReader("100ms\n100ms\n"), &out); err != nil {
		t.Fatal(err)
	}
	var lines []line
	for dec := json.NewDecoder(&out); dec.More(); {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) != 3 || lines[0].Version == "" {
		t.Fatalf("one line when it is ready and one for each round: %+v", lines)
	}
	for _, l := range lines[1:] {
		if l.Counted == 0 || l.Seconds < 0.1 || l.Counted > l.Acked {
			t.Errorf("a round was measured: %+v", l)
		}
		if l.Acked != int64(l.Stored) {
			t.Errorf("what was acknowledged is in the stream: %+v", l)
		}
	}
	if lines[2].Acked < lines[1].Acked+lines[2].Counted {
		t.Errorf("messages are counted on: %+v", lines)
	}
}

func TestARoundThatCannotBeIsRefused(t *testing.T) {
	for _, round := range []string{"soon", "-1s", "0s", ""} {
		var out bytes.Buffer
		if err := run(config{dir: t.TempDir(), publishers: 1, size: 300}, strings.NewReader(round+"\n"), &out); err == nil {
			t.Errorf("a round of %q was measured", round)
		}
	}
}
