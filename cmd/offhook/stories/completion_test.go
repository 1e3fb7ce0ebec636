package stories

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// What the shells that are here make of the answers: where no file belongs they offer none.
func TestTheShellsOfferNoFilesWhereNoneBelong(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Makefile"), nil, 0o600))
	require.NoError(t, os.Symlink(rig.Checked.Path(t), filepath.Join(dir, "offhook")))
	for _, shell := range []struct{ name, asks, file, fileOfFlag string }{
		{"fish", `offhook completion fish | source; complete -C "$line"`, "Makefile", "--config=Makefile"},
		{"bash", `source <(offhook completion bash); read -ra COMP_WORDS <<<"${line//=/ = }"; [[ $line == *[' =']  ]] && COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); compopt() { echo "$2"; }; _offhook; printf '%s\n' "${COMPREPLY[@]}"`, "default", "default"},
	} {
		path, err := exec.LookPath(shell.name)
		if err != nil {
			continue
		}
		for line, want := range map[string]struct{ has, not string }{
			"offhook app ":                 {"delete", "Makefile"},
			"offhook app show ":            {"", "Makefile"},
			"offhook events tail --state=": {"ringing", "Makefile"},
			"offhook restore ":             {shell.file, "delete"},
			"offhook app list --config=":   {shell.fileOfFlag, "delete"},
		} {
			cmd := exec.Command(path, "-c", shell.asks) // #nosec G204 -- a shell
			cmd.Dir = dir
			cmd.Env = []string{"line=" + line, "PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, rig.Races}
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s %s: %s", shell.name, line, out)
			require.Contains(t, string(out), want.has, "%s %s", shell.name, line)
			require.NotContains(t, string(out), want.not, "%s %s", shell.name, line)
			require.True(t, want.has == shell.file || want.has == shell.fileOfFlag || !strings.Contains(string(out), shell.file), "%s %s: %s", shell.name, line, out)
		}
	}
}
