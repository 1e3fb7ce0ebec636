package stories

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// keysOf counts the keys of an app.
func (s *shell) keysOf(app string) int {
	s.t.Helper()
	var is struct {
		Keys []any `json:"keys"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(s.ok("offhook app show --json "+app)), &is))
	return len(is.Keys)
}

// apps are the names of all.
func (s *shell) apps() (names []string) {
	s.t.Helper()
	var all []struct {
		Name string `json:"name"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(s.ok("offhook app list --json")), &all))
	for _, a := range all {
		names = append(names, a.Name)
	}
	return names
}

// Whoever pipes into head, closes the terminal or kills leaves nothing behind at the offhook,
// or nothing that the next one does not take away.
func TestACommandWhoseReaderIsGoneLeavesNothingBehind(t *testing.T) {
	s, p := newShell(t)
	s.env = append(s.env, "XDG_STATE_HOME="+filepath.Join(s.dir, "state"))
	s.ok("offhook app create CRM --id crm && offhook subscriber link crm alice@demo.example")
	call := `while sleep 0.1; do offhook call place alice@demo.example +442079460009 --app crm >call.txt 2>&1 && offhook call end "$(awk '/^call/{print $2}' call.txt)" --app crm >/dev/null; done`
	started := filepath.Join(s.dir, "state", "offhook", "made-*")

	t.Run("it prints", func(t *testing.T) {
		out := s.ok(`(` + call + `) & CALLS=$!
set +o pipefail
offhook events tail --app crm | head -1
echo "${PIPESTATUS[0]}"
kill $CALLS`)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, 2, out)
		require.Contains(t, lines[0], "alice@demo.example")
		require.Equal(t, "141", lines[1], "as of what SIGPIPE ends")
		require.Equal(t, 1, s.keysOf("crm"))
	})
	t.Run("nothing is printed", func(t *testing.T) {
		out := s.ok(`offhook events tail --app crm 2>errors.txt | true; echo "${PIPESTATUS[0]}"`)
		require.Equal(t, "141\n", out)
		require.Equal(t, 1, s.keysOf("crm"))
	})
	t.Run("the terminal is closed", func(t *testing.T) {
		s.ok(`offhook events tail --app crm & TAIL=$!
` + fmt.Sprintf(`until ls %s >/dev/null 2>&1 && grep -q crm %s; do sleep 0.05; done`, started, started) + `
kill -HUP $TAIL; wait $TAIL`)
		require.Equal(t, 1, s.keysOf("crm"))
		left, err := filepath.Glob(started)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	t.Run("it is killed", func(t *testing.T) {
		killed := `offhook %s & IT=$!
until ls ` + started + ` >/dev/null 2>&1 && grep -q '"app"' ` + started + `; do sleep 0.05; done
kill -9 $IT; wait $IT; true`
		s.ok(fmt.Sprintf(killed, "events tail --app crm"))
		require.Equal(t, 2, s.keysOf("crm"), "nobody can help that")
		_, errs, code := s.run("timeout -s INT 1 offhook events tail --app crm >/dev/null")
		require.Contains(t, []int{0, 124}, code)
		require.Contains(t, errs, "had left the key")
		require.Equal(t, 1, s.keysOf("crm"), "the next one takes it away")

		listen := "listen --listen 127.0.0.1:0 --register http://" + p.Addr("admin") + ` --admin-token "$(cat offhook-data/admin-token)"`
		s.ok(fmt.Sprintf(killed, listen))
		require.Contains(t, s.apps(), "offhook listen")
		s.ok("offhook " + listen + " --for 100ms")
		require.NotContains(t, s.apps(), "offhook listen")
		left, err := filepath.Glob(started)
		require.NoError(t, err)
		require.Empty(t, left)
	})
	t.Run("listen", func(t *testing.T) {
		out := s.ok(`(` + call + `) & CALLS=$!
offhook listen --listen 127.0.0.1:0 --register http://` + p.Addr("admin") + ` --admin-token "$(cat offhook-data/admin-token)" | head -1
echo "${PIPESTATUS[0]}"
kill $CALLS`)
		require.Contains(t, out, "\n141\n")
		require.NotContains(t, s.apps(), "offhook listen")
	})
}
