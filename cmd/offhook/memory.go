package main

import (
	"io/fs"
	"math"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// A server that keeps little and passes much on has a small heap and fills it
// fast: at Go's default it would be collected several times a second. It may
// grow to four times what lives in it, as long as that is little beside what the
// machine has.
const (
	gentleGC    = 300     // GOGC
	memoryShare = 2       // one part in so many of the memory: from there on it is collected as often as it takes
	leastMemory = 1 << 30 // with less the database's own buffers are too much of it to be generous
)

// setCollector sets the collector, where the operator did not: GOGC and GOMEMLIMIT
// win. Where there is little memory, or nobody can tell, nothing is changed.
func setCollector(env map[string]string, files fs.FS) {
	if env["GOGC"] != "" {
		return
	}
	if env["GOMEMLIMIT"] == "" {
		most := memory(files)
		if most < leastMemory {
			return
		}
		debug.SetMemoryLimit(most / memoryShare)
	}
	debug.SetGCPercent(gentleGC)
}

// memory is how many bytes the process may have: those of the machine, or of the
// control groups it is in where that is less. 0 says that nobody knows.
func memory(files fs.FS) int64 {
	most := total(files)
	groups, _ := fs.ReadFile(files, "proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		root, file := "sys/fs/cgroup", "memory.max"
		switch controllers {
		case "": // version 2
		case "memory":
			root, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// The groups above bind too. In a container the path may be that of the
		// machine outside, and only the root is there.
		for dir := path.Join("/", group); ; dir = path.Dir(dir) {
			if b, err := fs.ReadFile(files, path.Join(root, dir, file)); err == nil {
				if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
					most = min(most, n)
				}
			}
			if dir == "/" {
				break
			}
		}
	}
	if most == math.MaxInt64 {
		return 0
	}
	return most
}

// total is the memory of the machine; the largest number without any.
func total(files fs.FS) int64 {
	info, _ := fs.ReadFile(files, "proc/meminfo")
	for line := range strings.Lines(string(info)) {
		if size, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			if kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64); err == nil && kb > 0 && kb < math.MaxInt64>>10 {
				return kb << 10
			}
		}
	}
	return math.MaxInt64
}
