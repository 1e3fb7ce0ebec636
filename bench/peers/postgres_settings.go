package peers

import (
	"fmt"
	"strconv"
	"strings"
)

// postgresSettings are what suits this load best and loses nothing: a
// checkpoint never comes in between, nor does a vacuum, and the log of changes
// is written to files that are there already.
func postgresSettings(memory, free int64) []string {
	const mb = 1 << 20
	return []string{
		"listen_addresses=",
		"max_connections=200",
		"fsync=on",
		"synchronous_commit=on",
		"full_page_writes=on",
		"wal_level=minimal",
		"max_wal_senders=0",
		fmt.Sprintf("shared_buffers=%dMB", max(128, min(2048, memory/mb/4))),
		fmt.Sprintf("max_wal_size=%dMB", max(256, min(24<<10, free/mb/4))),
		fmt.Sprintf("min_wal_size=%dMB", max(128, min(4<<10, free/mb/8))),
		"wal_buffers=64MB",
		"checkpoint_timeout=1d",
		"autovacuum=off",
		"jit=off",
	}
}

// readSettings reads what fill asked for. A server that may lose what it
// acknowledged is no baseline, nor one that serves nobody.
func readSettings(row string) (version string, counts []int, err error) {
	const others = 10 // connections that are somebody else's, or kept for its owner
	f := strings.Split(row, "|")
	if len(f) != 4 {
		return "", nil, fmt.Errorf("%q is not what was asked of PostgreSQL", row)
	}
	version, _, _ = strings.Cut(f[0], " ")
	most, err := strconv.Atoi(f[3])
	if err != nil {
		return "", nil, err
	}
	if f[1] != "on" || f[2] == "off" {
		return "", nil, Absent(fmt.Sprintf("PostgreSQL has fsync %s and synchronous_commit %s, and may lose what it acknowledged: turn both on", f[1], f[2]))
	}
	for _, n := range postgresClients {
		if n+others <= most {
			counts = append(counts, n)
		}
	}
	if counts == nil {
		return "", nil, Absent(fmt.Sprintf("PostgreSQL has max_connections %d: raise it, best to 200", most))
	}
	return version, counts, nil
}
