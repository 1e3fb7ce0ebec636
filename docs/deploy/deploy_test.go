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
	require.NotContains(t, s["Environment"], "OFFHOOK_DATA_DIR", "commands read the configuration alone, and would look elsewhere")
	require.Equal(t, "0755", s["ConfigurationDirectoryMode"], "systemd leaves it root's, and the user is another")
}

// block is a code block of the page, the first in a language behind a heading.
func block(t *testing.T, heading, language string) string {
	t.Helper()
	page, err := os.ReadFile("../operating.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "\n## "+heading+"\n")
	require.True(t, found)
	_, rest, found = strings.Cut(rest, "```"+language+"\n")
	require.True(t, found)
	text, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	return text
}

// What the page's configuration names, its drop-in brings and the unit has.
func TestTheSecretsOfThePageReachTheService(t *testing.T) {
	config, dropIn := block(t, "As a service", "yaml"), block(t, "As a service", "ini")
	brought := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^LoadCredential=([a-z-]+):/etc/offhook/`).FindAllStringSubmatch(dropIn, -1) {
		brought[m[1]] = true
	}
	files := regexp.MustCompile(`(?m)_file: (\S+)$`).FindAllStringSubmatch(config, -1)
	require.Len(t, files, len(brought))
	for _, f := range files {
		name, found := strings.CutPrefix(f[1], "/run/credentials/offhook.service/")
		require.True(t, found, f[1])
		require.True(t, brought[name], "%s is not loaded", name)
	}
	data := regexp.MustCompile(`(?m)^data_dir: (\S+)$`).FindStringSubmatch(config)
	require.NotNil(t, data)
	require.Equal(t, "/var/lib/"+settings(t)["StateDirectory"]+"/data", data[1])
	unit, err := os.ReadFile("offhook.service")
	require.NoError(t, err)
	require.Contains(t, string(unit), "data_dir: "+data[1]+"\n")
}

// verify is what systemd says of the unit with a drop-in.
func verify(t *testing.T, dropIn string) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd here")
	}
	text, err := os.ReadFile("offhook.service")
	require.NoError(t, err)
	dir := t.TempDir()
	unit := filepath.Join(dir, "offhook.service")
	installed := regexp.MustCompile(`(?m)^ExecStart=\S+`).ReplaceAllString(string(text), "ExecStart=/bin/true")
	require.NoError(t, os.WriteFile(unit, []byte(installed), 0o600))
	require.NoError(t, os.Mkdir(unit+".d", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(unit+".d", "secrets.conf"), []byte(dropIn), 0o600))
	cmd := exec.Command("systemd-analyze", "verify", unit) // #nosec G204 -- a file of ours
	cmd.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir+":")
	out, _ := cmd.CombinedOutput()
	return string(out)
}

func TestSystemdTakesTheDropIn(t *testing.T) {
	dropIn := block(t, "As a service", "ini")
	require.Contains(t, verify(t, strings.ReplaceAll(dropIn, "LoadCredential", "LoadCredentail")), "secrets.conf", "it reads the drop-in")
	require.NotContains(t, verify(t, dropIn), "secrets.conf")
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
