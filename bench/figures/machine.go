package figures

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Machine is where the numbers come from; without it they mean nothing.
type Machine struct {
	Cores  int     `json:"cores"`
	Model  string  `json:"model"`
	System string  `json:"system"`
	Go     string  `json:"go"`
	Sync   float64 `json:"sync_us"` // median time of a synced write of 4 KiB, µs
	Commit string  `json:"commit,omitempty"`
}

// Describe looks at the machine, and at the disk that dir is on.
func Describe(dir string) (Machine, error) {
	sync, err := syncTime(dir)
	return Machine{
		Cores: runtime.GOMAXPROCS(0), Model: model(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Sync: float64(sync.Nanoseconds()) / 1e3, Commit: commit(),
	}, err
}

// model is what the processor calls itself.
func model() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// commit is the commit that was measured, if there is a repository here.
func commit() string {
	out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// syncTime is the median time of a synced write: an event cannot leave sooner.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	took := make([]time.Duration, 0, 51)
	block := make([]byte, 4096)
	for range cap(took) {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}
