package stories

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"offhook/bench/prove/rig"
)

// refuses starts offhook where it cannot start, and returns what it says last.
func refuses(t *testing.T, env []string, args ...string) string {
	t.Helper()
	p := rig.Checked.Launch(t, append(rig.Anywhere("none"), env...), append([]string{"serve"}, args...)...)
	select {
	case <-p.Ended():
	case <-time.After(60 * time.Second):
		t.Fatalf("it runs:\n%s", p.Output())
	}
	require.Equal(t, 1, p.ExitCode(), "%s", p.Output())
	lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
	last := lines[len(lines)-1]
	require.Contains(t, last, "offhook: ")
	require.NotContains(t, p.Output(), "goroutine ", "nothing that only its authors understand")
	return last
}

func TestADataDirectoryThatCannotBeUsedSaysWhyAndWhatToDo(t *testing.T) {
	t.Run("of a newer offhook", func(t *testing.T) {
		data := t.TempDir()
		rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", data).Drain()
		markers, err := filepath.Glob(filepath.Join(data, "marker.format-version.*"))
		require.NoError(t, err)
		require.Len(t, markers, 1)
		marker := markers[0]
		require.NoError(t, os.Rename(marker, strings.TrimSuffix(marker, filepath.Ext(marker))+".999"))
		said := refuses(t, nil, "--data-dir", data)
		require.Contains(t, said, "was written by a newer offhook: start that one, or restore a backup")
		require.Contains(t, said, data)
	})
	t.Run("in use", func(t *testing.T) {
		data := t.TempDir()
		rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", data)
		require.Contains(t, refuses(t, nil, "--data-dir", data), "is in use: stop the other offhook, or give this one another data_dir")
	})
	t.Run("a flipped bit in a table", func(t *testing.T) {
		data := t.TempDir()
		for range 2 { // what is in the log goes into tables at the next start
			rig.Run(t, rig.Anywhere("none"), "serve", "--data-dir", data).Drain()
		}
		tables, err := filepath.Glob(filepath.Join(data, "*.sst"))
		require.NoError(t, err)
		require.NotEmpty(t, tables)
		for _, name := range tables {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			text[len(text)/4] ^= 4
			require.NoError(t, os.WriteFile(name, text, 0o600))
		}
		said := refuses(t, nil, "--data-dir", data)
		require.Contains(t, said, "data directory is damaged")
		require.Contains(t, said, "put a backup in its place (offhook restore)")
	})
	t.Run("a file", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "data")
		require.NoError(t, os.WriteFile(data, nil, 0o600))
		require.Contains(t, refuses(t, nil, "--data-dir", data), data+" must be a directory, or not be there yet")
	})
	t.Run("read-only", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.Mkdir(dir, 0o500))
		want := "let the user that offhook runs as"
		if os.Getuid() == 0 { // whom modes do not stop
			mounted(t, dir, "ro,size=1m")
			want = "make the file system writable"
		}
		said := refuses(t, nil, "--data-dir", filepath.Join(dir, "data"))
		require.Contains(t, said, want)
		require.Contains(t, said, "setting data_dir")
	})
	t.Run("full", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("nothing is mounted for us here; bench/prove/scarce has disks that are doubles")
		}
		dir := filepath.Join(t.TempDir(), "disk")
		require.NoError(t, os.Mkdir(dir, 0o700))
		mounted(t, dir, "mode=700,size=64k")
		said := refuses(t, []string{"OFFHOOK_SECRETS_KEY_FILE=" + filepath.Join(t.TempDir(), "key")}, "--data-dir", filepath.Join(dir, "data"))
		require.Regexp(t, "(?i)no space left|full|room|needs", said)
	})
}

// mounted puts a small disk of memory into a directory.
func mounted(t *testing.T, dir, options string) {
	t.Helper()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil { // #nosec G204 -- a directory of ours
		t.Skipf("this machine mounts nothing for us: %v: %s", err, out)
	}
	t.Cleanup(func() {
		out, err := exec.Command("umount", dir).CombinedOutput() // #nosec G204 -- the one from above
		require.NoError(t, err, "%s", out)
	})
}

func TestAPortInUseSaysByWhatSetting(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for setting, variable := range map[string]string{
		"listen": "OFFHOOK_LISTEN", "admin.listen": "OFFHOOK_ADMIN_LISTEN", "simulator.listen": "OFFHOOK_SIMULATOR_LISTEN",
	} {
		said := refuses(t, []string{variable + "=" + taken.Addr().String()}, "--data-dir", t.TempDir())
		require.Contains(t, said, "offhook: "+taken.Addr().String())
		require.Contains(t, said, "address already in use")
		require.True(t, strings.HasSuffix(said, "with the setting "+setting), said)
	}
}
