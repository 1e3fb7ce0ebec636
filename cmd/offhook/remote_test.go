package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// office is an admin listener that answers one path.
func office(t *testing.T, status int, typ, body string) (url string, tokens *[]string) {
	t.Helper()
	tokens = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*tokens = append(*tokens, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", typ)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s.URL, tokens
}

func TestACommandFindsItsOffhookAndSaysWhenItDoesNot(t *testing.T) {
	good, tokens := office(t, 200, "application/json", `[{"app_id":"crm","name":"C\u001b[31mRM","keys":[]}]`)
	refuses, _ := office(t, 401, "application/problem+json", `{"code":"unauthorized","detail":"the token is wrong"}`)
	page, _ := office(t, 200, "text/html", `<html>`)
	data := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(data, adminTokenFile), []byte("of-the-file\n"), 0o600))
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		code int
		says string // on standard error
	}{
		"by flags":            {nil, []string{"--admin", good, "--admin-token", "t"}, exitOK, ""},
		"by the environment":  {map[string]string{envAdmin: good, "OFFHOOK_ADMIN_TOKEN": "t"}, nil, exitOK, ""},
		"the token of a file": {map[string]string{envAdmin: good, "OFFHOOK_DATA_DIR": data}, nil, exitOK, ""},
		"no token":            {nil, []string{"--admin", good, "--data-dir", t.TempDir()}, exitUsage, "--admin-token is needed"},
		"not sent abroad":     {nil, []string{"--admin", "http://192.0.2.1", "--data-dir", data}, exitUsage, "is not sent to 192.0.2.1"},
		"none is running":     {nil, []string{"--data-dir", data}, exitAway, "no offhook runs on the data directory"},
		"nobody answers":      {nil, []string{"--admin", "http://" + closedAddr(t), "--admin-token", "t"}, exitAway, "does not answer"},
		"it refuses":          {nil, []string{"--admin", refuses, "--admin-token", "t"}, exitRefused, "the token is wrong (unauthorized, 401); the admin token is in the file"},
		"something else":      {nil, []string{"--admin", page, "--admin-token", "t"}, exitFailure, "is that an offhook?"},
		"no URL":              {nil, []string{"--admin", "offhook", "--admin-token", "t"}, exitUsage, "is no URL"},
		"a slip":              {nil, []string{"--admni", good}, exitUsage, `did you mean "--admin"?`},
	} {
		t.Run(name, func(t *testing.T) {
			*tokens = nil
			r := run(t, c.env, append([]string{"app", "list"}, c.args...)...)
			require.Equal(t, c.code, r.code, r.stderr)
			require.Contains(t, r.stderr, c.says)
			if c.code == exitOK {
				require.Contains(t, r.stdout, "C\uFFFD[31mRM", "a name cannot paint the terminal")
				require.Len(t, *tokens, 1)
			}
		})
	}
	require.Equal(t, exitUsage, run(t, nil, "call", "hodl", "x").code)
	require.Contains(t, run(t, nil, "call", "hodl", "x").stderr, `did you mean "hold"?`)
	require.Contains(t, run(t, nil, "cal", "hold", "x").stderr, `did you mean "call"`)
}

// A crash leaves the file; the process of that number is gone.
func TestTheFileOfACrashedOffhookIsNotBelieved(t *testing.T) {
	data := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(data, runningFile), fmt.Appendf(nil, `{"pid":%d,"admin":"http://127.0.0.1:1"}`, 1<<22+1), 0o600))
	r := run(t, nil, "app", "list", "--data-dir", data)
	require.Equal(t, exitAway, r.code)
	require.Contains(t, r.stderr, "has ended")
	require.NoError(t, os.WriteFile(filepath.Join(data, runningFile), []byte("{"), 0o600))
	require.Equal(t, exitAway, run(t, nil, "app", "list", "--data-dir", data).code)
}

