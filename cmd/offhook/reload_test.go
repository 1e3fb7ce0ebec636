package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPartThatReloadsIsASetting(t *testing.T) {
	for _, p := range parts {
		found := false
		for _, s := range defaultConfig().settings() {
			found = found || s.path == p.name || len(s.path) > len(p.name) && s.path[:len(p.name)+1] == p.name+"."
		}
		require.True(t, found, p.name)
	}
}

func TestDifferencesAreNamedByTheirSettings(t *testing.T) {
	d := newDesk(t)
	was, err := d.load(t, "listen: \":1\"\nlimits: { per_key: 5 }\n")
	require.NoError(t, err)
	is, err := d.load(t, "listen: \":2\"\nlimits: { per_key: 6 }\nretention: 2h\nwebhooks: { operator_url: \"https://a.example.com\" }\n")
	require.NoError(t, err)
	require.Empty(t, was.differences(was))
	require.Equal(t, []string{"listen", "webhooks.operator_url", "limits.per_key", "retention"}, was.differences(is))
	was.take("limits.per_key", is)
	require.Equal(t, 6, was.Limits.PerKey)
	require.Equal(t, ":1", was.Listen)
}

// A secret is changed in its file: the setting that names it has changed.
func TestAFileWithSomethingElseInItIsADifference(t *testing.T) {
	d := newDesk(t)
	d.write(t, "secret", someSecret)
	text := netFile("ca_file: DIR/cert.pem") + "webhooks: { operator_url: \"https://a.example.com\", operator_secret_file: DIR/secret }\ntls: { cert_file: DIR/cert.pem, key_file: DIR/key.pem }\n"
	was, err := d.load(t, text)
	require.NoError(t, err)
	d.write(t, "password", "another\n")
	is, err := d.load(t, text)
	require.NoError(t, err)
	require.Equal(t, []string{"networks[0].broadworks.password_file"}, was.differences(is))
	require.Equal(t, was.tunings(), is.tunings())

	other := newDesk(t)
	for _, name := range []string{"cert.pem", "key.pem"} {
		pem, err := os.ReadFile(filepath.Join(other.dir, name))
		require.NoError(t, err)
		d.write(t, name, string(pem))
	}
	d.write(t, "secret", strings.Replace(someSecret, "M", "N", 1))
	is, err = d.load(t, text)
	require.NoError(t, err)
	require.Equal(t, []string{
		"networks[0].broadworks.ca_file", "networks[0].broadworks.password_file", "tls.cert_file", "tls.key_file", "webhooks.operator_secret_file",
	}, was.differences(is))
	require.NotEqual(t, was.tunings(), is.tunings(), "the network trusts others now, and begins afresh")
	was.takeFiles(is, func(path string) bool { return strings.HasPrefix(path, "tls.") || strings.HasPrefix(path, "networks[") })
	require.Equal(t, []string{"webhooks.operator_secret_file"}, was.differences(is))
}

func TestWhoStartedItIsToldHowItStands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer socket.Close()
	notify(path).tell("READY=1")
	b := make([]byte, 64)
	n, err := socket.Read(b)
	require.NoError(t, err)
	require.Equal(t, "READY=1", string(b[:n]))
	notify("").tell("READY=1")
	notify(path + "-gone").tell("READY=1") // nothing depends on it
}
