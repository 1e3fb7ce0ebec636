package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/engine/tenant"
)

const someSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestTheOperatorsReceiverMayBeWhereThoseOfAppsMayNot(t *testing.T) {
	for url, warnings := range map[string]int{
		"https://alerts.example.com/hook?tenant=1": 0,
		"https://10.0.0.5:9443/hook":               0,
		"http://127.0.0.1:9000":                    0,
		"http://10.0.0.5:9000/hook":                1,
		"http://alerts.example.com":                1,
	} {
		d := newDesk(t)
		d.write(t, "secret", someSecret+"\n")
		c, err := d.load(t, "webhooks: { operator_url: \""+url+"\", operator_secret_file: DIR/secret }\n")
		require.NoError(t, err, url)
		require.Len(t, c.Warnings, warnings, url)
		r, err := c.operator()
		require.NoError(t, err)
		require.Equal(t, tenant.Receiver{URL: url, Secrets: []string{someSecret}}, r)
	}
	c, err := newDesk(t).load(t, "")
	require.NoError(t, err)
	r, err := c.operator()
	require.NoError(t, err)
	require.False(t, r.Set())
	_, err = newDesk(t).load(t, "webhooks: { operator_url: \"http://169.254.169.254/\" }\n")
	require.Error(t, err, "not even the operator means cloud metadata")
}

func TestTheOperatorsSecretIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	c := &Config{DataDir: dir, Webhooks: Webhooks{OperatorURL: "https://alerts.example.com"}}
	first, err := c.operator()
	require.NoError(t, err)
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, first.Secrets[0])
	info, err := os.Stat(filepath.Join(dir, operatorFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, err := c.operator()
	require.NoError(t, err)
	require.Equal(t, first, again)

	require.NoError(t, os.WriteFile(filepath.Join(dir, operatorFile), []byte("whsec_short"), 0o600))
	_, err = c.operator()
	require.ErrorContains(t, err, operatorFile)
	require.NotContains(t, err.Error(), "short")
	c.DataDir = filepath.Join(dir, "none")
	_, err = c.operator()
	require.Error(t, err)
}
