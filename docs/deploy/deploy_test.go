package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// settings of a unit file, the last of each name; those given several times joined.
func settings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("offhook.service")
	require.NoError(t, err)
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '[' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		require.True(t, ok, line)
		all[name] = strings.TrimSpace(all[name] + "\n" + value)
	}
	return all
}

func TestTheUnitShutsOffhookIn(t *testing.T) {
	s := settings(t)
	for name, want := range map[string]string{
		"Type": "notify", "DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
		"PrivateDevices": "yes", "ProtectKernelTunables": "yes", "ProtectControlGroups": "yes", "RestrictNamespaces": "yes",
		"MemoryDenyWriteExecute": "yes", "CapabilityBoundingSet": "", "StateDirectory": "offhook", "UMask": "0077",
		"ExecReload": "/bin/kill -HUP $MAINPID", "RestartPreventExitStatus": "2",
	} {
		have, given := s[name]
		require.True(t, given, name)
		require.Equal(t, want, have, name)
	}
	require.NotContains(t, s["Environment"], "TOKEN", "secrets are in files")
}

func TestSystemdTakesTheUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd here")
	}
	text, err := os.ReadFile("offhook.service")
	require.NoError(t, err)
	unit := filepath.Join(t.TempDir(), "offhook.service")
	// The program need not be installed where this runs.
	installed := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(string(text), "ExecStart=/bin/true")
	require.NoError(t, os.WriteFile(unit, []byte(installed), 0o600))
	out, err := exec.Command("systemd-analyze", "verify", unit).CombinedOutput() // #nosec G204 -- a file of ours
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "offhook.service:", "it has nothing to say")
	out, err = exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", unit).CombinedOutput() // #nosec G204 -- a file of ours
	require.NoError(t, err, "%s", out)
	m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	require.NotNil(t, m, "%s", out)
	level, err := strconv.ParseFloat(string(m[1]), 64)
	require.NoError(t, err)
	require.LessOrEqual(t, level, 2.0, "%s", out)
}

func TestTheImageHasNothingButOffhook(t *testing.T) {
	text, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	stages := regexp.MustCompile(`(?m)^FROM (.*)$`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, stages, 2)
	require.Equal(t, "scratch", stages[1][1])
	_, last, _ := strings.Cut(string(text), "FROM scratch")
	require.Regexp(t, `(?m)^USER 65532:65532$`, last, "no root")
	require.Contains(t, string(text), "CGO_ENABLED=0")
	require.Contains(t, last, "ca-certificates.crt", "without authorities no webhook can be sent")
	require.NotRegexp(t, `(?m)^(RUN|ADD)`, last)
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)[1]
	require.Equal(t, "golang:"+string(version)+" AS build", stages[0][1], "the image that builds has the Go of go.mod")
}