// A slip in the name of a config file must not lead to another offhook, such as
// the one of ./offhook-data.
func TestAConfigFileThatCannotBeUsedLeadsNowhereElse(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	other, tokens := office(t, 200, "application/json", `[{"app_id":"of another one","keys":[]}]`)
	require.NoError(t, os.Mkdir("offhook-data", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join("offhook-data", runningFile), fmt.Appendf(nil, `{"pid":%d,"admin":%q,"api":%q}`, os.Getpid(), other, other), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join("offhook-data", adminTokenFile), []byte("t\n"), 0o600))
	for name, text := range map[string]string{"tab.yaml": "\tlisten: x", "slip.yaml": "data_dri: /prod", "elsewhere.yaml": "data_dir: /nowhere/prod", "silent.yaml": "listen: 127.0.0.1:0"} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	require.Equal(t, exitOK, run(t, nil, "app", "list").code, "the other one is up")
	require.Equal(t, exitOK, run(t, nil, "app", "list", "--config", "silent.yaml").code)
	*tokens = nil
	for file, c := range map[string]struct {
		code int
		says string
	}{
		"nonexistent.yaml": {exitUsage, "nonexistent.yaml: the config file cannot be read: no such file"},
		"tab.yaml":         {exitUsage, "tab.yaml:1: this is not YAML"},
		"slip.yaml":        {exitUsage, `did you mean "data_dir"?`},
		"elsewhere.yaml":   {exitAway, "the data directory /nowhere/prod (data_dir of elsewhere.yaml)"},
	} {
		for _, command := range [][]string{{"app", "list"}, {"app", "delete", "crm"}, {"status"}, {"events", "tail"}, {"events", "tail", "--app", "crm", "--api-key", "k"}, {"log"}} {
			r := run(t, nil, append(command, "--config", file)...)
			require.Equal(t, c.code, r.code, "%s %v: %s", file, command, r.stderr)
			require.Contains(t, r.stderr, c.says)
			r = run(t, map[string]string{"OFFHOOK_CONFIG": file}, command...)
			require.Equal(t, c.code, r.code, "%s %v: %s", file, command, r.stderr)
			require.Contains(t, r.stderr, c.says)
		}
	}
	require.Equal(t, exitUsage, run(t, nil, "backup", "copy", "--config", "nonexistent.yaml").code)
	require.NoDirExists(t, "copy")
	require.Empty(t, *tokens, "nobody else was asked")
	require.NoError(t, os.Remove(filepath.Join("offhook-data", runningFile)))
	require.Contains(t, run(t, nil, "app", "list", "--config", "silent.yaml").stderr, "./offhook-data (the default, since silent.yaml has no data_dir)")
	require.Contains(t, run(t, nil, "app", "list").stderr, "./offhook-data (the default)")
	require.Contains(t, run(t, nil, "app", "list", "--data-dir", "x").stderr, "x (--data-dir)")
}

func TestADirectoryIsNoFile(t *testing.T) {
	admin, asked := office(t, 200, "application/json", `{}`)
	for _, args := range [][]string{{"subscriber", "import", "."}, {"network", "create", "--file", "."}, {"webhook", "set", "calls", "--app", "crm", "--secret-file", "."}} {
		r := run(t, nil, append(args, "--admin", admin, "--admin-token", "t")...)
		require.Equal(t, exitUsage, r.code, r.stderr)
		require.Contains(t, r.stderr, ". cannot be read: it is a directory")
	}
	require.Empty(t, *asked)
}

func TestARefusalSaysWhatThereIsNot(t *testing.T) {
	admin, _ := office(t, 404, "application/problem+json", `{"code":"not_found","status":404,"detail":"there is no such resource"}`)
	for line, want := range map[string]string{
		"app show nope":                                     "app nope",
		"app key remove crm K1":                             "key K1 of app crm",
		"network show N":                                    "network N",
		"subscriber show a/b@x":                             "subscriber a/b@x",
		"subscriber link crm bob":                           "subscriber bob of app crm",
		"call show C --app crm":                             "call C of app crm",
		"call hold C --app crm":                             "call C of app crm",
		"webhook show calls --app crm":                      "webhook calls of app crm",
		"webhook stream pause calls bob --app crm":          "stream bob of webhook calls of app crm",
		"webhook redelivery show calls T --app crm":         "redelivery T of webhook calls of app crm",
		"call conference mute conf-1 C --app crm":           "call C of conference conf-1 of app crm",
		"events list --app crm":                             "app crm",
		"call timeline C --app crm":                         "call C of app crm",
		"subscriber show bob --app crm":                     "subscriber bob of app crm",
		"network rotate-contact N":                          "network N",
		"call list --app crm --subscriber bob@demo.example": "subscriber bob@demo.example of app crm",
	} {
		r := run(t, nil, append(strings.Fields(line), "--admin", admin, "--admin-token", "t")...)
		require.Equal(t, exitRefused, r.code, line)
		require.Equal(t, "offhook: "+want+": there is no such resource (not_found, 404)\n", r.stderr, line)
	}
}

func TestAKeyThatCannotBeSentIsNamed(t *testing.T) {
	r := run(t, map[string]string{envAPIKey: "ok_live_x\n", envAPI: "http://127.0.0.1:1", envApp: "crm"}, "call", "list")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "offhook: --api-key (or OFFHOOK_API_KEY) has characters")
	require.NotContains(t, r.stderr, "ok_live_x")
}
