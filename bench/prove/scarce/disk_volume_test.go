package scarce

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// volume is a small disk of memory that the test mounted, and somebody else's
// file on it, which grows.
type volume struct {
	dir    string
	filler string
}

// mount mounts a volume for as long as t lasts. It reports false where that is
// not allowed.
func mount(t *testing.T, size string) (*volume, bool) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(dir, 0o700))
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "mode=700,size="+size, "tmpfs", dir).CombinedOutput() // #nosec G204 -- a directory of ours
	if err != nil {
		t.Logf("this machine mounts nothing for us (%v: %s): the disks of the other tests are doubles", err, out)
		return nil, false
	}
	t.Cleanup(func() {
		out, err := exec.Command("umount", dir).CombinedOutput() // #nosec G204 -- the one that was mounted above
		require.NoError(t, err, "%s", out)
	})
	return &volume{dir: dir, filler: filepath.Join(dir, "somebody-elses")}, true
}

func (v *volume) free(t *testing.T) uint64 {
	t.Helper()
	usage, err := vfs.Default.GetDiskUsage(v.dir)
	require.NoError(t, err)
	return usage.AvailBytes
}

// fill has the other file grow until no more than so many bytes are free.
func (v *volume) fill(t *testing.T, leave uint64) {
	t.Helper()
	f, err := os.OpenFile(v.filler, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	block := make([]byte, 64<<10)
	for err == nil {
		free := v.free(t)
		if free <= leave {
			break
		}
		_, err = f.Write(block[:min(free-leave, uint64(len(block)))])
	}
	if !errors.Is(err, syscall.ENOSPC) {
		require.NoError(t, err)
	}
	require.NoError(t, f.Close())
}

// clear removes the other file.
func (v *volume) clear(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(v.filler))
}
