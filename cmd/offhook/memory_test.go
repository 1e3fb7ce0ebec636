package main

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// machine is one with 8 GiB, and with files besides.
func machine(more map[string]string) fstest.MapFS {
	files := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:        8388608 kB\nMemFree:          388608 kB\n")}}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestMemoryIsTheLeastOfWhatBindsTheProcess(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  int64
	}{
		"nothing is known":   {fstest.MapFS{}, 0},
		"the machine's":      {machine(nil), 8 * gib},
		"a service's":        {machine(map[string]string{"proc/self/cgroup": "0::/system.slice/offhook.service\n", "sys/fs/cgroup/system.slice/offhook.service/memory.max": "2147483648\n"}), 2 * gib},
		"of the slice above": {machine(map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1073741824\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}), gib},
		"a container's":      {machine(map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n"}), gib},
		"of version 1":       {machine(map[string]string{"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/1\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n"}), gib},
		"without a limit":    {machine(map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}), 8 * gib},
		"no numbers":         {fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal: much kB\n")}}, 0},
	} {
		require.Equal(t, c.want, memory(c.files), name)
	}
}

func TestTheOperatorSetsTheCollectorAndWeOnlyOtherwise(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}()
	set := func(env map[string]string, files fstest.MapFS) (percent int, limit int64) {
		setCollector(env, files)
		return debug.SetGCPercent(100), debug.SetMemoryLimit(math.MaxInt64)
	}
	for _, c := range []struct {
		env     map[string]string
		files   fstest.MapFS
		percent int
		limit   int64
	}{
		{nil, machine(nil), gentleGC, 4 << 30},
		{map[string]string{"GOGC": "50"}, machine(nil), 100, math.MaxInt64},
		{map[string]string{"GOMEMLIMIT": "1GiB"}, machine(nil), gentleGC, math.MaxInt64},
		{nil, fstest.MapFS{}, 100, math.MaxInt64},
		{nil, fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal: 524288 kB\n")}}, 100, math.MaxInt64},
	} {
		percent, limit := set(c.env, c.files)
		require.Equal(t, c.percent, percent, c.env)
		require.Equal(t, c.limit, limit, c.env)
	}
}
