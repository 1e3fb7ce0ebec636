package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Program is the offhook that is run. Go's build cache keeps it, so that of all
// test binaries one links it.
type Program struct {
	flags []string
	built func() (string, error)
}

// Checked has the race detector, and ends at the first race. Plain is what
// operators run, for whatever is measured; compiled with the flags of the
// Makefile, it shares all packages with what that builds.
var (
	Checked = program("-race")
	Plain   = program("-trimpath")
)

var (
	foldersMu sync.Mutex
	folders   []string // of programs, removed by Main
)

func program(flags ...string) *Program {
	p := &Program{flags: flags}
	p.built = sync.OnceValues(p.build)
	return p
}

// At is a program that was built before, of another version say.
func At(path string) *Program {
	return &Program{built: func() (string, error) { return path, nil }}
}

func (p *Program) build() (string, error) {
	dir, err := os.MkdirTemp("", "offhook-program")
	if err != nil {
		return "", err
	}
	foldersMu.Lock()
	folders = append(folders, dir)
	foldersMu.Unlock()
	path := filepath.Join(dir, "offhook")
	// Unlike go build, go run keeps what it linked. All it runs is cp, with the
	// path of that before ours.
	args := append([]string{"run", "-exec", "cp"}, p.flags...)
	out, err := exec.Command("go", append(args, "offhook/cmd/offhook", path)...).CombinedOutput() // #nosec G204 -- our own flags
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
}

// Path is where the program is; it is built if need be.
func (p *Program) Path(t testing.TB) string {
	t.Helper()
	path, err := p.built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Main runs a package's tests and removes the programs that they built. m is the
// *testing.M, or what looks after it.
func Main(m interface{ Run() int }) {
	code := m.Run()
	foldersMu.Lock()
	for _, dir := range folders {
		_ = os.RemoveAll(dir)
	}
	foldersMu.Unlock()
	os.Exit(code)
}
