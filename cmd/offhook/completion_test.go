package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheNextWordIsKnown(t *testing.T) {
	for line, want := range map[string]string{
		"ca":                               "call",
		"call ho":                          "hold",
		"call record callhalf-1:0 ":        "pause resume start stop",
		"events tail --st":                 "--state",
		"events tail --state a":            "active",
		"webhook pause ":                   "calls subscriber",
		"webhook pause --app x s":          "subscriber",
		"app key ":                         "add remove rotate",
		"webhook remove --app x s":         "subscriber",
		"call conference ":                 "deaf end list mute show start undeaf unmute",
		"network set --sub":                "--subscribe",
		"network set --subscribe g":        "group",
		"log ":                             "debug error info warn",
		"completion ":                      "bash fish zsh",
		"app show --data-dir /tmp --js":    "--json",
		"backup ":                          files,
		"backup x ":                        "",
		"app show ":                        "",
		"app list --config ":               files,
		"app list --config=/et":            files,
		"app list --data-dir ":             files,
		"subscriber import ":               files,
		"webhook set --secret-file ":       files,
		"app create --name ":               "",
		"events tail --state=":             "--state=active --state=held --state=released --state=ringing",
		"events tail --state=r":            "--state=released --state=ringing",
		"events tail --state =":            "active held released ringing", // as bash has it
		"events tail --state = r":          "released ringing",
		"events tail --state = held --c":   "--ca-file --color --config --count",
		"events tail --json --type call.s": "call.state",
		"app set --challenge x --na":       "--name",
		"nothing like it ":                 "app backup bench call completion doctor events help listen log network restore serve simulate status subscriber version webhook",
	} {
		r := run(t, nil, append([]string{"__complete", "--"}, strings.Split(line, " ")...)...)
		require.Zero(t, r.code, r.stderr)
		require.Equal(t, want, strings.Join(strings.Fields(r.stdout), " "), line)
	}
}

// A shell that is here reads its script.
func TestTheScriptsAreReadByTheirShells(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r := run(t, nil, "completion", shell)
		require.Zero(t, r.code)
		require.Contains(t, r.stdout, "__complete --")
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, "-n") // #nosec G204 -- a shell
		cmd.Stdin = strings.NewReader(r.stdout)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", shell, out)
	}
	require.Equal(t, exitUsage, run(t, nil, "completion", "tcsh").code)
}
