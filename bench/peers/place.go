package peers

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is who a server runs as: who runs the bench, unless that is root.
type account struct {
	name       string
	credential *syscall.Credential // nil: who runs the bench
}

// unprivileged finds an account for PostgreSQL, which refuses root, and which
// must get at what is in dir.
func unprivileged(dir string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || uid == 0 {
			continue
		}
		who := account{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return who, who.reaches(dir)
	}
	return account{}, Absent("PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run the bench as another user")
}

// reaches says why the account cannot pass through a directory or those above
// it. Groups are not looked at: it has none here.
func (a account) reaches(dir string) error {
	dir, err := filepath.Abs(dir)
	for ; err == nil; dir = filepath.Dir(dir) {
		var at os.FileInfo
		if at, err = os.Stat(dir); err != nil {
			break
		}
		owned := at.Sys().(*syscall.Stat_t).Uid == a.credential.Uid
		if at.Mode().Perm()&0o001 == 0 && !(owned && at.Mode().Perm()&0o100 != 0) {
			return Absent(fmt.Sprintf("PostgreSQL does not run as root, and the user %s cannot pass through %s: allow it, or choose another --dir", a.name, dir))
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return err
}

// as lets a command run under the account.
func (a account) as(cmd *exec.Cmd) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	return cmd
}

// directory makes one in parent that is the account's.
func (a account) directory(parent string) (string, error) {
	dir, err := os.MkdirTemp(parent, "offhook-bench-peer-")
	if err != nil || a.credential == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(a.credential.Uid), int(a.credential.Gid))
}

// fits says whether a socket can have such a path.
func fits(socket string) error {
	if len(socket) > 103 { // less than any system's limit
		return Absent(fmt.Sprintf("%s is too long for a socket's path: choose a shorter --dir", socket))
	}
	return nil
}

// memory is how many bytes the machine has; 2 GB if it does not tell.
func memory() int64 {
	const otherwise = 2 << 30
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return otherwise
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			if kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return otherwise
}

// free is how many bytes there is room for on a directory's disk.
func free(dir string) int64 {
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return 0
	}
	return int64(fs.Bavail) * int64(fs.Bsize) // #nosec G115 -- no disk is as large
}
